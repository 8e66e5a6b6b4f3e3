// Goes once over JSON, or over a text that may be some, and says what stands where: the members of the root, the lists that could be rows,
// the members of the first row, and one number for all names and types. Builds nothing, and takes no more memory for a larger text.
import { asBuffer } from '../../../core/protocol/scan.ts'
import { FormNumber, firstPlace, mix, nameHash, step } from './form-number.ts'
import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  cutOff,
  isVoidScalar,
  openBrace,
  openBracket,
  quote,
  scalarEnd,
  scalarType,
  spaceFrom,
  stringEnd,
  type,
} from './json-tokens.ts'
import { RowForm } from './row-form.ts'

/** How the scan ended: `cut` where the text ends inside, `illegal` where it is no JSON, `part` where only so much was to be looked at. */
export type Ending = 'whole' | 'cut' | 'illegal' | 'part' | 'deep'

const names = ['', 'object', 'array', 'string', 'number', 'number', 'boolean', 'null']

/** Deeper values are not looked at. */
const deepest = 64
const mostMembers = 32
const mostLists = 16
const mostRowKeys = 12
const mostKeys = 12
/** Of these the root has at least so many, if the first row has members as well. */
const leastRootKeys = 6

/** Where names and values of members are; reused, so that a scan makes no objects. */
class Members {
  count = 0
  readonly keyAt: Int32Array
  readonly keyEnd: Int32Array
  readonly start: Int32Array
  readonly end: Int32Array
  readonly type: Uint8Array

  constructor(most: number) {
    this.keyAt = new Int32Array(most)
    this.keyEnd = new Int32Array(most)
    this.start = new Int32Array(most)
    this.end = new Int32Array(most)
    this.type = new Uint8Array(most)
  }
}

/** Lists that could be rows: the root, a member of it, or a member of one of its objects. */
class Lists {
  count = 0
  /** Names on the way there, without quotes; 0 and 0 where there is none. */
  readonly outerAt = new Int32Array(mostLists)
  readonly outerEnd = new Int32Array(mostLists)
  readonly innerAt = new Int32Array(mostLists)
  readonly innerEnd = new Int32Array(mostLists)
  readonly elements = new Int32Array(mostLists)
  readonly bytes = new Int32Array(mostLists)
}

export class JsonScan {
  ending: Ending = 'illegal'
  /** Just after the value, or where the scan stopped. */
  end = 0
  /** Type of the root. */
  root = 0
  /** Members or elements of the root, however many were kept. */
  count = 0
  readonly members = new Members(mostMembers)
  readonly lists = new Lists()
  /** Of the first object of the first list that has one. */
  readonly row = new Members(mostRowKeys)
  private rowList = -1
  /** Some value is null, nothing, zero or without members: otherwise the whole is surely not empty. */
  hasVoid = false
  form = 0
  /** Of names and types of root and first row. */
  keysHash = 0

  private bytes: Uint8Array = new Uint8Array(0)
  private readonly isObject = new Uint8Array(deepest + 2)
  private readonly path = new Int32Array(deepest + 2)
  private readonly keySum = new Int32Array(deepest + 2)
  private readonly counts = new Int32Array(deepest + 2)
  private readonly listAt = new Int8Array(deepest + 2)
  private readonly openedAt = new Int32Array(deepest + 2)
  /** Name of the current member of each level. */
  private readonly keyAt = new Int32Array(deepest + 2)
  private readonly keyEnd = new Int32Array(deepest + 2)
  private readonly rows = new RowForm()
  private readonly formNumber = new FormNumber()

