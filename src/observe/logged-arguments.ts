// What the line of a call in the log says of its arguments.
import type { CallRecord } from '../core/call/record.ts'
import { locate } from '../core/protocol/locate.ts'
import { redactedArguments } from '../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../core/secrets/redaction.ts'

/** Of a call of a tool. As JSON in the line, so that whoever reads it need not parse a text. */
export function argumentsOf({ itemKind, params }: CallRecord, redaction: Redaction): unknown {
  const given = itemKind === 'tool' && params !== undefined ? locate(params.bytes, ['arguments']) : undefined
  return given === undefined ? undefined : (JSON.parse(redactedArguments(given, redaction)) as unknown)
}
