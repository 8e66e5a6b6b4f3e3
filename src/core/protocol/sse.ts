// Server-sent events over bytes (WHATWG HTML §9.2.6): an incremental parser that reads any split of the stream alike and copies
// nothing where an event came whole, and the writers.
import { ChunkBuffer } from './chunk-buffer.ts'
import { asBuffer } from './scan.ts'
import { withoutBom } from './utf8.ts'

export interface SseEvent {
  /** `message` where the stream named none. */
  readonly event: string
  /** The last event id in effect; undefined before the first, '' where the stream took it back. */
  readonly id: string | undefined
  /** Empty for a priming event. May share memory with the chunk it came in. */
  readonly data: Uint8Array
}

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const space = 0x20
const nothing = Buffer.alloc(0)
const cut = -2

export class SseParser {
  private readonly maxBytes: number
  /** The part of a line that has come without its end. */
  private readonly partial: ChunkBuffer
  private readonly data: ChunkBuffer
  private dataLines = 0
  private event = 'message'
  private id: string | undefined
  private committedId: string | undefined
  private retry: number | undefined
  private afterCr = false
  private first = true
  private tooLarge = false
  private comments = 0

  /** `maxBytes` caps one event and one line; more ends the parsing. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
    this.partial = new ChunkBuffer(maxBytes + fieldSlack)
    this.data = new ChunkBuffer(maxBytes)
  }

  /** The id to resume from: of the last whole event, also one without data. */
  get lastEventId(): string | undefined {
    return this.committedId
  }

  /** The last `retry:`, in ms. */
  get retryMs(): number | undefined {
    return this.retry
  }

  /** Comment lines so far: how servers show that a quiet stream is alive. */
  get commentCount(): number {
    return this.comments
  }

  /** True while an event has begun and not ended. */
  get midEvent(): boolean {
    return this.dataLines > 0 || this.partial.length > 0
  }

  /** Calls `on` for every event that ends in this chunk. False once an event was larger than the cap: nothing is parsed from then on. */
  push(chunk: Uint8Array, on: (event: SseEvent) => void, onRetry?: (ms: number) => void): boolean {
    if (this.tooLarge) return false
    const bytes = asBuffer(chunk)
    let at = 0
    if (this.afterCr && bytes.length > 0) {
      if (bytes[0] === lf) at = 1
      this.afterCr = false
    }
    // Both are searched once a chunk where absent, so that long lines stay linear.
    let nextLf = cut
    let nextCr = cut
    while (at < bytes.length) {
      if (nextLf !== -1 && nextLf < at) nextLf = bytes.indexOf(lf, at)
      if (nextCr !== -1 && nextCr < at) nextCr = bytes.indexOf(cr, at)
      const end = nextLf === -1 ? nextCr : nextCr === -1 ? nextLf : Math.min(nextLf, nextCr)
      const stop = end === -1 ? bytes.length : end
      if (this.data.length + this.partial.length + stop - at > this.maxBytes + fieldSlack) return this.refuse()
      if (end === -1) {
        this.partial.append(bytes.subarray(at))
        break
      }
      this.line(this.wholeLine(bytes, at, end), on, onRetry)
      if (this.data.length > this.maxBytes) return this.refuse()
      at = end + 1
      if (end === nextCr) {
        if (at === bytes.length) this.afterCr = true
        else if (bytes[at] === lf) at += 1
      }
    }
    return true
  }

  private refuse(): false {
    this.tooLarge = true
    this.partial.clear()
    this.data.clear()
    return false
  }

  private wholeLine(bytes: Buffer, at: number, end: number): Buffer {
    let line = bytes.subarray(at, end)
    if (this.partial.length > 0) {
      this.partial.append(line)
      line = asBuffer(this.partial.take())
    }
    if (!this.first) return line
    this.first = false
    return withoutBom(line)
  }

