// Which translation makes calls by an old contract calls by the new one. What goes into force by itself is proved; operators are told of what
// is not, and say what schemas leave open.
import type { ToolContract, Translation } from '../../../core/call/contract.ts'
import type { AdapterHelp, TranslationAsked } from '../../../core/call/translation-asked.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { type Adapter, type AdapterOp, readAdapter } from '../adapters.ts'
import { isMendable, provesOutput, type Shape, shapeOf, unproved } from './adapter-proof.ts'
import { effectiveHints, taskSupport } from './annotations.ts'
import { type ReadContract, readContract } from './digests.ts'
import { renames } from './likeness.ts'
import type { Schema, SchemaObject } from './schema.ts'
import { equal, stable } from './stable.ts'

export interface ProposedAdapter extends Translation {
  readonly adapter: Adapter
}

/** One that is proved; undefined where there is none, or nothing is to be translated. */
export function propose(before: ToolContract, after: ToolContract, help: AdapterHelp = {}): ProposedAdapter | undefined {
  const { adapter, automatic, unproved: open } = translation(before, after, help) ?? {}
  return adapter === undefined || open !== undefined ? undefined : { adapter: adapter as Adapter, automatic: automatic === true }
}

/** Undefined where no operation mends what changed, or none has to. */
export function translation(before: ToolContract, after: ToolContract, asked: TranslationAsked = {}): Translation | undefined {
  const old = readContract(before)
  const now = readContract(after)
  if (!isMendable(old, now)) return undefined
  if (asked.adapter !== undefined) return given(old, now, asked.adapter)
  const found = inputOps(old, now, asked)
  const input = found ?? unsure
  if (input.lacks.length > 0) return { automatic: false, lacks: input.lacks, say: toSay(asked, input) }
  const output = outputOps(old, now)
  const adapter = { input: input.ops, output: output.ops }
  const open = unproved(adapter, old, now)
  if (open.length > 0) return { adapter, automatic: false, unproved: open }
  if (input.ops.length + output.ops.length === 0) return undefined
  // Results of tasks are read by other calls, which nothing translates.
  const isLate = output.ops.length > 0 && taskSupport(after) !== 'forbidden'
  const onlyReads = effectiveHints(before).readOnly && effectiveHints(after).readOnly
  return { adapter, automatic: onlyReads && input.sure && output.sure && !isLate }
}

function given(old: ReadContract, now: ReadContract, asked: unknown): Translation {
  const adapter = readAdapter(asked)
  if (adapter === undefined)
    return { automatic: false, lacks: ['it is no translation: operations rename, set, drop and wrap for input and output'] }
  const open = unproved(adapter, old, now)
  return { adapter, automatic: false, ...(open.length === 0 ? {} : { unproved: open }) }
}

interface Ops {
  readonly ops: readonly AdapterOp[]
  /** Nobody has to decide. */
  readonly sure: boolean
  /** What an operator has to say first. */
  readonly lacks: readonly string[]
  /** Of which: arguments without a value, and such that have to be left out. */
  readonly values: readonly string[]
  readonly drops: readonly string[]
}

const untouched: Ops = { ops: [], sure: true, lacks: [], values: [], drops: [] }
const unsure: Ops = { ops: [], sure: false, lacks: [], values: [], drops: [] }

/** What was said and what is lacking, as it has to be written; `…` is a value that nobody knows here. */
function toSay({ set = {}, drop = [] }: AdapterHelp, { values, drops }: Ops): string {
  const given = [...Object.entries(set).map(([name, value]) => [name, JSON.stringify(value)]), ...values.map((name) => [name, '…'])]
  const all = [...drop, ...drops].map((name) => JSON.stringify(name))
  const members = [
    ...(given.length === 0 ? [] : [`"set": {${given.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ')}}`]),
    ...(all.length === 0 ? [] : [`"drop": [${all.join(', ')}]`]),
  ]
  return `{${members.join(', ')}}`
}