  /**
   * Scans the value that starts at `from` and ends before `to`. `isPart`: more follows after `to`, so that an end there is no cut.
   * `wantsForm`: the number for all names and types is wanted.
   */
  scan(b: Uint8Array, from: number, to: number, isPart: boolean, wantsForm: boolean): Ending {
    this.reset(b)
    const { isObject, path, keySum, counts, listAt, openedAt, rows } = this
    const form = wantsForm ? this.formNumber : undefined
    let depth = 0
    let i = from
    let inObject = false
    /** Level of the first row while it is open. */
    let rowDepth = -1
    let place = firstPlace
    for (;;) {
      // Here a value starts.
      const start = i
      if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
      const c = b[i] as number
      const isOpening = c === openBrace || c === openBracket
      const passed = isOpening && !inObject && depth > 0 ? this.passRow(b, i, to, depth, place, form) : -1
      let kind = 0
      if (passed >= 0) {
        i = passed
        counts[depth] = (counts[depth] as number) + rows.passedRows
      } else if (isOpening) {
        kind = c === openBrace ? type.object : type.array
        form?.meet(place, kind)
        if (depth === deepest) return this.stop('deep', i, from, depth)
        const list = kind === type.array && depth <= 2 ? this.listOf(depth) : -1
        const startsRow = kind === type.object && this.rowList < 0 && depth > 0 && !inObject && counts[depth] === 0 && listAt[depth] !== -1
        if (startsRow) {
          this.rowList = listAt[depth] as number
          rowDepth = depth + 1
        }
        depth += 1
        inObject = c === openBrace
        isObject[depth] = inObject ? 1 : 0
        path[depth] = place
        keySum[depth] = 0
        counts[depth] = 0
        listAt[depth] = list
        openedAt[depth] = start
        if (depth === 1) this.root = kind
        i = spaceFrom(b, i + 1, to)
        if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
        if (b[i] !== (c === openBrace ? closeBrace : closeBracket)) {
          if (c === openBracket) {
            place = wantsForm ? step(place, 0x5b) : 0
            continue
          }
          // The first member; its name is read below.
        } else {
          this.hasVoid = true
        }
      } else if (c === quote) {
        kind = type.string
        i = stringEnd(b, i, to)
        if (i < 0) return this.stop(isPart ? 'part' : 'cut', to, from, depth)
        if (i - start === 2) this.hasVoid = true
      } else {
        const end = scalarEnd(b, i, to)
        if (end < 0) return this.stop(end === cutOff ? (isPart ? 'part' : 'cut') : 'illegal', i, from, depth)
        kind = scalarType(b, i, end)
        if (isVoidScalar(b, i, end)) this.hasVoid = true
        i = end
      }
      let opensObject = kind === type.object && b[i] !== closeBrace
      if (kind >= type.string) {
        form?.meet(place, kind)
        if (depth === 0) {
          this.root = kind
          return this.stop('whole', i, from, 0)
        }
        if (rows.isNoting) rows.note(start, i, place, kind)
        counts[depth] = (counts[depth] as number) + 1
        if (depth === 1 || depth === rowDepth) this.ended(depth, start, i, kind)
      }
      // After a value, or in a new object: close what ends here, then go to the next member or element.
      for (;;) {
        if (!opensObject) {
          i = spaceFrom(b, i, to)
          if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
          const d = b[i]
          if (d === (inObject ? closeBrace : closeBracket)) {
            i += 1
            if (inObject) form?.meet(step(path[depth] as number, keySum[depth] as number), 0)
            if (depth === 1 || listAt[depth] !== -1) this.close(depth, i)
            if (depth === rowDepth) rowDepth = -1
            depth -= 1
            if (depth === 0) return this.stop('whole', i, from, 0)
            if (rows.isNoting) rows.end(depth, i)
            counts[depth] = (counts[depth] as number) + 1
            const closed = inObject ? type.object : type.array
            inObject = isObject[depth] === 1
            if (depth === 1 || depth === rowDepth) this.ended(depth, openedAt[depth + 1] as number, i, closed)
            continue
          }
          if (d !== comma || counts[depth] === 0) return this.stop('illegal', i, from, depth)
          i = spaceFrom(b, i + 1, to)
          if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
          if (!inObject) {
            place = wantsForm ? step(path[depth] as number, 0x5b) : 0
            break
          }
        }
        opensObject = false
        if (b[i] !== quote) return this.stop('illegal', i, from, depth)
        const keyAt = i
        i = stringEnd(b, i, to)
        if (i < 0) return this.stop(isPart ? 'part' : 'cut', to, from, depth)
        this.keyAt[depth] = keyAt + 1
        this.keyEnd[depth] = i - 1
        if (wantsForm) {
          const hash = nameHash(b, keyAt + 1, i - 1)
          keySum[depth] = ((keySum[depth] as number) + Math.imul(hash, 0x27d4eb2f)) | 0
          place = step(path[depth] as number, hash)
        }
        i = spaceFrom(b, i, to)
        if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
        if (b[i] !== colon) return this.stop('illegal', i, from, depth)
        i = spaceFrom(b, i + 1, to)
        break
      }
    }
  }

  /** Names with types: those of the root, then those of the first row. */
  keys(): string[] {
    const { members, row } = this
    const ofRoot = Math.min(members.count, Math.max(leastRootKeys, mostKeys - row.count))
    const keys: string[] = []
    for (let at = 0; at < ofRoot; at += 1) keys.push(this.keyOf(members, at))
    const prefix = row.count === 0 ? '' : `${this.listPath(this.rowList).slice(1)}[].`
    const before = prefix.startsWith('.') ? prefix.slice(1) : prefix
    for (let at = 0; at < row.count && keys.length < mostKeys; at += 1) keys.push(before + this.keyOf(row, at))
    return keys
  }

