// Whether a schema can be run by the gate that calls pass.
import type { Run } from '../gateway/contracts/index.ts'
import { createSchemaGate } from '../gateway/policy/schema-gate.ts'

/** The first thing that the validator fell over; undefined where it judged all values, whatever it said of them. */
export const runByGate: Run = (schema, values) => {
  let reason: string | undefined
  const gate = createSchemaGate({
    most: 1,
    uncompiled: (why) => {
      reason ??= why
    },
  })
  const { validate } = gate(schema)
  for (const value of values) validate(value)
  return reason === undefined ? undefined : `the schema cannot be run: ${reason}`
}
