// The promise of the judge on one pair of schemas: what it calls additive refuses nothing, and ignores nothing, that fits what the old
// schema declares. ajv says what is refused.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { canonical } from '../../src/gateway/contracts/canonical.ts'
import { close } from '../../src/gateway/contracts/close.ts'
import { fitsFormat } from '../../src/gateway/contracts/formats.ts'
import { Graph, written } from '../../src/gateway/contracts/graph.ts'
import type { Judge } from '../../src/gateway/contracts/judge.ts'
import { edited } from './edit.ts'
import { type Focus, formats, type Generated, input, type Json, schema } from './generate.ts'
import { chance } from './random.ts'
import { valueNear } from './values.ts'

export interface Pair {
  readonly seed: number
  readonly side: 'input' | 'output'
  readonly reading: 'declared' | 'strict'
  readonly old: Record<string, Json>
  readonly now: Record<string, Json>
}

export interface Tried {
  readonly verdict: string
  /** Values that fit the old schema, as the reading has it. */
  readonly values: number
  readonly example: boolean
  readonly spent: boolean
  /** What breaks the promise, with the value. */
  readonly broken: string | undefined
  /** ajv fell over it: nothing is known. */
  readonly fell: boolean
}

const focuses: readonly Focus[] = ['declared', 'declared', 'all', 'logic']

export function pairOf(seed: number, focus?: Focus): Pair {
  const by = chance(seed)
  const chosen = focus ?? by.pick(focuses)
  const side = by.percent(70) ? 'input' : 'output'
  const reading = chosen === 'declared' || by.percent(60) ? 'declared' : 'strict'
  const old = input(by, chosen)
  const now = by.percent(4) ? input(by, chosen) : edited(old, by, chosen)
  return { seed, side, reading, old, now: { ...now, type: now.type ?? 'object' } }
}

type Test = (value: Json) => boolean

export function compiled(one: Generated): Test {
  const ajv = new Ajv2020({ strict: false, validateSchema: false, logger: false, ownProperties: true, multipleOfPrecision: 9 })
  for (const format of formats) ajv.addFormat(format, (text: string) => fitsFormat(format, text) !== false)
  const validate = ajv.compile(one)
  return (value) => validate(value) === true
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
  const base = { verdict: judged.verdict, example: judged.example !== undefined, spent: judged.spent }
  try {
    const [from, to] = side === 'input' ? [asInput(old), asInput(now)] : [now, old]
    const isInput = side === 'input'
    const given = compiled(reading === 'declared' ? declaredForm(from, isInput) : from)
    const before = compiled(from)
    const accepts = compiled(to)
    const declares = reading === 'declared' && isInput ? compiled(declaredForm(to, true)) : accepts
    const forms = [compiled(canonical(from).schema as Generated), compiled(canonical(to).schema as Generated)]
    const by = chance(pair.seed ^ 0x5bd1e995)
    let values = 0
    for (let time = 0; time < tries && values < wanted; time += 1) {
      const value = valueNear(by.percent(75) ? from : to, by)
      const text = JSON.stringify(value)
      if (forms[0]?.(value) !== before(value)) return { ...base, values, fell: false, broken: `canonical form of the first: ${text}` }
      if (forms[1]?.(value) !== accepts(value)) return { ...base, values, fell: false, broken: `canonical form of the second: ${text}` }
      if (!given(value)) continue
      values += 1
      if (!before(value)) return { ...base, values, fell: false, broken: `declared and yet refused by the schema itself: ${text}` }
      if (judged.verdict !== 'same' && judged.verdict !== 'additive' && judged.verdict !== 'behavioural') continue
      if (!accepts(value)) return { ...base, values, fell: false, broken: `refused: ${text}` }
      if (!declares(value)) return { ...base, values, fell: false, broken: `ignored: ${text}` }
    }
    const wrong = wrongExample(judged.verdict, judged.example, given, accepts, declares)
    return { ...base, values, fell: false, broken: wrong }
  } catch (error) {
    if (!(error instanceof Error) || /Maximum call stack/.test(error.message)) throw error
    return { ...base, values: 0, fell: true, broken: undefined }
  }
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

/** Two schemas that mean the same have one form: the second of a seed for the canonical form. */
export function anySchema(seed: number): Generated {
  return schema(chance(seed), 3, 'all')
}
