// Whether a translation of calls does what it has to: its operations are applied to the declared form of the old schema, and what comes out
// has to fit the new one, every value of it; results the other way round.
import type { ToolContract } from '../../../core/call/contract.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import type { Adapter, AdapterOp } from '../adapters.ts'
import { taskSupport } from './annotations.ts'
import { close } from './close.ts'
import { Comparison } from './compare.ts'
import { type ReadContract, readContract } from './digests.ts'
import { Graph } from './graph.ts'
import { Prover } from './prove.ts'
import { rules } from './rules.ts'
import type { Schema } from './schema.ts'
import { equal, put } from './stable.ts'

/** Whether an adapter that was kept is proved for these contracts. */
export function proves(adapter: Adapter, before: ToolContract, after: ToolContract): boolean {
  const old = readContract(before)
  const now = readContract(after)
  return isMendable(old, now) && provesInput(old, now, adapter.input) && provesOutput(old, now, adapter.output)
}

/** False where no operation on arguments mends what changed. */
export function isMendable(old: ReadContract, now: ReadContract): boolean {
  const isRead = [old.input, now.input, old.output, now.output].every((one) => one?.problem === undefined)
  return isRead && equal(old.headers, now.headers) && taskSupport(old.source) === taskSupport(now.source)
}

/** What of it is not proved, for people, with an example where one was found. */
export function unproved({ input, output }: Adapter, old: ReadContract, now: ReadContract): readonly string[] {
  const said: string[] = []
  if (!provesInput(old, now, input)) said.push(`that what it makes of arguments is accepted${exampleText('input', old, now, input)}`)
  if (!provesOutput(old, now, output)) said.push(`that results are what was promised${exampleText('output', old, now, output)}`)
  return said
}

const longestExample = 300

function exampleText(side: 'input' | 'output', old: ReadContract, now: ReadContract, ops: readonly AdapterOp[]): string {
  const [from, to] = side === 'input' ? [old.input.schema, now.input.schema] : [now.output?.schema, old.output?.schema]
  const made = from === undefined || ops.length === 0 ? from : image(from, ops)
  if (made === undefined || to === undefined) return ''
  // Of an output the new one is the one whose values have to fit.
  const [first, second] = side === 'input' ? [made, to] : [to, made]
  const { example } = new Comparison(rules, side, 'declared').compare(first, second)
  const text = example === undefined ? undefined : JSON.stringify(example)
  return text === undefined || text.length > longestExample ? '' : `: not ${text}`
}

/** The root of a schema whose names all stand at one place: of others nothing is proved, and nothing proposed. */
export interface Shape {
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

export function shapeOf(schema: Schema): Shape | undefined {
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
export function provesInput(old: ReadContract, now: ReadContract, ops: readonly AdapterOp[]): boolean {
  const made = image(old.input.schema, ops)
  if (made === undefined) return false
  const graph = new Graph()
  const given = close(graph.read(made), graph, true)
  const goal = graph.read(now.input.schema)
  return [goal, close(goal, graph, true)].every((one) => new Prover(graph, rules).proves([given], one) === true)
}

export function provesOutput(old: ReadContract, now: ReadContract, ops: readonly AdapterOp[]): boolean {
  if (old.output === undefined) return ops.length === 0
  if (now.output === undefined) return false
  if (ops.length === 0 && old.output.text === now.output.text) return true
  const graph = new Graph()
  const made = ops.length === 0 ? now.output.schema : image(now.output.schema, ops)
  if (made === undefined) return false
  return new Prover(graph, rules).proves([close(graph.read(made), graph, false)], graph.read(old.output.schema)) === true
}
