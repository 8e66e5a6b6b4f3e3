// The credentials that the gateway itself keeps towards one server, found where the server gives them back: all of them in one pass that leaps
// over most bytes (Wu and Manber, 1994), so that it costs the same for one and for many.
import type { Found } from './find-secrets.ts'

/** Shorter ones are not told from other text. */
const shortest = 8
const longest = 4_096
/** So many characters are in no longer word by chance. */
const surelyApart = 12
/** Compared byte by byte up to here, and then at once. */
const blockMask = 0xfff

interface Needle {
  readonly bytes: Buffer
  /** Another character beside it makes it another word: it is short. */
  readonly isWord: boolean
}

export class KeptCredentials {
  /** Bytes of the shortest. */
  private readonly window: number
  /** How far the window may move, by the two bytes that end it. */
  private readonly shift: Uint8Array
  /** Needles whose window ends with two bytes of that sum. */
  private readonly ending = new Map<number, Needle[]>()

  private constructor(needles: readonly Needle[]) {
    this.window = Math.min(64, ...needles.map(({ bytes }) => bytes.length))
    this.shift = new Uint8Array(blockMask + 1).fill(this.window - 1)
    for (const needle of needles) {
      for (let i = 1; i < this.window; i += 1) {
        const block = blockOf(needle.bytes, i)
        this.shift[block] = Math.min(this.shift[block] as number, this.window - 1 - i)
      }
      const block = blockOf(needle.bytes, this.window - 1)
      this.ending.set(block, [...(this.ending.get(block) ?? []), needle])
    }
  }

  /** Undefined where none of them is fit to be looked for. */
  static of(credentials: readonly string[]): KeptCredentials | undefined {
    const spelt = new Map<string, Needle>()
    for (const one of credentials.filter((each) => isFit(each))) {
      for (const text of spellings(one)) spelt.set(text, { bytes: Buffer.from(text), isWord: one.length < surelyApart })
    }
    const needles = [...spelt.values()].sort((a, b) => b.bytes.length - a.bytes.length)
    return needles.length === 0 ? undefined : new KeptCredentials(needles)
  }

  /** In the order in which they stand; none overlaps another. */
  findIn(b: Uint8Array): readonly Found[] {
    const { window, shift } = this
    let found: Found[] | undefined
    for (let i = window - 1; i < b.length; ) {
      const block = blockOf(b, i)
      const leap = shift[block] as number
      if (leap > 0) {
        i += leap
        continue
      }
      const start = i - window + 1
      const needle = this.ending.get(block)?.find((one) => isAt(b, start, one))
      if (needle === undefined) {
        i += 1
        continue
      }
      const end = start + needle.bytes.length
      found ??= []
      found.push({ start, end, rule: 'own_credential' })
      i = end + window - 1
    }
    return found ?? none
  }
}

const none: readonly Found[] = []

function blockOf(b: Uint8Array, i: number): number {
  return (((b[i - 1] as number) << 5) ^ (b[i] as number)) & blockMask
}

function isAt(b: Uint8Array, start: number, { bytes, isWord }: Needle): boolean {
  const end = start + bytes.length
  if (end > b.length || b[start] !== bytes[0]) return false
  if (bytes.compare(b, start, end) !== 0) return false
  return !isWord || (!isOfWord(b, start - 1) && !isOfWord(b, end))
}

function isOfWord(b: Uint8Array, i: number): boolean {
  const c = b[i]
  if (c === undefined || b[i - 1] === 0x5c) return false
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
}

/** Ordinary words, numbers, addresses and folders are in many results. */
function isFit(credential: string): boolean {
  const { length } = credential
  if (length < shortest || length > longest) return false
  if (/^(?:\.{0,2}\/|~|[a-z][a-z0-9+.-]{1,20}:\/\/[^@\s]*$)/.test(credential) || /^[\d.:-]+$/.test(credential)) return false
  return length >= 16 || !/^[A-Za-z]+(?:[-_ ][A-Za-z]+)*$/.test(credential)
}

/** As it is, in JSON, in JSON within a text, in an address; a text of several lines also line by line. */
function spellings(credential: string): string[] {
  const lines = credential.includes('\n') ? credential.split(/\r?\n/).filter((line) => isFit(line) && !line.startsWith('-----')) : []
  return [credential, ...lines].flatMap((one) => {
    const once = JSON.stringify(one).slice(1, -1)
    return [once, JSON.stringify(once).slice(1, -1), encodeURIComponent(one.replace(/\p{Surrogate}/gu, ''))]
  })
}
