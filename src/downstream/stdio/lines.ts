// Cuts a byte stream into lines, each capped. Nothing is searched twice, and a line that came in one chunk is not copied.
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'

const newline = 0x0a
const carriage = 0x0d

export class Lines {
  private readonly maxBytes: number
  private readonly partial = new ChunkBuffer()
  private skipping = false

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Calls `on` for every line that ends in this chunk, without its end; `undefined` for one that is over the cap and was skipped. Empty lines are left out. */
  push(chunk: Uint8Array, on: (line: Uint8Array | undefined) => void): void {
    let at = 0
    while (at < chunk.length) {
      const end = chunk.indexOf(newline, at)
      const part = chunk.subarray(at, end < 0 ? chunk.length : end)
      if (!this.skipping) this.take(part)
      if (end < 0) return
      at = end + 1
      if (this.skipping) on(undefined)
      else this.emit(on)
      this.skipping = false
    }
  }

  /** The last line may lack its end. */
  finish(on: (line: Uint8Array | undefined) => void): void {
    if (!this.skipping) this.emit(on)
  }

  private take(part: Uint8Array): void {
    this.skipping = this.partial.length + part.length > this.maxBytes
    if (this.skipping) this.partial.clear()
    else this.partial.append(part)
  }

  private emit(on: (line: Uint8Array | undefined) => void): void {
    let line = this.partial.take()
    if (line[line.length - 1] === carriage) line = line.subarray(0, -1)
    if (line.length > 0) on(line)
  }
}
