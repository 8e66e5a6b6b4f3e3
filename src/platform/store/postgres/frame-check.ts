// The border of the protocol: whether the bytes of a server are messages at all, before the library reads them. It trusts lengths and ends of
// texts, so that a peer that is no PostgreSQL could keep it busy for ever or fill the memory.
// https://www.postgresql.org/docs/current/protocol-message-formats.html

/** Longest message, in bytes: a row of the largest value that is kept here, with room. */
const longest = 64 * 1024 * 1024

/** First bytes of the messages that a server may send here. */
const known = new Set([...'123AcCdDEGHIKNnRSsTtvWZ'].map((char) => char.charCodeAt(0)))

const error = 'E'.charCodeAt(0)
const notice = 'N'.charCodeAt(0)

export class FrameCheck {
  private readonly head = Buffer.alloc(5)
  private headed = 0
  private code = 0
  /** Bytes of the body that are still to come. */
  private left = 0
  /** The last two bytes of the body. */
  private tail = 0

  /** The next bytes of the stream: what is wrong with them; undefined where nothing is. */
  next(chunk: Uint8Array): string | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.headed < 5) {
        this.head[this.headed++] = chunk[at++] as number
        if (this.headed < 5) continue
        const wrong = this.begin()
        if (wrong !== undefined) return wrong
      } else {
        const taken = Math.min(this.left, chunk.length - at)
        const last = at + taken - 1
        this.tail =
          taken === 1 ? ((this.tail << 8) | (chunk[last] as number)) & 0xffff : ((chunk[last - 1] as number) << 8) | (chunk[last] as number)
        this.left -= taken
        at += taken
      }
      if (this.headed === 5 && this.left === 0) {
        // Their fields end with an empty one.
        if ((this.code === error || this.code === notice) && this.tail !== 0) return 'a message of it has no end'
        this.headed = 0
      }
    }
    return undefined
  }

  private begin(): string | undefined {
    this.code = this.head[0] as number
    const length = this.head.readUInt32BE(1)
    if (!known.has(this.code)) return 'it does not speak the protocol of PostgreSQL'
    if (length < 4 || length > longest) return `a message of it has ${length} bytes`
    this.left = length - 4
    // A body of no byte has no end either.
    this.tail = this.left === 0 ? 0xffff : 0
    return undefined
  }
}