  private line(line: Buffer, on: (event: SseEvent) => void, onRetry: ((ms: number) => void) | undefined): void {
    if (line.length === 0) {
      this.dispatch(on)
      return
    }
    // d-a-t-a, the field of nearly every line.
    if (line[0] === 0x64 && line[1] === 0x61 && line[2] === 0x74 && line[3] === 0x61 && (line[4] === colon || line.length === 4)) {
      this.addData(line.subarray(line[5] === space ? 6 : 5))
      return
    }
    const colonAt = line.indexOf(colon)
    if (colonAt === 0) {
      this.comments += 1
      return
    }
    const name = line.toString('latin1', 0, colonAt === -1 ? line.length : colonAt)
    const value = colonAt === -1 ? nothing : line.subarray(line[colonAt + 1] === space ? colonAt + 2 : colonAt + 1)
    if (name === 'event') this.event = value.length === 0 ? 'message' : value.toString('utf8')
    else if (name === 'id') {
      if (!value.includes(0)) this.id = value.toString('utf8')
    } else if (name === 'retry') this.setRetry(value.toString('latin1'), onRetry)
  }

  private setRetry(text: string, onRetry: ((ms: number) => void) | undefined): void {
    if (!/^\d{1,15}$/.test(text)) return
    this.retry = Number(text)
    onRetry?.(this.retry)
  }

  private addData(value: Buffer): void {
    // An empty first line leaves nothing to gather, so the line feed needs its own byte.
    if (this.dataLines > 0) {
      if (this.data.length === 0) this.data.append(Buffer.of(lf))
      else this.data.appendByte(lf)
    }
    this.data.append(value)
    this.dataLines += 1
  }

  private dispatch(on: (event: SseEvent) => void): void {
    this.committedId = this.id
    const event = this.event
    this.event = 'message'
    if (this.dataLines === 0) return
    this.dataLines = 0
    on({ event, id: this.committedId, data: this.data.take() })
  }
}

/** Room for the field name and the space beside the value that the cap counts. */
const fieldSlack = 64

export interface SseFields {
  readonly id?: string
  readonly event?: string
  /** Reconnection time in ms. */
  readonly retryMs?: number
  /** Line ends within become line feeds at the reader, which JSON does not mind. */
  readonly data: Uint8Array
}

/** One event, ready to be written. */
export function sseEvent(fields: SseFields): Buffer {
  let head = ''
  if (fields.id !== undefined) head += `id: ${oneLine(fields.id)}\n`
  if (fields.event !== undefined) head += `event: ${oneLine(fields.event)}\n`
  if (fields.retryMs !== undefined) head += `retry: ${Math.floor(fields.retryMs)}\n`
  const data = asBuffer(fields.data)
  if (data.includes(lf) || data.includes(cr)) return Buffer.concat([Buffer.from(head), ...dataLines(data), Buffer.from('\n')])
  head += 'data: '
  const headBytes = Buffer.byteLength(head)
  const out = Buffer.allocUnsafe(headBytes + data.length + 2)
  out.write(head)
  out.set(data, headBytes)
  out[out.length - 2] = lf
  out[out.length - 1] = lf
  return out
}

/** A comment, which readers skip: keeps proxies from cutting a quiet stream. */
export function sseComment(text = ''): Buffer {
  return Buffer.from(`:${oneLine(text)}\n\n`)
}

/** Tells the reader how long to wait before it reconnects. */
export function sseRetry(ms: number): Buffer {
  return Buffer.from(`retry: ${Math.floor(ms)}\n\n`)
}

const dataName = Buffer.from('data: ')
/** What stands before the text on the line of an event, in bytes. */
export const dataNameBytes = dataName.length
const lineFeed = Buffer.of(lf)

function dataLines(data: Buffer): Buffer[] {
  const out: Buffer[] = []
  let from = 0
  for (let i = 0; i <= data.length; i += 1) {
    const c = data[i]
    if (i < data.length && c !== lf && c !== cr) continue
    out.push(dataName, data.subarray(from, i), lineFeed)
    if (c === cr && data[i + 1] === lf) i += 1
    from = i + 1
  }
  return out
}

function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new Error('an SSE field holds a line end or NUL')
  return text
}
