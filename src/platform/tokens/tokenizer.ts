// How many tokens a text has for a model: by the vocabulary o200k, which is loaded where something needs it, since it takes a quarter of a
// second and some 60 MB. Bounded: of large texts parts are counted, and long runs without a space are cut, since the time for one grows
// with the square of its length.
import type { Report } from '../../core/ports/report.ts'

export interface Tokenizer {
  /** Of UTF-8. */
  count(text: Uint8Array): number
  /** Until then four bytes are taken for a token. Never rejects. */
  load(): Promise<void>
}

/** Bytes that are counted of a text at most: so many windows of this size, spread over it. */
const windows = 8
const windowBytes = 512
/** Characters that are handed over at once. */
const pieceLength = 256

/** What looks like a mark of the vocabulary is text like any other. */
const plain = { disallowedSpecial: new Set<string>() }

type Count = (text: string, options: typeof plain) => number

export function createTokenizer(report: Report): Tokenizer {
  let exact: Count | undefined
  return {
    load: async () => {
      try {
        exact = (await import('gpt-tokenizer/encoding/o200k_base')).countTokens
      } catch (error) {
        report.log('error', 'The tokenizer could not be loaded: four bytes are taken for a token', { reason: String(error) })
      }
    },
    count: (text) => {
      if (exact === undefined) return Math.ceil(text.length / 4)
      const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
      if (bytes.length <= windows * windowBytes) return inPieces(exact, bytes.toString('utf8'))
      let tokens = 0
      const step = (bytes.length - windowBytes) / (windows - 1)
      for (let n = 0; n < windows; n += 1) {
        const from = Math.floor(n * step)
        tokens += inPieces(exact, bytes.toString('utf8', from, from + windowBytes))
      }
      return Math.round((tokens * bytes.length) / (windows * windowBytes))
    },
  }
}

function inPieces(exact: Count, text: string): number {
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + pieceLength)
    if (to < text.length) {
      const space = text.lastIndexOf(' ', to)
      if (space > from + pieceLength / 2) to = space
    }
    tokens += exact(text.slice(from, to), plain)
    from = to
  }
  return tokens
}
