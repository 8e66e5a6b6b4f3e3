// Cuts a byte stream into lines, each capped (MCP §transports, stdio). Linear in what arrives, whatever the chunks; a line that came in one
// chunk is not copied.
import { ChunkBuffer } from './chunk-buffer.ts'

const newline = 0x0a
const carriage = 0x0d

/**
 * A line without its end (LF or CRLF), never empty; it may be a view of the chunk that it came in. Undefined: one that is over the cap, whose
 * first bytes are its `head`.
 */
export type OnLine = (line: Uint8Array | undefined, head?: Uint8Array) => void

/** Bytes of a `head`. */
const headBytes = 512

export class Lines {
  private readonly maxBytes: number
  private readonly partial: ChunkBuffer
  private skipping = false

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
    this.partial = new ChunkBuffer(maxBytes)
  }

  /** Calls `on` for every line that ends in this chunk, and as soon as one passes the cap; the rest of that one is skipped. */
  push(chunk: Uint8Array, on: OnLine): void {
    let at = 0
    while (at < chunk.length) {
      const end = chunk.indexOf(newline, at)
      const part = chunk.subarray(at, end < 0 ? chunk.length : end)
      if (!this.skipping) this.take(part, on)
      if (end < 0) return
      at = end + 1
      if (this.skipping) this.skipping = false
      else this.emit(on)
    }
  }

  /** The stream has ended: its last line may lack its end. */
  finish(on: OnLine): void {
    if (!this.skipping) this.emit(on)
  }

  private take(part: Uint8Array, on: OnLine): void {
    if (this.partial.length + part.length <= this.maxBytes) {
      this.partial.append(part)
      return
    }
    this.skipping = true
    const begun = this.partial.take().subarray(0, headBytes)
    on(undefined, Buffer.concat([begun, part.subarray(0, headBytes - begun.length)]))
  }

  private emit(on: OnLine): void {
    let line = this.partial.take()
    if (line[line.length - 1] === carriage) line = line.subarray(0, -1)
    if (line.length > 0) on(line)
  }
}
