// What the JSON-RPC error in an answer says. Members that a server left out, or made something else of, are absent.
import { isObject } from '../../core/protocol/is-object.ts'
import type { IncomingError, WireAnswer } from '../wire/wire.ts'

/** The error in an answer, under our id or none. */
export function errorIn(answer: WireAnswer | { readonly kind: 'timeout' }): IncomingError | undefined {
  if (answer.kind === 'status') return answer.body
  return answer.kind === 'answer' && answer.answer.kind === 'error' ? answer.answer : undefined
}

export function dataOf({ error }: Pick<IncomingError, 'error'>): unknown {
  const body = error.json()
  return isObject(body) ? body.data : undefined
}

/** The revisions that it lists (MCP 2025-11-25 §lifecycle; MCP 2026-07-28 §versioning, UnsupportedProtocolVersionError). */
export function supportedIn(error: Pick<IncomingError, 'error'>): readonly string[] | undefined {
  const data = dataOf(error)
  const listed = isObject(data) ? (data.supported ?? data.supportedVersions) : undefined
  return Array.isArray(listed) ? listed.filter((one) => typeof one === 'string') : undefined
}
