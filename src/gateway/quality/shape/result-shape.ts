// The shape of a tool's results as it was learned from them: which fields there are, of which types, and which are always there. Pure. What
// a service behind a server changes without notice shows here, whatever the tool's schema says or does not say.
import { escapeToken } from '../../../core/protocol/json-pointer.ts'
import { MemberWalk, passValue, skipSpace } from '../../../core/protocol/scan.ts'

export interface ShapeChange {
  /** JSON Pointer into the result, with `*` for the elements of lists and for names that are data. */
  readonly path: string
  readonly was: string
  /** Undefined: the field is gone. */
  readonly is: string | undefined
}

const bit = { object: 1, array: 2, string: 4, number: 8, boolean: 16, null: 32 } as const

/** What one result has at one path: how often, as what types, and how often as an object. */
interface Seen {
  found: number
  types: number
  objects: number
  /** Not all members of an object here were looked at: of none it can be said that it is not there. */
  partial?: true
}

export type SeenShape = ReadonlyMap<string, Seen>

/** Deeper fields, further elements and further members are not looked at. */
const deepest = 6
const mostElements = 8
const mostMembers = 48
const mostPaths = 200
/** Names of fields; others are data, as ids and dates are. */
const fieldName = /^[A-Za-z_$@][\w$.:-]{0,63}$/
const manyDigits = /\d{4}/
const any = '*'

/** The shape of the JSON value at `at`, which was checked before; nothing of it is built. */
export function shapeOfValue(bytes: Uint8Array, at: number): SeenShape {
  const seen = new Map<string, Seen>()
  look(bytes, at, '', 0, seen)
  return seen
}

/** Of a text that is no JSON. */
export const shapeOfText: SeenShape = new Map([['', { found: 1, types: bit.string, objects: 0 }]])

/** False where there are too many paths to look at this one. */
function look(bytes: Uint8Array, at: number, path: string, depth: number, seen: Map<string, Seen>): boolean {
  let here = seen.get(path)
  if (here === undefined) {
    if (seen.size >= mostPaths) return false
    here = { found: 0, types: 0, objects: 0 }
    seen.set(path, here)
  }
  const type = typeAt(bytes[at])
  here.found += 1
  here.types |= type
  if (depth >= deepest) return true
  if (type === bit.object) {
    here.objects += 1
    const walk = new MemberWalk(bytes, at, 'before')
    for (let count = 0; walk.next(); count += 1) {
      const key = walk.key()
      const name = fieldName.test(key) && !manyDigits.test(key) ? escapeToken(key) : any
      if (count < mostMembers && look(bytes, walk.start, `${path}/${name}`, depth + 1, seen)) continue
      here.partial = true
      break
    }
  } else if (type === bit.array) lookAtElements(bytes, at, `${path}/${any}`, depth + 1, seen)
  return true
}

const comma = 0x2c
const closeBracket = 0x5d

function lookAtElements(bytes: Uint8Array, at: number, path: string, depth: number, seen: Map<string, Seen>): void {
  let i = skipSpace(bytes, at + 1)
  for (let count = 0; count < mostElements && bytes[i] !== closeBracket; count += 1) {
    look(bytes, i, path, depth, seen)
    i = skipSpace(bytes, passValue(bytes, i))
    if (bytes[i] !== comma) return
    i = skipSpace(bytes, i + 1)
  }
}

function typeAt(first: number | undefined): number {
  switch (first) {
    case 0x7b:
      return bit.object
    case 0x5b:
      return bit.array
    case 0x22:
      return bit.string
    case 0x74:
    case 0x66:
      return bit.boolean
    case 0x6e:
      return bit.null
    default:
      return bit.number
  }
}

/** What is known of one path. */
interface Learned extends Seen {
  /** Not in every object that could have had it. */
  optional: boolean
}

/** Bytes that the paths of one tool take. Further ones are not learned. */
const mostBytes = 2_048
/** What a path takes beside its characters. */
const overhead = 16
/** A field that was seen less often has no type that it must have. */
const leastFound = 10
const mostChanges = 5
/** Beyond it counting says no more. */
const mostCounted = 1_000_000

export class ResultShape {
  private readonly paths = new Map<string, Learned>()
  private bytes = 0
  /** Results that were learned from. */
  results = 0

  learn(seen: SeenShape): void {
    for (const [path, one] of seen) {
      const known = this.paths.get(path)
      if (known === undefined) this.add(path, one, isMissing(path, one, seen) || this.objectsBefore(path, seen) > 0)
      else {
        known.types |= one.types
        known.optional ||= isMissing(path, one, seen)
        if (known.found < mostCounted) known.found += one.found
        if (known.objects < mostCounted) known.objects += one.objects
      }
    }
    for (const [path, known] of this.paths) {
      if (!known.optional && !seen.has(path) && objectsAbove(path, seen) > 0) known.optional = true
    }
    this.results += 1
  }

  /** The outermost ones, a few. */
  changes(seen: SeenShape): ShapeChange[] {
    const found: ShapeChange[] = []
    for (const [path, known] of this.paths) {
      if (known.found < leastFound || found.length >= mostChanges) continue
      const now = seen.get(path)
      if (now === undefined) {
        if (!known.optional && !path.endsWith(`/${any}`) && objectsAbove(path, seen) > 0) {
          found.push({ path, was: namesOf(known.types), is: undefined })
        }
      } else if ((now.types & ~known.types) !== 0) found.push({ path, was: namesOf(known.types), is: namesOf(now.types) })
    }
    return found
  }

  private add(path: string, { found, types, objects }: Seen, optional: boolean): void {
    const takes = path.length + overhead
    if (this.bytes + takes > mostBytes) return
    this.bytes += takes
    this.paths.set(path, { found, types, objects, optional })
  }

  /** Objects of earlier results that did not have it. */
  private objectsBefore(path: string, seen: SeenShape): number {
    const parent = above(path)
    return parent === undefined ? 0 : (this.paths.get(parent)?.objects ?? 0) - (seen.get(parent)?.objects ?? 0)
  }
}

function above(path: string): string | undefined {
  return path === '' ? undefined : path.slice(0, path.lastIndexOf('/'))
}

/** Objects of one result that could have the field. */
function objectsAbove(path: string, seen: SeenShape): number {
  const parent = above(path)
  const one = parent === undefined ? undefined : seen.get(parent)
  return one === undefined || one.partial === true ? 0 : one.objects
}

function isMissing(path: string, { found }: Seen, seen: SeenShape): boolean {
  return found < objectsAbove(path, seen)
}

function namesOf(types: number): string {
  return Object.entries(bit)
    .filter(([, one]) => (types & one) !== 0)
    .map(([name]) => name)
    .join(' or ')
}
