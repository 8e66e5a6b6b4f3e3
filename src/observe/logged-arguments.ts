// What the line of a call in the log says of its arguments.
import { argumentsIn } from '../core/call/arguments.ts'
import type { CallRecord } from '../core/call/record.ts'
import { redactedArguments } from '../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../core/secrets/redaction.ts'

/** Of a call of a tool. As JSON in the line, so that whoever reads it need not parse a text. */
export function argumentsOf({ itemKind, params }: CallRecord, redaction: Redaction): unknown {
  const given = itemKind === 'tool' ? argumentsIn(params) : undefined
  return given === undefined ? undefined : (JSON.parse(redactedArguments(given, redaction, 'checked')) as unknown)
}
