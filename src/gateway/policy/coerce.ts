// Gives arguments the types that their schema wants, where nothing is lost: `"1"` for an integer, JSON text for an object. Asked only of
// arguments that do not fit, and only the whole schema decides whether what came of it does. The bytes are edited, so that 64-bit integers
// and unknown members stay what they are.
import { type Payload, payload } from '../../core/call/payload.ts'
import type { Misfits, Validate } from '../../core/call/violation.ts'
import { readPointer } from '../../core/protocol/json-pointer.ts'
import { locate } from '../../core/protocol/locate.ts'
import { asBuffer, countMembers, countParsed, elements, skipSpace } from '../../core/protocol/scan.ts'
import { measure } from './arguments.ts'

export interface Coerced {
  readonly arguments: Payload
  /** JSON Pointers of what was changed. */
  readonly places: readonly string[]
}

/** How often arguments are judged at most, and how many parts of them in all. */
const mostTries = 64
const mostNodes = 50_000
/** JSON text in JSON text in … */
const deepest = 4
/** Among alternatives each set of places is a reading of its own. */
const mostChoices = 6

/** Undefined where there is no reading that satisfies the schema, or several. */
export function coerce(args: Payload, validate: Validate): Coerced | undefined {
  const { nodes } = measure(args.json())
  const search = new Search(validate, Math.max(2, Math.min(mostTries, Math.floor(mostNodes / nodes))))
  const [only, second] = search.from({ arguments: args, places: [] }, 0)
  return search.spent || second !== undefined ? undefined : only
}

/** A place and what its value could be read as, as JSON text. */
interface Candidate {
  readonly pointer: string
  readonly path: readonly (string | number)[]
  readonly readings: readonly string[]
}

class Search {
  private readonly validate: Validate
  private left: number

  constructor(validate: Validate, tries: number) {
    this.validate = validate
    this.left = tries
  }

  /** It was given up: whether there are more readings is not known. */
  get spent(): boolean {
    return this.left < 0
  }

  /** One that satisfies, or the first two. */
  from(current: Coerced, depth: number): readonly Coerced[] {
    this.left -= 1
    if (this.spent) return []
    const misfits: Misfits = { places: new Set(), choice: false }
    if (this.validate(current.arguments.json(), misfits).length === 0) return [current]
    if (depth === deepest) return []
    const found = candidates(current, misfits.places)
    if (found.length === 0) return []
    // Where nothing is left to choose, each of them has to be read so.
    if (!misfits.choice && found.every(({ readings }) => readings.length === 1)) return this.from(changed(current, found), depth + 1)
    return found.length > mostChoices ? [] : this.fewest(current, found, depth)
  }

  /** By as few changes as it takes: what fits one of the alternatives as it stands is not to be read otherwise. */
  private fewest(current: Coerced, found: readonly Candidate[], depth: number): readonly Coerced[] {
    for (let size = 1; size <= found.length; size += 1) {
      const satisfying = new Map<string, Coerced>()
      for (const some of choices(found, size)) {
        for (const one of this.from(changed(current, some), depth + 1)) {
          satisfying.set(asBuffer(one.arguments.bytes).toString('latin1'), one)
        }
        if (satisfying.size > 1 || this.spent) break
      }
      if (satisfying.size > 0) return [...satisfying.values()]
    }
    return []
  }
}

function changed(current: Coerced, some: readonly Candidate[]): Coerced {
  const edits = some.map(({ path, readings: [value] }) => ({ path, value }))
  return { arguments: current.arguments.edit(edits), places: [...current.places, ...some.map(({ pointer }) => pointer)] }
}

/** Every way to take `size` of them, each with one of its readings. */
function* choices(found: readonly Candidate[], size: number, from = 0): Generator<readonly Candidate[]> {
  if (size === 0) {
    yield []
    return
  }
  for (let i = from; i <= found.length - size; i += 1) {
    const one = found[i] as Candidate
    for (const reading of one.readings) for (const rest of choices(found, size - 1, i + 1)) yield [{ ...one, readings: [reading] }, ...rest]
  }
}

function candidates({ arguments: args, places }: Coerced, pointers: ReadonlySet<string>): Candidate[] {
  const found: Candidate[] = []
  for (const pointer of pointers) {
    if (places.includes(pointer)) continue
    const there = valueAt(args.json(), pointer)
    if (there === undefined) continue
    const readings = readingsOf(there.value, () => textAt(args.bytes, there.path))
    if (readings.length > 0) found.push({ pointer, path: there.path, readings })
  }
  return found
}

function valueAt(root: unknown, pointer: string): { value: unknown; path: (string | number)[] } | undefined {
  let value = root
  const path: (string | number)[] = []
  for (const token of readPointer(pointer)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined
    path.push(Array.isArray(value) ? Number(token) : token)
    value = (value as Record<string, unknown>)[token]
  }
  return { value, path }
}

/** What a value says in other types, as JSON text. Null, objects and arrays say nothing else. */
function readingsOf(value: unknown, written: () => string): readonly string[] {
  switch (typeof value) {
    case 'string': {
      const reading = readingOf(value.trim())
      return reading === undefined ? [] : [reading]
    }
    case 'number': {
      const digits = JSON.stringify(written())
      return value === 0 || value === 1 ? [digits, String(value === 1)] : [digits]
    }
    case 'boolean':
      return [JSON.stringify(String(value))]
    default:
      return []
  }
}

const numeral = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The value that a text writes. Python's spelling of the two truth values is common in the field. */
function readingOf(text: string): string | undefined {
  if (/^(?:true|True|TRUE)$/.test(text)) return 'true'
  if (/^(?:false|False|FALSE)$/.test(text)) return 'false'
  if (text === 'null') return text
  if (numeral.test(text)) {
    const value = Number(text)
    if (!Number.isFinite(value)) return undefined
    return Number.isSafeInteger(value) && /[.eE]/.test(text) ? String(value) : text
  }
  return text.startsWith('{') || text.startsWith('[') ? composite(text) : undefined
}

/** How `JSON.stringify` writes half of a surrogate pair. */
const halfCharacter = /(?<!\\)(?:\\\\)*\\ud[89a-f]/

/** JSON text that a door would have taken as it stands: one reading for everybody, and not too deep. */
function composite(text: string): string | undefined {
  const bytes = Buffer.from(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (measure(value).tooDeep || countMembers(bytes) !== countParsed(value) || halfCharacter.test(JSON.stringify(value))) return undefined
  // Only between its parts: a message is one line.
  return text.replace(/[\r\n]/g, ' ')
}

function textAt(bytes: Uint8Array, path: readonly (string | number)[]): string {
  let at: Uint8Array | undefined = bytes
  for (const key of path) {
    if (at === undefined) break
    if (typeof key === 'string') at = locate(at, [key])
    else {
      const element = elements(at, skipSpace(at, 0))[key]
      at = element === undefined ? undefined : at.subarray(element.start, element.end)
    }
  }
  return at === undefined ? '' : asBuffer(at).toString('utf8').trim()
}

/** The arguments of a call; undefined where it has none. */
export function argumentsIn(params: Payload): Payload | undefined {
  const bytes = locate(params.bytes, ['arguments'])
  return bytes === undefined ? undefined : payload(bytes)
}
