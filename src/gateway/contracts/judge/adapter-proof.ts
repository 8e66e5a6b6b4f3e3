// Which translation makes calls by an old contract calls by the new one, and the proof that it does: the operations are applied to the
// declared form of the old schema, and what comes out has to fit the new one, every value of it. What cannot be proved is not proposed.
import type { ToolContract } from '../../../core/call/contract.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import type { Adapter, AdapterOp } from '../adapters.ts'
import { effectiveHints, taskSupport } from './annotations.ts'
import { close } from './close.ts'
import { type ReadContract, readContract } from './digests.ts'
import { Graph } from './graph.ts'
import { renames } from './likeness.ts'
import { Prover } from './prove.ts'
import { rules } from './rules.ts'
import type { Schema, SchemaObject } from './schema.ts'
import { equal, put, stable } from './stable.ts'

/** What an operator says where the schemas leave it open. */
export interface AdapterHelp {
  /** Values of arguments that the new contract needs and the old one does not have. */
  readonly set?: Readonly<Record<string, unknown>>
  /** Arguments of the old contract that may be left out. */
  readonly drop?: readonly string[]
}

export interface ProposedAdapter {
  readonly adapter: Adapter
  /**
   * It may go into force by itself: nothing of it was guessed but names that are alike and mean the same by their schemas, and the tool only
   * reads, by the old contract and by the new one.
   */
  readonly automatic: boolean
}

export function propose(before: ToolContract, after: ToolContract, help: AdapterHelp = {}): ProposedAdapter | undefined {
  const old = readContract(before)
  const now = readContract(after)
  if (!isCallable(old, now)) return undefined
  const input = inputOps(old, now, help)
  if (input === undefined || !provesInput(old, now, input.ops)) return undefined
  const output = outputOps(old, now)
  if (output === undefined || input.ops.length + output.ops.length === 0) return undefined
  // Results of tasks are read by other calls, which nothing translates.
  const isLate = output.ops.length > 0 && taskSupport(after) !== 'forbidden'
  const onlyReads = effectiveHints(before).readOnly && effectiveHints(after).readOnly
  return { adapter: { input: input.ops, output: output.ops }, automatic: onlyReads && input.sure && output.sure && !isLate }
}

/** Whether an adapter that was kept does for these contracts what `propose` asks of one. */
export function proves(adapter: Adapter, before: ToolContract, after: ToolContract): boolean {
  const old = readContract(before)
  const now = readContract(after)
  return isCallable(old, now) && provesInput(old, now, adapter.input) && provesOutput(old, now, adapter.output)
}

/** What no operation on arguments mends. */
function isCallable(old: ReadContract, now: ReadContract): boolean {
  const isRead = [old.input, now.input, old.output, now.output].every((one) => one?.problem === undefined)
  return isRead && equal(old.headers, now.headers) && taskSupport(old.source) === taskSupport(now.source)
}

interface Ops {
  readonly ops: readonly AdapterOp[]
  /** Nobody has to decide. */
  readonly sure: boolean
}

const untouched: Ops = { ops: [], sure: true }

function inputOps(old: ReadContract, now: ReadContract, help: AdapterHelp): Ops | undefined {
  const [from, to] = [shapeOf(old.input.schema), shapeOf(now.input.schema)]
  if (from === undefined || to === undefined) return undefined
  const ops: AdapterOp[] = []
  const { pairs, gone, come, sure } = paired(from, to)
  for (const { from: name, to: other } of pairs) if (name !== other) ops.push({ op: 'rename', from: name, to: other })
  for (const name of gone) {
    if (help.drop?.includes(name) !== true) return undefined
    ops.push({ op: 'drop', name })
  }
  let given = gone.length > 0
  for (const name of come) {
    if (!to.required.has(name)) continue
    const value = stated(now, name, to)
    const said = help.set !== undefined && Object.hasOwn(help.set, name) ? help.set[name] : undefined
    if (value === undefined && said === undefined) return undefined
    given ||= said !== undefined
    ops.push({ op: 'set', name, value: said ?? value })
  }
  for (const { from: name, to: other } of pairs) {
    if (becomesList(from.properties[name] as Schema, to.properties[other] as Schema)) ops.push({ op: 'wrap', name: other })
  }
  return { ops, sure: sure && !given }
}

/** Results go the other way: what the new contract calls so is what the old one called otherwise. */
function outputOps(old: ReadContract, now: ReadContract): Ops | undefined {
  if (provesOutput(old, now, [])) return untouched
  const from = now.output === undefined ? undefined : shapeOf(now.output.schema)
  const to = old.output === undefined ? undefined : shapeOf(old.output.schema)
  if (from === undefined || to === undefined) return undefined
  const { pairs, gone, sure } = paired(from, to)
  const ops: AdapterOp[] = pairs.flatMap(({ from: name, to: other }) => (name === other ? [] : [{ op: 'rename', from: name, to: other }]))
  if (to.shut) for (const name of gone) ops.push({ op: 'drop', name })
  for (const { from: name, to: other } of pairs) {
    if (becomesList(from.properties[name] as Schema, to.properties[other] as Schema)) ops.push({ op: 'wrap', name: other })
  }
  return ops.length > 0 && provesOutput(old, now, ops) ? { ops, sure } : undefined
}

