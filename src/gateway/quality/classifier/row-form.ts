// What stands between the values of a row: names, brackets and spaces. Most rows of a list have it from the row before, byte for byte, so that
// nothing of them has to be looked at but their values. It says nothing else than a scan of the row would: what differs is left to that.
import type { FormNumber } from './form-number.ts'
import { backslash, comma, dot, isDigit, isVoidScalar, quote, scalarEnd, scalarType, stringEnd, type } from './json-tokens.ts'
import { firstOf, stopsIn, wordsOf } from './words-of.ts'

/** Of rows with more values no form is kept. */
const mostValues = 64
/** After so many rows in turn that have another form, those of the list are scanned, and what lists are in them has forms. */
const mostMisses = 3

export class RowForm {
  /** A row is gone over whose form is to be kept. */
  isNoting = false
  /** Some value of a row was null, nothing or zero. */
  hasVoid = false
  /** How many rows were passed at once. */
  passedRows = 0
  /** A row that was not of the form, so that it is not compared again. */
  private failedAt = -1
  /** Level of the list, and the way to its elements; a list at the same place has rows of the same form. */
  private depth = -1
  private place = 0
  private isKept = false
  private leastDepth = 0
  private misses = 0
  private count = 0
  private noted = 0
  /** What stands before each value, and after the last. */
  private readonly from = new Int32Array(mostValues + 1)
  private readonly to = new Int32Array(mostValues + 1)
  private readonly places = new Int32Array(mostValues)
  /** Types that were met at each place, a bit each. */
  private readonly types = new Uint8Array(mostValues)

  clear(): void {
    this.isNoting = false
    this.hasVoid = false
    this.isKept = false
    this.leastDepth = 0
    this.misses = 0
    this.failedAt = -1
  }

  /** A row starts that was not as the one before. */
  begin(depth: number, place: number, at: number): void {
    if (depth < this.leastDepth) return
    this.isNoting = true
    this.isKept = false
    this.depth = depth
    this.place = place
    this.count = 0
    this.noted = at
  }

  note(start: number, end: number, place: number, kind: number): void {
    const at = this.count
    if (at === mostValues) {
      this.isNoting = false
      return
    }
    this.count += 1
    this.from[at] = this.noted
    this.to[at] = start
    this.places[at] = place
    this.types[at] = 1 << kind
    this.noted = end
  }

  /** Something of that level ended: the row, if it is its own. */
  end(depth: number, at: number): void {
    if (depth !== this.depth) return
    this.from[this.count] = this.noted
    this.to[this.count] = at
    this.isNoting = false
    this.isKept = true
  }

  /** Whether what starts at that level and place may be a row of the form. */
  fits(depth: number, place: number): boolean {
    return this.isKept && depth === this.depth && place === this.place
  }

  /**
   * Just after the row that starts at `at` and those of its form that follow with nothing but a comma between (`passedRows`); -1 where
   * the row has another form. `form`: takes in types that were not met yet.
   */
  pass(b: Uint8Array, at: number, to: number, form: FormNumber | undefined): number {
    const words = wordsOf(b)
    let end = at === this.failedAt ? -1 : this.passed(b, words, at, to, form)
    if (end < 0) {
      this.misses += 1
      if (this.misses === mostMisses) {
        this.leastDepth = this.depth + 1
        this.misses = 0
      }
      return -1
    }
    this.misses = 0
    this.passedRows = 1
    while (end + 1 < to && b[end] === comma) {
      const next = this.passed(b, words, end + 1, to, form)
      if (next < 0) {
        this.failedAt = end + 1
        break
      }
      this.passedRows += 1
      end = next
    }
    return end
  }

  private passed(b: Uint8Array, words: DataView, at: number, to: number, form: FormNumber | undefined): number {
    const { count, types, from, to: until } = this
    if (form?.hasRoomFor(count + 1) === false) return -1
    const first = b.byteOffset
    let i = at
    for (let value = 0; ; value += 1) {
      const begin = from[value] as number
      const size = (until[value] as number) - begin
      if (i + size > to) return -1
      if (size < 4) {
        for (let k = 0; k < size; k += 1) if (b[begin + k] !== b[i + k]) return -1
      } else {
        const here = i + first
        const there = begin + first
        const last = size - 4
        for (let k = 0; k < last; k += 4) if (words.getInt32(there + k, true) !== words.getInt32(here + k, true)) return -1
        // The last four bytes, some of which may have been compared already.
        if (words.getInt32(there + last, true) !== words.getInt32(here + last, true)) return -1
      }
      i += size
      if (value === count) return i
      if (i >= to) return -1
      const c = b[i] as number
      const start = i
      let kind: number
      if (c === quote) {
        kind = type.string
        i += 1
        while (i + 4 <= to) {
          const stops = stopsIn(words.getInt32(i + first, true))
          if (stops !== 0) {
            i += firstOf(stops)
            break
          }
          i += 4
        }
        // Most have no escapes, and end before the text does.
        while (i < to && b[i] !== quote && b[i] !== backslash) i += 1
        i = i < to && b[i] === quote ? i + 1 : stringEnd(b, start, to)
        if (i < 0) return -1
        if (i - start === 2) this.hasVoid = true
      } else if (c > 0x30 && c <= 0x39) {
        kind = type.integer
        i += 1
        while (i < to && isDigit(b[i] as number)) i += 1
        if (i < to && b[i] === dot) {
          kind = type.number
          i += 1
          const fraction = i
          while (i < to && isDigit(b[i] as number)) i += 1
          if (i === fraction) return -1
        }
        if (i < to && ((b[i] as number) | 0x20) === 0x65) {
          kind = type.number
          i = scalarEnd(b, start, to)
          if (i < 0) return -1
        }
      } else if (c === 0x74) {
        kind = type.boolean
        i += 4
        if (i > to || b[i - 3] !== 0x72 || b[i - 2] !== 0x75 || b[i - 1] !== 0x65) return -1
      } else if (c === 0x66) {
        kind = type.boolean
        i += 5
        if (i > to || b[i - 4] !== 0x61 || b[i - 3] !== 0x6c || b[i - 2] !== 0x73 || b[i - 1] !== 0x65) return -1
      } else if (c === 0x6e) {
        kind = type.null
        i += 4
        if (i > to || b[i - 3] !== 0x75 || b[i - 2] !== 0x6c || b[i - 1] !== 0x6c) return -1
        this.hasVoid = true
      } else {
        i = scalarEnd(b, start, to)
        if (i < 0) return -1
        kind = scalarType(b, start, i)
        if (isVoidScalar(b, start, i)) this.hasVoid = true
      }
      const met = types[value] as number
      if ((met & (1 << kind)) === 0) {
        types[value] = met | (1 << kind)
        form?.meet(this.places[value] as number, kind)
      }
    }
  }
}
