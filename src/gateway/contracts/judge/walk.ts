// Two canonical schemas side by side: what differs, place by place, each with the old schema as it would be with that change alone.
import type { ChangeKind } from '../../../core/call/contract.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { escapeToken } from '../../../core/protocol/json-pointer.ts'
import { renames } from './likeness.ts'
import type { Schema, SchemaObject } from './schema.ts'
import { equal, put, stable } from './stable.ts'
import { list, placeOf, short, wanted } from './wording.ts'

export interface Difference {
  readonly kind: ChangeKind
  readonly pointer: string
  readonly human: string
  readonly from?: string
  readonly to?: string
  readonly score?: number
  /** The name of an argument that came, at the root. */
  readonly argument?: string
  /** The whole old schema with this change alone. */
  readonly patched: Schema
}

/** More differences than this are not told one by one. */
const most = 100

export function differences(old: Schema, now: Schema, side: 'input' | 'output'): Difference[] {
  const walk = new Walk(side)
  walk.compare(old, now, '', (schema) => schema)
  const [before, after] = [definitions(old), definitions(now)]
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) continue
    walk.compare(before[name] as Schema, after[name] as Schema, `/$defs/${escapeToken(name)}`, (schema) => ({
      ...(old as SchemaObject),
      $defs: replaced(before, name, schema),
    }))
  }
  return walk.found
}

function definitions(schema: Schema): Record<string, unknown> {
  return isObject(schema) && isObject(schema.$defs) ? schema.$defs : {}
}

function replaced(map: SchemaObject, name: string, value: unknown): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, old] of Object.entries(map)) if (key !== name) put(copy, key, old)
  if (value !== undefined) put(copy, name, value)
  return copy
}

const bounds = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'minItems', 'maxItems'],
  ...['minProperties', 'maxProperties', 'minContains', 'maxContains'],
]
/** Keywords that are told as a whole. */
const others = [
  ...['pattern', 'format', 'multipleOf', 'uniqueItems', 'patternProperties', 'propertyNames', 'dependentRequired', 'dependentSchemas'],
  ...['contains', 'not', 'unevaluatedProperties', 'unevaluatedItems'],
]

type Whole = (schema: Schema) => Schema

class Walk {
  readonly found: Difference[] = []
  private readonly side: 'input' | 'output'

  constructor(side: 'input' | 'output') {
    this.side = side
  }

  /** `whole` puts a schema in the place of the old one. */
  compare(old: Schema, now: Schema, pointer: string, whole: Whole): void {
    if (this.found.length >= most || old === now || stable(old) === stable(now)) return
    const where = placeOf(pointer, this.side)
    if (!isObject(old) || !isObject(now)) {
      this.tell('schema.changed', pointer, `${where} is ${wanted(now)} now, it was ${wanted(old)}`, whole(now))
      return
    }
    this.types(old, now, pointer, whole)
    for (const key of bounds) {
      if (equal(old[key], now[key])) continue
      const became = now[key] === undefined ? 'has none now' : `is ${short(now[key])} now`
      const was = old[key] === undefined ? 'there was none' : `it was ${short(old[key])}`
      this.keywords(old, now, [key], 'bound.changed', pointer, `${key} of ${where} ${became}, ${was}`, whole)
    }
    this.properties(old, now, pointer, whole)
    this.additional(old, now, pointer, whole)
    this.items(old, now, pointer, whole)
    this.branches(old, now, pointer, whole)
    for (const key of others) {
      const turn = turnOf(old[key], now[key])
      if (turn !== undefined) this.keywords(old, now, [key], `${key}.${turn}`, pointer, `${key} of ${where} was ${turn}`, whole)
    }
    const condition = ['if', 'then', 'else']
    if (condition.some((key) => !equal(old[key], now[key]))) {
      this.keywords(old, now, condition, 'condition.changed', pointer, `the condition of ${where} was changed`, whole)
    }
    const reference = ['$ref', 'x-unreadable']
    if (reference.some((key) => !equal(old[key], now[key]))) {
      this.reference(old, now, reference, pointer, whole)
    }
  }

  private tell(kind: ChangeKind, pointer: string, human: string, patched: Schema, more: Partial<Difference> = {}): void {
    if (this.found.length < most) this.found.push({ kind, pointer, human, patched, ...more })
  }

  private keywords(
    old: SchemaObject,
    now: SchemaObject,
    keys: readonly string[],
    kind: ChangeKind,
    pointer: string,
    human: string,
    whole: Whole,
  ): void {
    this.tell(kind, pointer, human, whole(patch(old, now, keys)))
  }

  /** A definition goes with its reference. */
  private reference(old: SchemaObject, now: SchemaObject, keys: readonly string[], pointer: string, whole: Whole): void {
    const patched = whole(patch(old, now, keys))
    this.tell('reference.changed', pointer, `what ${placeOf(pointer, this.side)} refers to was changed`, patched)
  }

