// Keeps the last bytes of a stream and forgets the rest.

export class ByteRing {
  private readonly capacity: number
  private buffer: Buffer | undefined
  /** Bytes ever written. */
  private total = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  write(chunk: Buffer): void {
    this.buffer ??= Buffer.alloc(this.capacity)
    const kept = chunk.length > this.capacity ? chunk.subarray(chunk.length - this.capacity) : chunk
    const at = (this.total + chunk.length - kept.length) % this.capacity
    const first = kept.copy(this.buffer, at)
    if (first < kept.length) kept.copy(this.buffer, 0, first)
    this.total += chunk.length
  }

  /** What is kept, as text, oldest first. */
  text(): string {
    if (this.buffer === undefined) return ''
    if (this.total <= this.capacity) return this.buffer.toString('utf8', 0, this.total)
    const at = this.total % this.capacity
    return Buffer.concat([this.buffer.subarray(at), this.buffer.subarray(0, at)]).toString('utf8')
  }
}
