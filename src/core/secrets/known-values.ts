// Values that are known and must not get out, such as the credentials towards a server, found in whatever bytes they come back in: all of them
// in one pass that leaps over most bytes (Wu and Manber, 1994), so that it costs nearly the same for one and for many. Each is met at its end:
// what issuers make begins alike.
import type { Span } from '../protocol/scan.ts'

/** Shorter ones are not told from other text. */
const shortest = 8
const longest = 16_384
/** So many characters are in no longer word by chance. */
const surelyApart = 12
/** Bytes of the end by which a value is met, at most: those of the shortest. */
const widest = 32
/** Leaps are by the three bytes that stand there. */
const block = 3
const blockMask = 0x3fff
/** Of those that come while the gateway runs; their oldest go where more come. */
const mostBytes = 4_194_304
const mostAdded = 20_000

interface Needle {
  readonly bytes: Buffer
  /** Another character beside it makes it another word: it is short. */
  readonly isWord: boolean
}

export class KnownValues {
  private readonly fixed: readonly string[]
  /** In the order in which they came. */
  private readonly added = new Set<string>()
  private addedBytes = 0
  private window = widest
  /** How far may be leapt, by the block that stands there. */
  private readonly leaps = new Uint8Array(blockMask + 1)
  /** By the last four bytes. */
  private readonly ending = new Map<number, Needle[]>()

  private constructor(fixed: readonly string[]) {
    this.fixed = fixed.filter((one) => isFit(one))
    this.build()
  }

  /** `fixed` are kept for good; more may come. */
  static of(fixed: readonly string[]): KnownValues {
    return new KnownValues(fixed)
  }

  get isEmpty(): boolean {
    return this.ending.size === 0
  }

  add(values: readonly string[]): void {
    let isShorter = false
    for (const value of values) {
      if (!isFit(value) || this.added.has(value) || this.fixed.includes(value)) continue
      this.added.add(value)
      this.addedBytes += value.length
      if (shortestSpelling(value) < this.window) isShorter = true
      else this.learn(value)
    }
    if (isShorter) this.build()
    if (this.added.size <= mostAdded && this.addedBytes <= mostBytes) return
    // Half of what may stand, so that it is not built anew with each that comes.
    for (const oldest of this.added) {
      if (this.added.size <= mostAdded / 2 && this.addedBytes <= mostBytes / 2) break
      this.added.delete(oldest)
      this.addedBytes -= oldest.length
    }
    this.build()
  }

  /** In the order in which they stand; none overlaps another. */
  findIn(b: Uint8Array): readonly Span[] {
    if (this.isEmpty) return none
    const { leaps, window } = this
    let found: { start: number; end: number }[] | undefined
    for (let i = window - 1; i < b.length; ) {
      const leap = leaps[blockAt(b, i)] as number
      if (leap > 0) {
        i += leap
        continue
      }
      const needle = this.ending.get(tailAt(b, i))?.find((one) => endsAt(b, i + 1, one))
      i += 1
      if (needle === undefined) continue
      const start = i - needle.bytes.length
      found ??= []
      // One may begin with another, or end with it.
      let last = found.at(-1)
      while (last !== undefined && last.start >= start) {
        found.pop()
        last = found.at(-1)
      }
      if (last !== undefined && last.end > start) last.end = i
      else found.push({ start, end: i })
    }
    return found ?? none
  }

  private build(): void {
    const values = [...this.fixed, ...this.added]
    this.window = Math.min(widest, ...values.map(shortestSpelling))
    this.leaps.fill(this.window - block + 1)
    this.ending.clear()
    for (const value of values) this.learn(value)
  }

  private learn(value: string): void {
    for (const spelt of new Set(spellings(value))) {
      const bytes = Buffer.from(spelt)
      const last = bytes.length - 1
      for (let back = 0; back <= this.window - block; back += 1) {
        const at = blockAt(bytes, last - back)
        if ((this.leaps[at] as number) > back) this.leaps[at] = back
      }
      const tail = tailAt(bytes, last)
      const those = this.ending.get(tail) ?? []
      those.push({ bytes, isWord: value.length < surelyApart })
      // The longest first.
      this.ending.set(
        tail,
        those.sort((one, other) => other.bytes.length - one.bytes.length),
      )
    }
  }
}

const none: readonly Span[] = []

function blockAt(b: Uint8Array, i: number): number {
  return (((b[i - 2] as number) << 10) ^ ((b[i - 1] as number) << 5) ^ (b[i] as number)) & blockMask
}

function tailAt(b: Uint8Array, i: number): number {
  return ((b[i - 3] as number) << 24) | ((b[i - 2] as number) << 16) | ((b[i - 1] as number) << 8) | (b[i] as number)
}

function endsAt(b: Uint8Array, end: number, { bytes, isWord }: Needle): boolean {
  const start = end - bytes.length
  if (start < 0 || b[start] !== bytes[0] || bytes.compare(b, start, end) !== 0) return false
  return !isWord || (!isOfWord(b, start - 1) && !isOfWord(b, end))
}

function isOfWord(b: Uint8Array, i: number): boolean {
  const c = b[i]
  if (c === undefined || b[i - 1] === 0x5c) return false
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
}

/** Ordinary words, numbers, addresses and folders are in many results. */
function isFit(value: string): boolean {
  const { length } = value
  if (length < shortest || length > longest) return false
  if (/^(?:\.{0,2}\/|~|[a-z][a-z0-9+.-]{1,20}:\/\/[^@\s]*$)/.test(value) || /^[\d.:-]+$/.test(value)) return false
  return length >= 16 || !/^[A-Za-z]+(?:[-_ ][A-Za-z]+)*$/.test(value)
}

/** As it is, in JSON, in JSON within a text, in an address; a text of several lines also line by line. */
function spellings(value: string): string[] {
  const lines = value.includes('\n') ? value.split(/\r?\n/).filter((line) => isFit(line) && !line.startsWith('-----')) : []
  return [value, ...lines].flatMap((one) => {
    const once = JSON.stringify(one).slice(1, -1)
    const twice = JSON.stringify(once).slice(1, -1)
    const all = [once, twice, encodeURIComponent(one.replace(/\p{Surrogate}/gu, ''))]
    // As PHP writes JSON.
    if (one.includes('/')) all.push(once.replaceAll('/', '\\/'), JSON.stringify(once.replaceAll('/', '\\/')).slice(1, -1))
    return all
  })
}

function shortestSpelling(value: string): number {
  return spellings(value).reduce((least, { length }) => Math.min(least, length), widest)
}