  /** `$`, `$.rows`, `$.data.items` */
  listPath(list: number): string {
    const { outerAt, outerEnd, innerAt, innerEnd } = this.lists
    let path = '$'
    if (innerEnd[list] !== 0 && outerEnd[list] !== 0) path += `.${this.name(outerAt[list] as number, outerEnd[list] as number)}`
    if (innerEnd[list] !== 0) path += `.${this.name(innerAt[list] as number, innerEnd[list] as number)}`
    return path
  }

  private keyOf(members: Members, at: number): string {
    return `${this.name(members.keyAt[at] as number, members.keyEnd[at] as number)}:${names[members.type[at] as number]}`
  }

  private name(at: number, end: number): string {
    return asBuffer(this.bytes).toString('utf8', at, Math.min(end, at + longestName))
  }

  /** Just after the element of a list, where it is a row as the one before, and after those that follow as well; -1 where it has to be gone over. */
  private passRow(b: Uint8Array, at: number, to: number, depth: number, place: number, form: FormNumber | undefined): number {
    const { rows } = this
    if (rows.isNoting) return -1
    // The first row of all is gone over, since its members are kept.
    if (rows.fits(depth, place) && (this.rowList >= 0 || (this.counts[depth] as number) > 0)) {
      const end = rows.pass(b, at, to, form)
      if (end >= 0) return end
    }
    rows.begin(depth, place, at)
    return -1
  }

  private reset(b: Uint8Array): void {
    this.bytes = b
    this.root = 0
    this.count = 0
    this.members.count = 0
    this.lists.count = 0
    this.row.count = 0
    this.rowList = -1
    this.hasVoid = false
    this.form = 0
    this.formNumber.clear()
    this.rows.clear()
  }

  private stop(ending: Ending, at: number, from: number, depth: number): Ending {
    this.ending = ending
    this.end = at
    if (depth > 0) this.count = this.counts[1] as number
    // What is still open is longer than what was looked at.
    for (let open = depth; open > 0; open -= 1) this.close(open, at)
    if (this.root === 0 && ending !== 'illegal') this.root = this.bytes[from] === openBrace ? type.object : type.array
    this.form = this.formNumber.value
    if (this.rows.hasVoid) this.hasVoid = true
    let hash = firstPlace
    for (const members of [this.members, this.row]) {
      for (let n = 0; n < members.count; n += 1) {
        hash = mix(hash, nameHash(this.bytes, members.keyAt[n] as number, members.keyEnd[n] as number) + (members.type[n] as number))
      }
    }
    this.keysHash = hash
    return ending
  }

  private listOf(depth: number): number {
    const { lists, isObject, keyAt, keyEnd } = this
    if (depth > 2 || lists.count === mostLists || (depth > 0 && isObject[1] === 0) || (depth > 1 && isObject[2] === 0)) return -1
    const at = lists.count
    lists.count += 1
    lists.outerAt[at] = depth > 1 ? (keyAt[1] as number) : 0
    lists.outerEnd[at] = depth > 1 ? (keyEnd[1] as number) : 0
    lists.innerAt[at] = depth > 0 ? (keyAt[depth] as number) : 0
    lists.innerEnd[at] = depth > 0 ? (keyEnd[depth] as number) : 0
    lists.elements[at] = 0
    return at
  }

  private close(depth: number, end: number): void {
    if (depth === 1) this.count = this.counts[1] as number
    const list = this.listAt[depth] as number
    if (list < 0) return
    this.lists.elements[list] = this.counts[depth] as number
    this.lists.bytes[list] = end - (this.openedAt[depth] as number)
  }

  /** A member of the root or of the first row is over. */
  private ended(depth: number, start: number, end: number, kind: number): void {
    if (this.isObject[depth] === 0) return
    if (depth === 1) this.keep(this.members, mostMembers, depth, start, end, kind)
    else this.keep(this.row, mostRowKeys, depth, start, end, kind)
  }

  private keep(members: Members, most: number, depth: number, start: number, end: number, kind: number): void {
    const at = members.count
    if (at === most) return
    members.count += 1
    members.keyAt[at] = this.keyAt[depth] as number
    members.keyEnd[at] = this.keyEnd[depth] as number
    members.start[at] = start
    members.end[at] = end
    members.type[at] = kind
  }
}

const longestName = 64