  private types(old: SchemaObject, now: SchemaObject, pointer: string, whole: Whole): void {
    const where = placeOf(pointer, this.side)
    const change = (kind: ChangeKind, human: string): void => this.keywords(old, now, ['type', 'enum'], kind, pointer, human, whole)
    if (Array.isArray(old.enum) && Array.isArray(now.enum)) {
      const before = new Set(old.enum.map(stable))
      const after = new Set(now.enum.map(stable))
      const came = now.enum.filter((value) => !before.has(stable(value)))
      const went = old.enum.filter((value) => !after.has(stable(value)))
      const values = (patched: unknown[]): Schema => whole({ ...old, enum: patched })
      if (came.length > 0) {
        this.tell('enum.added', pointer, `${where} may be ${list(came.map(short))} now`, values([...old.enum, ...came]))
      }
      if (went.length > 0) {
        const kept = old.enum.filter((value) => after.has(stable(value)))
        const patched = kept.length === 0 ? whole(now) : values(kept)
        this.tell('enum.removed', pointer, `${where} may not be ${list(went.map(short))} any more`, patched)
      }
    } else if (Array.isArray(now.enum)) {
      change('enum.introduced', `${where} is ${wanted(now)} now, it was ${wanted(old)}`)
    } else if (Array.isArray(old.enum)) {
      change('enum.dropped', `${where} is ${wanted(now)} now, it was ${wanted(old)}`)
    } else if (!equal(old.type, now.type)) {
      // A schema of another type is another schema: what says nothing of the old type comes with it.
      this.tell('type.changed', pointer, `${where} is ${wanted(now)} now, it was ${wanted(old)}`, whole(patch(old, now, ['type'])))
    }
  }

