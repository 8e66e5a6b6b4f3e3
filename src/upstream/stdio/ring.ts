// Keeps the last bytes of a stream and forgets the rest. All rings together have a bound too: beyond it a new ring is small.

/** What a ring has where the memory of all is used up, in bytes: enough for a last line. */
export const smallestRing = 4_096

/** The memory of all rings, in bytes. The smallest ones are not counted. */
export class RingMemory {
  private left: number

  constructor(bytes: number) {
    this.left = bytes
  }

  take(bytes: number): number {
    if (bytes <= smallestRing) return bytes
    if (bytes > this.left) return smallestRing
    this.left -= bytes
    return bytes
  }

  giveBack(bytes: number): void {
    if (bytes > smallestRing) this.left += bytes
  }
}

const ofAll = new RingMemory(16_777_216)

export class ByteRing {
  private readonly memory: RingMemory
  private capacity: number
  private buffer: Buffer | undefined
  /** Bytes ever written. */
  private total = 0

  constructor(capacity: number, memory = ofAll) {
    this.capacity = capacity
    this.memory = memory
  }

  write(chunk: Buffer): void {
    if (this.buffer === undefined) {
      this.capacity = this.memory.take(this.capacity)
      this.buffer = Buffer.alloc(this.capacity)
    }
    const kept = chunk.length > this.capacity ? chunk.subarray(chunk.length - this.capacity) : chunk
    const at = (this.total + chunk.length - kept.length) % this.capacity
    const first = kept.copy(this.buffer, at)
    if (first < kept.length) kept.copy(this.buffer, 0, first)
    this.total += chunk.length
  }

  /** Gives its memory back; what it kept is gone. Nothing is written any more. */
  release(): void {
    if (this.buffer !== undefined) this.memory.giveBack(this.capacity)
    this.buffer = undefined
    this.total = 0
  }

  /** What is kept, as text, oldest first. */
  text(): string {
    if (this.buffer === undefined) return ''
    if (this.total <= this.capacity) return this.buffer.toString('utf8', 0, this.total)
    const at = this.total % this.capacity
    return Buffer.concat([this.buffer.subarray(at), this.buffer.subarray(0, at)]).toString('utf8')
  }
}