function inputOps(old: ReadContract, now: ReadContract, help: AdapterHelp): Ops | undefined {
  const [from, to] = [shapeOf(old.input.schema), shapeOf(now.input.schema)]
  if (from === undefined || to === undefined) return undefined
  const ops: AdapterOp[] = []
  const lacks: string[] = []
  const values: string[] = []
  const drops: string[] = []
  const { pairs, gone, come, sure } = paired(from, to, help)
  for (const { from: name, to: other } of pairs) if (name !== other) ops.push({ op: 'rename', from: name, to: other })
  for (const name of gone) {
    if (help.drop?.includes(name) === true) ops.push({ op: 'drop', name })
    else {
      lacks.push(`${name} is not taken any more: say that it may be left out (drop)`)
      drops.push(name)
    }
  }
  let given = gone.length > 0
  for (const name of come) {
    const said = help.set !== undefined && Object.hasOwn(help.set, name) ? help.set[name] : undefined
    if (!to.required.has(name) && said === undefined) continue
    const value = said === undefined ? stated(now, name, to) : said
    given ||= said !== undefined
    if (value === undefined) {
      lacks.push(`${name} is required now: give its value (set)`)
      values.push(name)
    } else ops.push({ op: 'set', name, value })
  }
  for (const { from: name, to: other } of pairs) {
    if (becomesList(from.properties[name] as Schema, to.properties[other] as Schema)) ops.push({ op: 'wrap', name: other })
  }
  lacks.push(...strayIn(help, gone, come))
  return { ops, sure: sure && !given, lacks, values, drops }
}

/** A name that was misspelt would be no part of the translation. */
function strayIn({ set = {}, drop = [] }: AdapterHelp, gone: readonly string[], come: readonly string[]): readonly string[] {
  return [
    ...drop.filter((name) => !gone.includes(name)).map((name) => `${name} is no argument that went`),
    ...Object.keys(set)
      .filter((name) => !come.includes(name))
      .map((name) => `${name} is no argument that came`),
  ]
}

/** Results go the other way: what the new contract calls so is what the old one called otherwise. */
function outputOps(old: ReadContract, now: ReadContract): Ops {
  if (provesOutput(old, now, [])) return untouched
  const from = now.output === undefined ? undefined : shapeOf(now.output.schema)
  const to = old.output === undefined ? undefined : shapeOf(old.output.schema)
  if (from === undefined || to === undefined) return unsure
  const { pairs, gone, sure } = paired(from, to)
  const ops: AdapterOp[] = pairs.flatMap(({ from: name, to: other }) => (name === other ? [] : [{ op: 'rename', from: name, to: other }]))
  if (to.shut) for (const name of gone) ops.push({ op: 'drop', name })
  for (const { from: name, to: other } of pairs) {
    if (becomesList(from.properties[name] as Schema, to.properties[other] as Schema)) ops.push({ op: 'wrap', name: other })
  }
  return { ...untouched, ops, sure }
}

interface Paired {
  readonly pairs: readonly { readonly from: string; readonly to: string }[]
  readonly gone: readonly string[]
  readonly come: readonly string[]
  /** Names that changed have the same schema under the new one. */
  readonly sure: boolean
}

/** What is said of a name goes before its likeness to another. */
function paired(from: Shape, to: Shape, { set = {}, drop = [] }: AdapterHelp = {}): Paired {
  const gone = Object.keys(from.properties).filter((name) => !Object.hasOwn(to.properties, name))
  const come = Object.keys(to.properties).filter((name) => !Object.hasOwn(from.properties, name))
  const named = (shape: Shape) => (name: string) => ({
    name,
    schema: stable(shape.properties[name]),
    required: shape.required.has(name),
  })
  const renamed = renames(
    gone.filter((name) => !drop.includes(name)).map(named(from)),
    come.filter((name) => !Object.hasOwn(set, name)).map(named(to)),
  )
  const kept = Object.keys(from.properties).filter((name) => Object.hasOwn(to.properties, name))
  const left = new Set(renamed.map((one) => one.from))
  const taken = new Set(renamed.map((one) => one.to))
  return {
    pairs: [...kept.map((name) => ({ from: name, to: name })), ...renamed],
    gone: gone.filter((name) => !left.has(name)),
    come: come.filter((name) => !taken.has(name)),
    sure: renamed.every((one) => equal(from.properties[one.from], to.properties[one.to])),
  }
}

/** What the new schema itself says an argument is where nobody gives it: its default, or its only value. */
function stated({ source }: ReadContract, name: string, { properties }: Shape): unknown {
  const schema = properties[name]
  if (isObject(schema) && Array.isArray(schema.enum) && schema.enum.length === 1) return schema.enum[0]
  const declared = isObject(source.inputSchema) ? source.inputSchema.properties : undefined
  const property = isObject(declared) && Object.hasOwn(declared, name) ? declared[name] : undefined
  return isObject(property) ? property.default : undefined
}

/** A value that is never a list, where now there has to be one. */
function becomesList(from: Schema, to: Schema): boolean {
  return isObject(to) && to.type === 'array' && isObject(from) && isNoList(from)
}

function isNoList({ type, enum: values }: SchemaObject): boolean {
  if (Array.isArray(values)) return !values.some(Array.isArray)
  return type !== undefined && !(Array.isArray(type) ? type : [type]).includes('array')
}
