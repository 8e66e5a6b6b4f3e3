// Stages that judge a routed call by the definition of its item, before any byte goes upstream: asserted headers, arguments.
import '../../core/call/facts.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { Item } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { Violation } from '../../core/call/violation.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { disagreement } from './asserted.ts'
import { argumentsIn, coerce } from './coerce.ts'
import { exampleOf } from './example.ts'

export { createSchemaGate, type Gated, type GateOptions, type GateSchema, gateSchema } from './schema-gate.ts'

/** Refuses headers that do not repeat the arguments (`header_mismatch`). Calls of doors without headers pass. */
export const asserted: Pass<RoutedCall> = {
  name: 'asserted',
  run: (call, exchange, next) => {
    if (call.asserted === undefined || call.item.headers.length === 0) return next(call, exchange)
    const reason = disagreement(call, call.item.headers)
    return reason === undefined ? next(call, exchange) : Promise.resolve(failed(fault('header_mismatch', { reason })))
  },
}

/**
 * Refuses arguments that break the item's schema (`invalid_arguments`), unless they say what it wants in other types, and configuration lets
 * them be read so. Absent arguments are an empty object.
 */
export const validate: Pass<RoutedCall> = {
  name: 'validate',
  run: (call, exchange, next) => {
    const { item } = call
    if (item.validate === undefined || item.settings.arguments === 'pass') return next(call, exchange)
    const params = call.params.json() as { readonly arguments?: unknown } | null | undefined
    const violations = item.validate(params?.arguments === undefined ? {} : params.arguments)
    if (violations.length === 0) return next(call, exchange)
    const read = item.settings.arguments === 'coerce' ? coerced(call, exchange) : undefined
    if (read === undefined) return Promise.resolve(refusal(item, violations))
    // What the headers repeat was no value of their type before.
    return asserted.run(read, exchange, next)
  },
}

/** The call with arguments that fit; undefined where they cannot be read so. */
function coerced<C extends RoutedCall>(call: C, exchange: Exchange): C | undefined {
  const { validate } = call.item
  const args = argumentsIn(call.params)
  const found = validate === undefined || args === undefined ? undefined : coerce(args, validate)
  if (found === undefined) return undefined
  exchange.note('coerced', { places: found.places, asSent: call.params })
  return { ...call, params: call.params.edit([{ path: ['arguments'], value: found.arguments.bytes }]) }
}

function refusal(item: Item, violations: readonly Violation[]): Outcome {
  const definition = item.definition.json() as { readonly inputSchema?: unknown } | null | undefined
  const example = exampleOf(definition?.inputSchema)
  const should = ({ path, expected }: Violation): string => `${path === '' ? 'the arguments' : path} should be ${expected}`
  const problems = violations.map((one) => `${should(one)}, not ${one.got}`).join('; ')
  const hint = example === undefined ? '' : ` (an example: ${JSON.stringify(example)})`
  const refused = fault('invalid_arguments', {
    item: item.visible,
    problems: `${problems}${hint}`,
    violations,
    setting: `tools.'${item.upstream}/${item.name}'.arguments`,
    ...(example === undefined ? {} : { example }),
  })
  const recorded = fault('invalid_arguments', { item: item.visible, problems: violations.map(should).join('; ') }).message
  return failed({ ...refused, recorded })
}
