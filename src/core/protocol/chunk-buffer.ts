// Joins the chunks of one message. A message that came in one chunk is kept as it came; many small chunks cost amortised constant
// time a byte and one buffer, so that a peer that sends byte by byte cannot make us hold an object a byte.

import { largeBytes } from './scan.ts'

const empty = Buffer.alloc(0)
const smallest = 4_096
/** 2 MiB become 64 MiB. */
const largeGrowth = 32
/** A copy of so much takes a few milliseconds, and gives back the room that was not needed. */
const trimBytes = 8_388_608

export class ChunkBuffer {
  private buffer: Uint8Array = empty
  private used = 0
  /** False while `buffer` is somebody else's chunk, which is never written to. */
  private owned = false
  /** Of the bytes that may come in all, where that is known: no more is allocated ahead. */
  private readonly most: number

  constructor(most = Number.MAX_SAFE_INTEGER) {
    this.most = most
  }

  get length(): number {
    return this.used
  }

  /** `expected` is the whole size in bytes where the peer has told it; nothing is allocated for it before a second chunk comes. */
  append(chunk: Uint8Array, expected = 0): void {
    if (chunk.length === 0) return
    if (this.used === 0) {
      this.buffer = chunk
      this.used = chunk.length
      this.owned = false
      return
    }
    this.reserve(chunk.length, expected)
    this.buffer.set(chunk, this.used)
    this.used += chunk.length
  }

  appendByte(byte: number): void {
    this.reserve(1, 0)
    this.buffer[this.used] = byte
    this.used += 1
  }

  /** The bytes, which are the caller's from now on; this one is empty again. */
  take(): Uint8Array {
    let bytes = this.used === this.buffer.length ? this.buffer : this.buffer.subarray(0, this.used)
    if (this.used > largeBytes && this.used <= trimBytes && this.used < this.buffer.length / 2) bytes = Buffer.from(bytes)
    this.clear()
    return bytes
  }

  clear(): void {
    this.buffer = empty
    this.used = 0
    this.owned = false
  }

  private reserve(more: number, expected: number): void {
    const needed = this.used + more
    if (this.owned && needed <= this.buffer.length) return
    // A told size is believed only up to four times of what has come, so that it buys no memory without bytes. For a large message room is made
    // at once: what is never written to takes no memory, while each copy holds up the loop.
    const large = needed > largeBytes ? Math.min(needed * largeGrowth, this.most) : 0
    const size = Math.max(needed, Math.min(expected, needed * 4), this.used * 2, large, smallest)
    const grown = Buffer.allocUnsafeSlow(size)
    grown.set(this.buffer.subarray(0, this.used))
    this.buffer = grown
    this.owned = true
  }
}