interface Paired {
  readonly pairs: readonly { readonly from: string; readonly to: string }[]
  readonly gone: readonly string[]
  readonly come: readonly string[]
  /** Names that changed have the same schema under the new one. */
  readonly sure: boolean
}

function paired(from: Shape, to: Shape): Paired {
  const gone = Object.keys(from.properties).filter((name) => !Object.hasOwn(to.properties, name))
  const come = Object.keys(to.properties).filter((name) => !Object.hasOwn(from.properties, name))
  const named = (shape: Shape) => (name: string) => ({
    name,
    schema: stable(shape.properties[name]),
    required: shape.required.has(name),
  })
  const renamed = renames(gone.map(named(from)), come.map(named(to)))
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

/** The root of a schema whose names all stand at one place: of others nothing is proved, and nothing proposed. */
interface Shape {
  readonly properties: Readonly<Record<string, Schema>>
  readonly required: ReadonlySet<string>
  readonly shut: boolean
  readonly definitions: unknown
}

const understood: ReadonlySet<string> = new Set([
  ...['type', 'properties', 'required', 'additionalProperties', '$defs'],
  // They only make the claim harder to prove.
  ...['minProperties', 'maxProperties', 'dependentRequired', 'propertyNames'],
])

function shapeOf(schema: Schema): Shape | undefined {
  if (!isObject(schema) || schema.type !== 'object' || Object.keys(schema).some((key) => !understood.has(key))) return undefined
  const { properties = {}, required = [], additionalProperties, $defs } = schema
  if (additionalProperties !== undefined && typeof additionalProperties !== 'boolean') return undefined
  if (!isObject(properties)) return undefined
  // No value has such a name by declaration: of none everything could be proved.
  if ((required as readonly string[]).some((name) => !Object.hasOwn(properties, name))) return undefined
  return {
    properties: properties as Readonly<Record<string, Schema>>,
    required: new Set(required as readonly string[]),
    shut: additionalProperties === false,
    definitions: $defs,
  }
}

/** What comes out where the operations meet any value of the declared form; undefined where that cannot be said. */
function image(schema: Schema, ops: readonly AdapterOp[]): Schema | undefined {
  const shape = shapeOf(schema)
  if (shape === undefined) return undefined
  const properties = new Map(Object.entries(shape.properties))
  const required = new Set(shape.required)
  for (const op of ops) {
    if (op.op === 'set') {
      properties.set(op.name, { enum: [op.value] })
      required.add(op.name)
      continue
    }
    const name = op.op === 'rename' ? op.from : op.name
    const known = properties.get(name)
    if (known === undefined) return undefined
    if (op.op === 'wrap') {
      properties.set(name, { type: 'array', items: known, minItems: 1, maxItems: 1 })
      continue
    }
    properties.delete(name)
    const wasRequired = required.delete(name)
    if (op.op === 'drop') continue
    // Two that meet under one name: which of them stands there is nobody's guess.
    if (properties.has(op.to)) return undefined
    properties.set(op.to, known)
    if (wasRequired) required.add(op.to)
  }
  const out: Record<string, Schema> = {}
  for (const [name, one] of properties) put(out, name, one)
  const definitions = shape.definitions === undefined ? {} : { $defs: shape.definitions }
  return { type: 'object', properties: out, required: [...required], additionalProperties: false, ...definitions }
}

/** Accepted, and every name of it declared: what is accepted and ignored is no translation. */
function provesInput(old: ReadContract, now: ReadContract, ops: readonly AdapterOp[]): boolean {
  const made = image(old.input.schema, ops)
  if (made === undefined) return false
  const graph = new Graph()
  const given = close(graph.read(made), graph, true)
  const goal = graph.read(now.input.schema)
  return [goal, close(goal, graph, true)].every((one) => new Prover(graph, rules).proves([given], one) === true)
}

function provesOutput(old: ReadContract, now: ReadContract, ops: readonly AdapterOp[]): boolean {
  if (old.output === undefined) return ops.length === 0
  if (now.output === undefined) return false
  if (ops.length === 0 && old.output.text === now.output.text) return true
  const graph = new Graph()
  const made = ops.length === 0 ? now.output.schema : image(now.output.schema, ops)
  if (made === undefined) return false
  return new Prover(graph, rules).proves([close(graph.read(made), graph, false)], graph.read(old.output.schema)) === true
}
