// The promise of the judge on one pair of schemas: what it calls additive refuses nothing, and ignores nothing, that fits what the old
// schema declares. ajv says what is refused.
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Verdict } from '../../src/core/call/contract.ts'
import { canonical } from '../../src/gateway/contracts/judge/canonical.ts'
import { close } from '../../src/gateway/contracts/judge/close.ts'
import { fitsFormat } from '../../src/gateway/contracts/judge/formats.ts'
import { Graph, written } from '../../src/gateway/contracts/judge/graph.ts'
import type { Judge } from '../../src/gateway/contracts/judge/judge.ts'
import { edited } from './edit.ts'
import { type Focus, formats, type Generated, input, type Json } from './generate.ts'
import { chance } from './random.ts'
import { targeted } from './targeted.ts'
import { valueNear } from './values.ts'

export interface Pair {
  readonly seed: number
  readonly side: 'input' | 'output'
  readonly reading: 'declared' | 'strict'
  readonly old: Record<string, Json>
  readonly now: Record<string, Json>
}

export interface Tried {
  readonly verdict: Verdict
  /** Values that fit the old schema, as the reading has it. */
  readonly values: number
  readonly example: boolean
  readonly spent: boolean
  /** What breaks the promise, with the value. */
  readonly broken: string | undefined
  /** ajv fell over it: nothing is known. */
  readonly fell: boolean
}

export type Kind = Focus | 'targeted'

const kinds: readonly Kind[] = ['declared', 'declared', 'all', 'logic', 'targeted']

export function pairOf(seed: number, kind?: Kind): Pair {
  const by = chance(seed)
  const chosen = kind ?? by.pick(kinds)
  const side = by.percent(70) ? 'input' : 'output'
  const reading = chosen === 'declared' || by.percent(60) ? 'declared' : 'strict'
  if (chosen === 'targeted') return { seed, side, reading, ...targeted(by) }
  const old = input(by, chosen)
  const now = by.percent(4) ? input(by, chosen) : edited(old, by, chosen)
  return { seed, side, reading, old, now: { ...now, type: now.type ?? 'object' } }
}

type Test = (value: Json) => boolean

export function compiled(one: Generated): Test {
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false, ownProperties: true, multipleOfPrecision: 9 })
  for (const format of formats) ajv.addFormat(format, (text: string) => fitsFormat(format, text) !== false)
  const validate = ajv.compile(asAjvReads(one))
  return (value) => validate(value) === true
}

/**
 * The same, said so that ajv 8 reads it rightly. Beside `unevaluated*` it takes a `dependentSchemas` that does not apply for one that has
 * looked at nothing; beside `prefixItems` its `contains` lets an empty array pass.
 */
function asAjvReads(one: Json): Generated {
  const annotated = JSON.stringify(one).includes('"unevaluated')
  const yes = 'then'
  const copy = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== 'object' || value === null) return value
    const out: Record<string, Json> = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]))
    const more: Json[] = []
    const { dependentSchemas, contains, minContains, maxContains } = out
    if (annotated && typeof dependentSchemas === 'object' && dependentSchemas !== null) {
      for (const [name, inner] of Object.entries(dependentSchemas)) more.push({ if: { type: 'object', required: [name] }, [yes]: inner })
      delete out.dependentSchemas
    }
    if (contains !== undefined && out.prefixItems !== undefined) {
      const counts = { ...(minContains === undefined ? {} : { minContains }), ...(maxContains === undefined ? {} : { maxContains }) }
      more.push({ contains, ...counts })
      for (const key of ['contains', 'minContains', 'maxContains']) delete out[key]
    }
    if (more.length > 0) out.allOf = [...(Array.isArray(out.allOf) ? out.allOf : []), ...more]
    return out
  }
  return copy(one) as Generated
}

/** The declared form of a schema, as a schema. */
export function declaredForm(one: Generated, isInput: boolean): Generated {
  const graph = new Graph()
  return written(close(graph.read(canonical(one).schema), graph, isInput)) as Generated
}

const wanted = 120
const tries = 400

/** `judge` says what it says; ajv whether it is true. */
export function tryPair(pair: Pair, judge: Judge): Tried {
  const { side, reading, old, now } = pair
  const contract = (one: Record<string, Json>): Record<string, Json> =>
    side === 'input' ? { name: 't', inputSchema: one } : { name: 't', inputSchema: { type: 'object' }, outputSchema: one }
  const judged = judge(contract(old), contract(now), { reading })
  const { verdict, example, spent } = judged
  const base = { verdict, example: example !== undefined, spent, fell: false }
  const passes = verdict === 'same' || verdict === 'additive' || verdict === 'behavioural'
  if (!passes && example === undefined) return { ...base, values: 0, broken: undefined }
  const isInput = side === 'input'
  const [from, to] = isInput ? [asInput(old), asInput(now)] : [now, old]
  let tests: Tests
  try {
    tests = testsOf(from, to, isInput, reading)
  } catch {
    // ajv compiles not every schema.
    return { ...base, values: 0, broken: undefined, fell: true }
  }
  const { given, accepts, declares } = tests
  if (!passes) return { ...base, values: 0, broken: wrongExample(verdict, example, given, accepts, declares) }
  const by = chance(pair.seed ^ 0x5bd1e995)
  let values = 0
  for (let time = 0; time < tries && values < wanted; time += 1) {
    const value = valueNear(by.percent(75) ? from : to, by)
    if (!given(value)) continue
    values += 1
    if (!accepts(value)) return { ...base, values, broken: `refused: ${JSON.stringify(value)}` }
    if (!declares(value)) return { ...base, values, broken: `ignored: ${JSON.stringify(value)}` }
  }
  return { ...base, values, broken: undefined }
}

interface Tests {
  readonly given: Test
  readonly accepts: Test
  readonly declares: Test
}

function testsOf(from: Record<string, Json>, to: Record<string, Json>, isInput: boolean, reading: string): Tests {
  const given = compiled(reading === 'declared' ? declaredForm(from, isInput) : from)
  const accepts = compiled(to)
  const declares = reading === 'declared' && isInput ? compiled(declaredForm(to, true)) : accepts
  return { given, accepts, declares }
}

/** An example of a wrong kind would send people after what is not there. */
function wrongExample(verdict: string, example: Json, given: Test, accepts: Test, declares: Test): string | undefined {
  if (example === undefined) return undefined
  const text = JSON.stringify(example)
  if (!given(example)) return `the example was not accepted before: ${text}`
  if (verdict === 'breaking' && accepts(example)) return `the example is accepted: ${text}`
  if (verdict === 'ignored' && declares(example)) return `the example is declared: ${text}`
  return undefined
}

function asInput(one: Record<string, Json>): Record<string, Json> {
  return { ...one, type: one.type ?? 'object' }
}
