// Requests of a legacy server to its client (elicitation, sampling, roots) in the shape of MCP 2026-07-28 input requests, and the
// client's responses back (SEP-2322).

import type { ClientCapabilities } from '../../core/call/call.ts'
import { emptyObject, type Payload, payload, payloadOf } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { RawId } from '../../core/protocol/jsonrpc.ts'
import { refusalKey } from '../../core/protocol/names.ts'
import { members, skipSpace } from '../../core/protocol/scan.ts'

export type ServerRequestMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list'

/** A server's request that waits for its answer. */
export interface ServerRequest {
  /** The server's own request id. */
  readonly id: RawId
  readonly method: ServerRequestMethod
  readonly params: Payload | undefined
}

export function isServerRequest(method: string): method is ServerRequestMethod {
  return method === 'elicitation/create' || method === 'sampling/createMessage' || method === 'roots/list'
}

/** Whether this client can be asked anything. */
export function canBeAsked(capabilities: ClientCapabilities): boolean {
  return capabilities.elicitation !== undefined || capabilities.sampling !== undefined || capabilities.roots !== undefined
}

/** Capabilities by their paths (`elicitation.url`) as the `requiredCapabilities` object of error -32021. */
export function requiredCapabilities(paths: Iterable<string>): Record<string, Record<string, unknown>> {
  const required: Record<string, Record<string, unknown>> = {}
  for (const path of paths) {
    const [group = path, mode] = path.split('.')
    required[group] = { ...required[group], ...(mode === undefined ? {} : { [mode]: {} }) }
  }
  return required
}

/** Hop-local members of a question's params, which the other hop makes itself or has no longer. */
const hopLocal = [
  { path: ['_meta', 'progressToken'], value: undefined },
  { path: ['_meta', 'io.modelcontextprotocol/related-task'], value: undefined },
  { path: ['elicitationId'], value: undefined },
  { path: ['task'], value: undefined },
]

/** The InputRequiredResult that asks these questions; their params stay the server's own bytes. */
export function inputRequired(questions: ReadonlyMap<string, Pick<ServerRequest, 'method' | 'params'>>): Payload {
  const parts: Uint8Array[] = []
  let head = '{"resultType":"input_required","inputRequests":{'
  for (const [key, { method, params }] of questions) {
    parts.push(Buffer.from(`${head}${JSON.stringify(key)}:{"method":${JSON.stringify(method)}`))
    // Some readers want the member there, also where nothing is in it.
    parts.push(Buffer.from(',"params":'), params === undefined ? emptyObject.bytes : params.edit(hopLocal).bytes)
    head = '},'
  }
  parts.push(Buffer.from('}}}'))
  return payload(Buffer.concat(parts))
}

/** The client's responses by key, each as its own bytes. What is no object is no response. */
export function readResponses(answers: Payload | undefined): ReadonlyMap<string, Payload> {
  const found = new Map<string, Payload>()
  if (answers === undefined) return found
  const { bytes } = answers
  const at = skipSpace(bytes, 0)
  if (bytes[at] !== 0x7b) return found
  for (const member of members(bytes, at)) {
    if (bytes[member.start] === 0x7b) found.set(member.key, payload(bytes.subarray(member.start, member.end)))
  }
  return found
}

/** The error that a session client gave in place of a response; the server shall hear that very error. */
export function refusalIn(response: Payload): { readonly code: number; readonly message: string; readonly data?: unknown } | undefined {
  const value = response.json()
  const refusal = isObject(value) ? value[refusalKey] : undefined
  if (!isObject(refusal) || typeof refusal.code !== 'number') return undefined
  const { code, message, data } = refusal
  return { code, message: typeof message === 'string' ? message : 'Refused by the client', ...(data === undefined ? {} : { data }) }
}

/** Whether a response has the form that the question wants; a malformed one is asked for again. */
export function fits(question: Pick<ServerRequest, 'method'>, response: Payload): boolean {
  const value = response.json()
  if (!isObject(value)) return false
  switch (question.method) {
    case 'elicitation/create':
      return value.action === 'accept' || value.action === 'decline' || value.action === 'cancel'
    case 'roots/list':
      return Array.isArray(value.roots)
    case 'sampling/createMessage':
      return value.content !== undefined && typeof value.role === 'string'
  }
}

/** The URL questions that a -32042 error carries (2025-11-25); undefined where it names none. */
export function urlRequests(error: Payload): ReadonlyMap<string, Pick<ServerRequest, 'method' | 'params'>> | undefined {
  const body = error.json()
  const data = isObject(body) && isObject(body.data) ? body.data : undefined
  if (!Array.isArray(data?.elicitations)) return undefined
  const found = new Map<string, Pick<ServerRequest, 'method' | 'params'>>()
  for (const entry of data.elicitations) {
    if (!isObject(entry) || typeof entry.url !== 'string') continue
    found.set(`url${found.size + 1}`, { method: 'elicitation/create', params: payloadOf({ ...entry, mode: 'url' }) })
  }
  return found.size === 0 ? undefined : found
}
