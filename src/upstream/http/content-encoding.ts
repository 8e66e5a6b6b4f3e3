// Bodies that a server sends compressed, though they are not asked for: read as they come, so that an event stream stays one. What they
// unpack to is counted by whoever takes it, and no more is unpacked than is taken.
import type { IncomingHttpHeaders } from 'node:http'
import {
  type BrotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  type Inflate,
} from 'node:zlib'

type Decompressor = BrotliDecompress | Inflate

// A server that ends in the middle is read as far as it got, as without compression.
const zlib = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const brotli = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }

/** By the first byte of the body: some servers send `deflate` without the frame that RFC 9110 §8.4.1.2 asks for. */
const decompressors: Readonly<Record<string, (first: number) => Decompressor>> = {
  gzip: () => createGunzip(zlib),
  'x-gzip': () => createGunzip(zlib),
  br: () => createBrotliDecompress(brotli),
  deflate: (first) => ((first & 0x0f) === 0x08 ? createInflate(zlib) : createInflateRaw(zlib)),
}

/** What the body is packed in (`Content-Encoding`, lower case); undefined where in nothing: absent, empty or `identity`. */
export function contentEncoding(headers: IncomingHttpHeaders): string | undefined {
  const value: string | string[] | undefined = headers['content-encoding']
  if (value === undefined) return undefined
  const named = (Array.isArray(value) ? value.join() : value).toLowerCase().split(',')
  const packed = named.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
  return packed.length === 0 ? undefined : packed.join(', ').slice(0, 80)
}

/** The body is not packed in what its `Content-Encoding` says. */
export class BadEncoding extends Error {}

/** Why the body cannot be read, for people; undefined where it can. */
export function encodingProblem(headers: IncomingHttpHeaders): string | undefined {
  const encoding = contentEncoding(headers)
  return encoding === undefined || isRead(encoding) ? undefined : `its Content-Encoding is ${encoding}; gzip, br and deflate are read`
}

export function isRead(encoding: string): boolean {
  return Object.hasOwn(decompressors, encoding)
}

export interface DecodedBody {
  chunk(bytes: Buffer): void
  /** Once, after the last chunk; not after `stop`. `error`: it is not packed as it says. */
  done(error: BadEncoding | undefined): void
  /** More is wanted, after `write` said false. */
  more(): void
}

export class BodyDecoder {
  private readonly encoding: string
  private readonly to: DecodedBody
  private stream: Decompressor | undefined
  private stopped = false

  /** `encoding`: one that `isRead`. */
  constructor(encoding: string, to: DecodedBody) {
    this.encoding = encoding
    this.to = to
  }

  /** False where nothing more should come before `more`. */
  write(bytes: Buffer): boolean {
    if (this.stopped || bytes.length === 0) return true
    this.stream ??= this.open(bytes[0] as number)
    return this.stream.write(bytes)
  }

  /** Nothing more will come. */
  end(): void {
    if (this.stopped) return
    if (this.stream === undefined) this.finish(undefined)
    else this.stream.end()
  }

  stop(): void {
    this.stopped = true
    this.stream?.destroy()
  }

  private open(first: number): Decompressor {
    const stream = (decompressors[this.encoding] as (first: number) => Decompressor)(first)
    stream.on('data', (bytes: Buffer) => {
      if (!this.stopped) this.to.chunk(bytes)
    })
    stream.on('drain', () => {
      if (!this.stopped) this.to.more()
    })
    stream.on('end', () => this.finish(undefined))
    stream.on('error', (error) => this.finish(new BadEncoding(error.message)))
    return stream
  }

  private finish(error: Error | undefined): void {
    if (this.stopped) return
    this.stopped = true
    this.to.done(error)
  }
}
