// What stands between the values of a row: names, brackets and spaces. Most rows of a list have it from the row before, byte by byte, so that
// nothing of them has to be looked at but their values. It says nothing else than a scan of the row would: what differs is left to that.
import type { FormNumber } from './form-number.ts'
import { backslash, dot, isDigit, isVoidScalar, quote, scalarEnd, scalarType, stringEnd, type } from './json-tokens.ts'

/** Of rows with more values no form is kept. */
const mostValues = 64
/** After so many rows in turn that have another form, those of the list are scanned, and what lists are in them has forms. */
const mostMisses = 3

export class RowForm {
  /** A row is gone over whose form is to be kept. */
  isNoting = false
  /** Some value of a row was null, nothing or zero. */
  hasVoid = false
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

  /** Just after the row that starts at `at`; -1 where it has another form. `form`: takes in types that were not met yet. */
  pass(b: Uint8Array, at: number, to: number, form: FormNumber | undefined): number {
    const end = form?.hasRoomFor(this.count + 1) === false ? -1 : this.passed(b, at, to, form)
    if (end >= 0) this.misses = 0
    else {
      this.misses += 1
      if (this.misses === mostMisses) {
        this.leastDepth = this.depth + 1
        this.misses = 0
      }
    }
    return end
  }

  private passed(b: Uint8Array, at: number, to: number, form: FormNumber | undefined): number {
    const { count, types, from, to: until } = this
    let i = at
    for (let value = 0; ; value += 1) {
      const end = until[value] as number
      if (i + end - (from[value] as number) > to) return -1
      for (let k = from[value] as number; k < end; k += 1) {
        if (b[k] !== b[i]) return -1
        i += 1
      }
      if (value === count) return i
      if (i >= to) return -1
      const c = b[i] as number
      const start = i
      let kind: number
      if (c === quote) {
        kind = type.string
        i += 1
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
