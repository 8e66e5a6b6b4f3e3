// Cuts the bytes of a stream into lines. Linear in what arrives, whatever the chunks: a long line is kept as a list of chunks and joined
// once. A line over the cap is not kept.

const newline = 0x0a
const carriageReturn = 0x0d

/** Chunks below this size in bytes are merged with their neighbours, so that a peer that drips bytes costs bytes and not objects. */
const smallBytes = 64 * 1024

export interface LineReader {
  /** One line without its line end (LF or CRLF), never empty. It may be a view of the chunk that it came in. */
  line(bytes: Uint8Array): void
  /** A line passed the cap. Called once; everything after it is dropped. */
  oversize(): void
}

export class LineFramer {
  private readonly maxBytes: number
  private readonly reader: LineReader
  private chunks: Buffer[] = []
  /** Bytes in `chunks`. */
  private held = 0
  private over = false

  constructor(maxBytes: number, reader: LineReader) {
    this.maxBytes = maxBytes
    this.reader = reader
  }

  push(chunk: Buffer): void {
    let from = 0
    while (!this.over) {
      const end = chunk.indexOf(newline, from)
      if (end < 0) break
      this.take(chunk.subarray(from, end))
      from = end + 1
    }
    if (!this.over && from < chunk.length) this.keep(from === 0 ? chunk : chunk.subarray(from))
  }

  /** The line that was begun and never ended, undefined if there is none. To be called once, at the end of the stream. */
  end(): Uint8Array | undefined {
    if (this.over || this.held === 0) return undefined
    const rest = trimmed(this.join())
    return rest.length === 0 ? undefined : rest
  }

  private take(last: Buffer): void {
    if (this.held + last.length > this.maxBytes) {
      this.refuse()
      return
    }
    if (this.held > 0 && last.length > 0) this.keep(last)
    const line = trimmed(this.held === 0 ? last : this.join())
    if (line.length > 0) this.reader.line(line)
  }

  private keep(chunk: Buffer): void {
    this.held += chunk.length
    if (this.held > this.maxBytes) {
      this.refuse()
      return
    }
    let piece = chunk
    for (;;) {
      const previous = this.chunks[this.chunks.length - 1]
      if (previous === undefined || previous.length > piece.length || previous.length >= smallBytes) break
      this.chunks.pop()
      piece = Buffer.concat([previous, piece])
    }
    this.chunks.push(piece)
  }

  private join(): Buffer {
    const [only] = this.chunks
    const whole = this.chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.chunks, this.held)
    this.chunks = []
    this.held = 0
    return whole
  }

  private refuse(): void {
    this.over = true
    this.chunks = []
    this.held = 0
    this.reader.oversize()
  }
}

function trimmed(line: Buffer): Buffer {
  return line.length > 0 && line[line.length - 1] === carriageReturn ? line.subarray(0, -1) : line
}