  private properties(old: SchemaObject, now: SchemaObject, pointer: string, whole: Whole): void {
    const before = isObject(old.properties) ? old.properties : {}
    const after = isObject(now.properties) ? now.properties : {}
    const neededBefore = new Set((old.required as string[] | undefined) ?? [])
    const neededAfter = new Set((now.required as string[] | undefined) ?? [])
    const come = Object.keys(after).filter((name) => !Object.hasOwn(before, name))
    const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name))
    const named = (map: SchemaObject, needed: ReadonlySet<string>) => (name: string) => ({
      name,
      schema: stable(map[name]),
      required: needed.has(name),
    })
    const renamed = renames(gone.map(named(before, neededBefore)), come.map(named(after, neededAfter)))
    const told = new Set<string>()
    const at = (name: string): string => `${pointer}/properties/${escapeToken(name)}`
    const place = (name: string): string => placeOf(at(name), this.side)
    const argument = (name: string): Partial<Difference> => (pointer === '' ? { argument: name } : {})
    for (const { from, to, score } of renamed) {
      told.add(from).add(to)
      const patched = withName(withName(old, from, undefined, false), to, after[to], neededAfter.has(to))
      this.tell('property.renamed', at(from), `${place(from)} is now ${to}`, whole(patched), { from, to, score, ...argument(to) })
    }
    for (const name of come) {
      if (told.has(name)) continue
      const needed = neededAfter.has(name)
      const kind = needed && !neededBefore.has(name) ? 'property.added.required' : 'property.added'
      const human = `${place(name)} (${wanted(after[name] as Schema)}) was added${needed ? ' and is required' : ''}`
      this.tell(kind, at(name), human, whole(withName(old, name, after[name], needed)), argument(name))
    }
    for (const name of gone) {
      if (told.has(name)) continue
      const patched = withName(old, name, undefined, neededAfter.has(name))
      this.tell('property.removed', at(name), `${place(name)} was removed`, whole(patched))
    }
    for (const name of new Set([...neededBefore, ...neededAfter])) {
      if (neededBefore.has(name) === neededAfter.has(name) || come.includes(name) || gone.includes(name)) continue
      const needed = neededAfter.has(name)
      const patched = withName(old, name, before[name], needed)
      const human = needed ? `${place(name)} is required now` : `${place(name)} need not be given any more`
      this.tell(needed ? 'required.added' : 'required.removed', at(name), human, whole(patched))
    }
    for (const name of Object.keys(before)) {
      if (!Object.hasOwn(after, name)) continue
      this.compare(before[name] as Schema, after[name] as Schema, at(name), (schema) =>
        whole({ ...old, properties: replaced(before, name, schema) }),
      )
    }
  }

  private additional(old: SchemaObject, now: SchemaObject, pointer: string, whole: Whole): void {
    const key = 'additionalProperties'
    if (equal(old[key], now[key])) return
    const where = placeOf(pointer, this.side)
    if (isObject(old[key]) && isObject(now[key])) {
      this.compare(old[key], now[key], `${pointer}/${key}`, (schema) => whole({ ...old, [key]: schema }))
    } else if (now[key] === false) {
      this.keywords(old, now, [key], 'object.closed', pointer, `${where} takes no other names any more`, whole)
    } else if (old[key] === false) {
      this.keywords(old, now, [key], 'object.opened', pointer, `${where} takes other names now`, whole)
    } else {
      const turn = turnOf(old[key], now[key]) ?? 'changed'
      this.keywords(old, now, [key], `${key}.${turn}`, pointer, `what other names of ${where} hold was ${turn}`, whole)
    }
  }

  private items(old: SchemaObject, now: SchemaObject, pointer: string, whole: Whole): void {
    const [before, after] = [old.prefixItems, now.prefixItems]
    if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
      for (const [index, one] of before.entries()) {
        this.compare(one as Schema, after[index] as Schema, `${pointer}/prefixItems/${index}`, (schema) =>
          whole({ ...old, prefixItems: before.with(index, schema) }),
        )
      }
    } else if (!equal(before, after)) {
      const turn = turnOf(before, after) ?? 'changed'
      const human = `the places of ${placeOf(pointer, this.side)} were ${turn}`
      this.keywords(old, now, ['prefixItems', 'items'], `prefixItems.${turn}`, pointer, human, whole)
      return
    }
    if (isObject(old.items) && isObject(now.items)) {
      this.compare(old.items, now.items, `${pointer}/items`, (schema) => whole({ ...old, items: schema }))
    } else {
      const turn = turnOf(old.items, now.items)
      const human = `what ${placeOf(pointer, this.side)} holds was ${turn}`
      if (turn !== undefined) this.keywords(old, now, ['items'], `items.${turn}`, pointer, human, whole)
    }
  }

  private branches(old: SchemaObject, now: SchemaObject, pointer: string, whole: Whole): void {
    const where = placeOf(pointer, this.side)
    if ((old.anyOf === undefined) !== (now.anyOf === undefined) && (old.oneOf === undefined) !== (now.oneOf === undefined)) {
      const key = now.oneOf === undefined ? 'anyOf' : 'oneOf'
      this.keywords(old, now, ['anyOf', 'oneOf'], `${key}.changed`, pointer, `the forms of ${where} are ${key} now`, whole)
      return
    }
    for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
      const [before, after] = [old[key], now[key]]
      if (equal(before, after)) continue
      if (!Array.isArray(before) || !Array.isArray(after)) {
        const turn = turnOf(before, after) ?? 'changed'
        // What stood in the schema itself may stand in a branch now.
        this.tell(`${key}.${turn}`, pointer, `the forms of ${where} were ${turn}`, whole(now))
        continue
      }
      const texts = { before: new Set(before.map(stable)), after: new Set(after.map(stable)) }
      const gone = before.filter((one) => !texts.after.has(stable(one)))
      const come = after.filter((one) => !texts.before.has(stable(one)))
      const [from, to] = [gone[0] as Schema, come[0] as Schema]
      if (gone.length === 1 && come.length === 1) {
        const index = before.indexOf(from)
        const patched = whole({ ...old, [key]: before.with(index, to) })
        this.tell(`${key}.branch.changed`, `${pointer}/${key}/${index}`, `a form of ${where} was changed`, patched)
        continue
      }
      if (come.length > 0) {
        const human = `${come.length === 1 ? 'a form' : `${come.length} forms`} of ${where} came: ${list(come.map(wanted))}`
        this.tell(`${key}.branch.added`, `${pointer}/${key}`, human, whole({ ...old, [key]: [...before, ...come] }))
      }
      if (gone.length > 0) {
        const kept = before.filter((one) => !gone.includes(one))
        const human = `${gone.length === 1 ? 'a form' : `${gone.length} forms`} of ${where} went: ${list(gone.map(wanted))}`
        const patched = kept.length === 0 ? whole({ ...old, [key]: after }) : whole({ ...old, [key]: kept })
        this.tell(`${key}.branch.removed`, `${pointer}/${key}`, human, patched)
      }
    }
  }
}

function turnOf(old: unknown, now: unknown): 'added' | 'removed' | 'changed' | undefined {
  if (equal(old, now)) return undefined
  if (old === undefined) return 'added'
  return now === undefined ? 'removed' : 'changed'
}

/** The old schema with these keywords as they are now. */
function patch(old: SchemaObject, now: SchemaObject, keys: readonly string[]): Schema {
  const patched: Record<string, unknown> = { ...old }
  for (const key of keys) {
    if (now[key] === undefined) delete patched[key]
    else patched[key] = now[key]
  }
  return patched
}

/** With the name as given, or without it. */
function withName(old: SchemaObject, name: string, schema: unknown, needed: boolean): SchemaObject {
  const required = ((old.required as string[] | undefined) ?? []).filter((one) => one !== name)
  if (needed) required.push(name)
  const properties = isObject(old.properties) ? old.properties : {}
  return { ...old, properties: replaced(properties, name, schema), required }
}
