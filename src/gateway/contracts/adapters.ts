// Translations of calls by an old contract into calls by the new one, and of results back: a few operations on the names of arguments, as
// data, so that they can be kept, read and approved. What they are worth is proved (adapter-proof.ts).
import type { CallAdapter } from '../../core/call/contract.ts'
import type { Edit, Payload } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { put } from './judge/stable.ts'

export type AdapterOp =
  /** What stood under `from` stands under `to`. */
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  /** An argument that the old contract does not have. */
  | { readonly op: 'set'; readonly name: string; readonly value: unknown }
  | { readonly op: 'drop'; readonly name: string }
  /** A value becomes a list of one. */
  | { readonly op: 'wrap'; readonly name: string }

export interface Adapter {
  /** On the arguments, in order. */
  readonly input: readonly AdapterOp[]
  /** On the structured content of results, in order. */
  readonly output: readonly AdapterOp[]
}

/** As it is kept; undefined where it is none. */
export function readAdapter(value: unknown): Adapter | undefined {
  if (!isObject(value)) return undefined
  const { input = [], output = [] } = value
  return areOps(input) && areOps(output) ? { input, output } : undefined
}

export const mostOps = 200

function areOps(value: unknown): value is readonly AdapterOp[] {
  return Array.isArray(value) && value.length <= mostOps && value.every(isOp)
}

export function isOp(value: unknown): value is AdapterOp {
  if (!isObject(value)) return false
  if (value.op === 'rename') return typeof value.from === 'string' && typeof value.to === 'string'
  if (typeof value.name !== 'string') return false
  return value.op === 'drop' || value.op === 'wrap' || (value.op === 'set' && value.value !== undefined)
}

/** A value that is no object stays as it is, and so do names that no operation is about. */
export function adapted(ops: readonly AdapterOp[], value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  // One by one, in the order of the members: those who read along find what was sent where it was.
  return ops.reduce(applied, value)
}

function applied(value: Readonly<Record<string, unknown>>, op: AdapterOp): Readonly<Record<string, unknown>> {
  const out: Record<string, unknown> = {}
  const name = op.op === 'rename' ? op.from : op.name
  // A name that the old contract does not declare has no claim to a place that the new one needs.
  const taken = op.op === 'set' ? op.name : op.op === 'rename' && op.to !== name && Object.hasOwn(value, name) ? op.to : undefined
  for (const [key, one] of Object.entries(value)) {
    if (key === taken) continue
    if (key !== name) put(out, key, one)
    else if (op.op === 'rename') put(out, op.to, one)
    else if (op.op === 'wrap') put(out, key, [one])
  }
  if (op.op === 'set') put(out, op.name, op.value)
  return out
}

/** For the path of calls. Results are those of `tools/call`; one without structured content stays as it is. */
export function callAdapter({ input, output }: Adapter): CallAdapter {
  return {
    adapted: (args) => adapted(input, args),
    result: output.length === 0 ? undefined : (result) => adaptedResult(output, result),
  }
}

const structure = 'structuredContent'
const openBrace = 0x7b

/** As `adapted`, on the bytes: numbers that JavaScript does not have survive. */
function adaptedResult(ops: readonly AdapterOp[], result: Payload): Payload {
  const object = locate(result.bytes, [structure])
  if (object === undefined || object[0] !== openBrace) return result
  /** JSON text of names that were touched; undefined where there is none any more. */
  const touched = new Map<string, string | undefined>()
  const textOf = (name: string): string | undefined => {
    if (touched.has(name)) return touched.get(name)
    const found = locate(object, [name])
    return found === undefined ? undefined : asBuffer(found).toString('utf8')
  }
  for (const op of ops) {
    if (op.op === 'set') touched.set(op.name, JSON.stringify(op.value))
    else if (op.op === 'drop') touched.set(op.name, undefined)
    else {
      const name = op.op === 'rename' ? op.from : op.name
      const text = textOf(name)
      if (text === undefined) continue
      if (op.op === 'wrap') touched.set(name, `[${text}]`)
      else if (op.to !== op.from) touched.set(name, undefined).set(op.to, text)
    }
  }
  return result.edit([...touched].map(([name, value]): Edit => ({ path: [structure, name], value })))
}

/** What it does, for people. */
export function adapterText({ input, output }: Adapter): string {
  return [...input.map((op) => opText(op)), ...output.map((op) => `${opText(op)} in results`)].join('; ')
}

function opText(op: AdapterOp): string {
  switch (op.op) {
    case 'rename':
      return `${op.from} becomes ${op.to}`
    case 'set':
      return `${op.name} is ${JSON.stringify(op.value)}`
    case 'drop':
      return `${op.name} is left out`
    case 'wrap':
      return `${op.name} becomes a list of one`
  }
}
