// Goes once over JSON, or over a text that may be some, and says what stands where: the members of the root, the lists that could be rows,
// the members of the first row, and one number for all names and types. Builds nothing, and takes no more memory for a larger text.
import { asBuffer } from '../../../core/protocol/scan.ts'

/** How the scan ended: `cut` where the text ends inside, `illegal` where it is no JSON, `part` where only so much was to be looked at. */
export type Ending = 'whole' | 'cut' | 'illegal' | 'part' | 'deep'

/** Types of values; integers are told from other numbers, since schemas do. */
export const type = { object: 1, array: 2, string: 3, number: 4, integer: 5, boolean: 6, null: 7 } as const
const names = ['', 'object', 'array', 'string', 'number', 'number', 'boolean', 'null']

/** Deeper values are not looked at. */
const deepest = 64
const mostMembers = 32
const mostLists = 16
const mostRowKeys = 12
const mostKeys = 12
/** Of these the root has at least so many, if the first row has members as well. */
const leastRootKeys = 6

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

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

const hashPrime = 0x01000193
const hashStart = 0x811c9dc5 | 0

/** A way of names, one further. */
function step(place: number, name: number): number {
  const h = Math.imul(place ^ name, 0x85ebca6b)
  return h ^ (h >>> 15)
}

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Pairs of a path and a type that were met, each counted once, so that the number of rows makes no difference. */
const mostPairs = 384

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
  private readonly pairs = new Int32Array(512)
  private pairCount = 0
  private integral = false

  /**
   * Scans the value that starts at `from` and ends before `to`. `isPart`: more follows after `to`, so that an end there is no cut.
   * `wantsForm`: the number for all names and types is wanted.
   */
  scan(b: Uint8Array, from: number, to: number, isPart: boolean, wantsForm: boolean): Ending {
    this.reset(b)
    const { isObject, path, keySum, counts, listAt, openedAt } = this
    let depth = 0
    let i = from
    let inObject = false
    /** Level of the first row while it is open. */
    let rowDepth = -1
    let place = hashStart
    for (;;) {
      // Here a value starts.
      const start = i
      if (i >= to) return this.stop(isPart ? 'part' : 'cut', i, from, depth)
      const c = b[i] as number
      let kind: number
      if (c === openBrace || c === openBracket) {
        kind = c === openBrace ? type.object : type.array
        if (wantsForm) this.meet(place, kind)
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
        const end = c === 0x2d || (c >= 0x30 && c <= 0x39) ? this.numberEnd(b, i, to) : literalEnd(b, i, to)
        if (end < 0) return this.stop(end === cutOff ? (isPart ? 'part' : 'cut') : 'illegal', i, from, depth)
        kind = c === 0x6e ? type.null : c === 0x74 || c === 0x66 ? type.boolean : this.integral ? type.integer : type.number
        if (kind === type.null || (c === 0x30 && end === i + 1)) this.hasVoid = true
        i = end
      }
      let opensObject = kind === type.object && b[i] !== closeBrace
      if (kind >= type.string) {
        if (wantsForm) this.meet(place, kind)
        if (depth === 0) {
          this.root = kind
          return this.stop('whole', i, from, 0)
        }
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
            if (wantsForm && inObject) this.meet(step(path[depth] as number, keySum[depth] as number), 0)
            if (depth === 1 || listAt[depth] !== -1) this.close(depth, i)
            if (depth === rowDepth) rowDepth = -1
            depth -= 1
            if (depth === 0) return this.stop('whole', i, from, 0)
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
    if (this.pairCount > 0) this.pairs.fill(0)
    this.pairCount = 0
  }

  private stop(ending: Ending, at: number, from: number, depth: number): Ending {
    this.ending = ending
    this.end = at
    if (depth > 0) this.count = this.counts[1] as number
    // What is still open is longer than what was looked at.
    for (let open = depth; open > 0; open -= 1) this.close(open, at)
    if (this.root === 0 && ending !== 'illegal') this.root = this.bytes[from] === openBrace ? type.object : type.array
    let hash = hashStart
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

  /** Counts a path with a type once. More of them than fit are all counted, so that such a value has a form of its own. */
  private meet(place: number, kind: number): void {
    const pair = (place + Math.imul(kind, 0x9e3779b1)) | 1
    const { pairs } = this
    let at = (pair >>> 9) & 511
    while (pairs[at] !== 0) {
      if (pairs[at] === pair) return
      at = (at + 1) & 511
    }
    if (this.pairCount < mostPairs) {
      pairs[at] = pair
      this.pairCount += 1
    }
    this.form = (this.form + mix(pair, 0x2545f491)) | 0
  }

  private numberEnd(b: Uint8Array, at: number, to: number): number {
    let i = b[at] === 0x2d ? at + 1 : at
    const digits = i
    while (i < to && isDigit(b[i] as number)) i += 1
    if (i === digits || (i - digits > 1 && b[digits] === 0x30)) return i >= to && i === digits ? cutOff : wrong
    this.integral = true
    if (b[i] === 0x2e && i < to) {
      this.integral = false
      i += 1
      const fraction = i
      while (i < to && isDigit(b[i] as number)) i += 1
      if (i === fraction) return i >= to ? cutOff : wrong
    }
    if (i < to && (b[i] === 0x65 || b[i] === 0x45)) {
      this.integral = false
      i += 1
      if (i < to && (b[i] === 0x2b || b[i] === 0x2d)) i += 1
      const exponent = i
      while (i < to && isDigit(b[i] as number)) i += 1
      if (i === exponent) return i >= to ? cutOff : wrong
    }
    return i
  }
}

const longestName = 64
const cutOff = -1
const wrong = -2

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

/** `true`, `false`, `null` */
function literalEnd(b: Uint8Array, at: number, to: number): number {
  const c = b[at]
  if (c === 0x74) return spelt(b, at, to, 0x72, 0x75, 0x65, 0)
  if (c === 0x6e) return spelt(b, at, to, 0x75, 0x6c, 0x6c, 0)
  return c === 0x66 ? spelt(b, at, to, 0x61, 0x6c, 0x73, 0x65) : wrong
}

function spelt(b: Uint8Array, at: number, to: number, second: number, third: number, fourth: number, fifth: number): number {
  const size = fifth === 0 ? 4 : 5
  if (at + size <= to) {
    const isSpelt = b[at + 1] === second && b[at + 2] === third && b[at + 3] === fourth && (fifth === 0 || b[at + 4] === fifth)
    return isSpelt ? at + size : wrong
  }
  if (at + 1 < to && b[at + 1] !== second) return wrong
  if (at + 2 < to && b[at + 2] !== third) return wrong
  return at + 3 < to && b[at + 3] !== fourth ? wrong : cutOff
}

function spaceFrom(b: Uint8Array, at: number, to: number): number {
  let i = at
  while (i < to) {
    const c = b[i] as number
    if (c > 0x20) return i
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return i
    i += 1
  }
  return i
}

/** Just after the string that starts at `at`; negative where it has no end before `to`. Control characters are let pass, as servers send them. */
function stringEnd(b: Uint8Array, at: number, to: number): number {
  let i = at + 1
  while (i < to) {
    const c = b[i] as number
    if (c === quote) return i + 1
    i += c === backslash ? 2 : 1
  }
  return cutOff
}

/** Of a name of a field; names that are data, as ids and dates are, all have the same. */
function nameHash(b: Uint8Array, at: number, end: number): number {
  let hash = hashStart
  let digits = 0
  for (let i = at; i < end; i += 1) {
    const c = b[i] as number
    if (c > 0x39 || c < 0x30) digits = 0
    else {
      digits += 1
      if (digits === 4) return hashStart
    }
    hash = Math.imul(hash ^ c, hashPrime)
  }
  return hash
}
