// Stages that judge a routed call by the definition of its item, before any byte goes upstream: asserted headers, arguments.
import type { RoutedCall } from '../../core/call/call.ts'
import type { Item, Violation } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { disagreement } from './asserted.ts'
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

/** Refuses arguments that break the item's schema (`invalid_arguments`). Absent arguments are an empty object. */
export const validate: Pass<RoutedCall> = {
  name: 'validate',
  run: (call, exchange, next) => {
    const { item } = call
    if (item.validate === undefined) return next(call, exchange)
    const params = call.params.json() as { readonly arguments?: unknown } | null | undefined
    const violations = item.validate(params?.arguments === undefined ? {} : params.arguments)
    return violations.length === 0 ? next(call, exchange) : Promise.resolve(refusal(item, violations))
  },
}

function refusal(item: Item, violations: readonly Violation[]): Outcome {
  const definition = item.definition.json() as { readonly inputSchema?: unknown } | null | undefined
  const example = exampleOf(definition?.inputSchema)
  const problems = violations
    .map(({ path, expected, got }) => `${path === '' ? 'the arguments' : path} should be ${expected}, not ${got}`)
    .join('; ')
  const hint = example === undefined ? '' : ` (an example: ${JSON.stringify(example)})`
  return failed(
    fault('invalid_arguments', {
      item: item.visible,
      problems: `${problems}${hint}`,
      violations,
      ...(example === undefined ? {} : { example }),
    }),
  )
}
