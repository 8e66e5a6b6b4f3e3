// Finds out by `server/discover` whether a server speaks MCP 2026-07-28 (MCP 2026-07-28 §versioning, "Backward compatibility"). What does not settle the question is
// never taken for an answer.

import type { Payload } from '../../core/call/payload.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { type Evidence, evidence, withoutRenewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { code, isLegacyRevision, modernRevision } from '../../core/protocol/names.ts'
import { type Context, hopHeaders } from '../context.ts'
import { askingFor, judged, lostFault, statusFault } from '../messages/answers.ts'
import { Envelope, standardHeaders } from '../messages/envelope.ts'
import { errorIn, supportedIn } from '../messages/errors.ts'
import { request } from '../wire/requests.ts'
import type { IncomingError, Wire, WireAnswer } from '../wire/wire.ts'

export type Probed =
  | { readonly kind: 'modern'; readonly discovered: Discovered }
  /** Anything that a server with `initialize` may answer; only its own answer to `initialize` makes it a verdict. */
  | { readonly kind: 'legacy'; readonly reason: string; readonly silent: boolean; readonly died?: true }
  /**
   * No evidence: an outage, a refusal that is about no revision, or a server without a revision in common. `status`: what is still to be
   * said to the lease, should it turn out that the credential was refused.
   */
  | { readonly kind: 'inconclusive'; readonly fault: Fault; readonly status?: StatusAnswer }

type StatusAnswer = Extract<WireAnswer, { kind: 'status' }>

export interface Discovered {
  readonly capabilities: Readonly<Record<string, unknown>>
  readonly instructions: string | undefined
  readonly identity: { readonly name: string; readonly version: string; readonly [other: string]: unknown } | undefined
}

/** `timeoutMs` is short: most servers answer at once or never. Who refuses our revision and lists it is asked once more. */
export async function probe(wire: Wire, context: Context, lease: CredentialLease, timeoutMs: number): Promise<Probed> {
  const ask = (): ReturnType<typeof request> =>
    request(wire, context, {
      method: 'server/discover',
      params: discoverParams(context),
      headers: standardHeaders(hopHeaders(context, lease), 'server/discover', undefined),
      timeoutMs,
      maxBytes: context.limits.resultBytes,
    })
  const first = await ask()
  const refused = errorIn(first)
  const listsOurs = refused?.code === code.unsupportedProtocolVersion && supportedIn(refused)?.includes(modernRevision) === true
  const answer = listsOurs ? await ask() : first
  return interpret(answer, context, lease, wire.transport === 'stdio', timeoutMs)
}

function discoverParams(context: Context): Payload {
  return new Envelope(context.identity).own(payloadOf({}))
}

/** Exported for its table of tests. */
export function interpret(
  answer: WireAnswer | { readonly kind: 'timeout' },
  context: Context,
  lease: CredentialLease,
  isChild: boolean,
  timeoutMs: number,
): Probed {
  const asking = askingFor(context.id, 'server/discover')
  switch (answer.kind) {
    case 'answer':
      return answer.answer.kind === 'result' ? interpretResult(answer.answer.result, context) : interpretError(answer.answer, context)
    case 'status':
      if (answer.status === 401 || answer.status === 403 || answer.status === 429 || answer.status >= 500) {
        return { kind: 'inconclusive', fault: statusFault(asking, answer, lease, unjudged(answer)), status: answer }
      }
      if (answer.body !== undefined) return interpretError(answer.body, context)
      return { kind: 'legacy', reason: `the probe got HTTP ${answer.status}`, silent: false }
    case 'lost':
      // Old children die of a request before `initialize`; old HTTP servers answer it with a page. Neither is an outage.
      if (isChild || answer.fault.kind === 'upstream_protocol_error') {
        return { kind: 'legacy', reason: 'the probe ended the server', silent: false, died: true }
      }
      return { kind: 'inconclusive', fault: lostFault(asking, answer) }
    default: {
      if (isChild) return { kind: 'legacy', reason: 'the probe was not answered', silent: true }
      const detail = { afterMs: timeoutMs, layer: 'probe for the revision' }
      return { kind: 'inconclusive', fault: judged('upstream_timeout', asking, evidence.deadline, detail) }
    }
  }
}

/** Whether a credential is refused is for the answer to `initialize` to say: there are servers that refuse any request they do not know. */
function unjudged({ status, challenge }: StatusAnswer): Evidence | undefined {
  return status === 401 || (status === 403 && challenge !== undefined) ? withoutRenewal(evidence.credential_refused) : undefined
}

/** What the probe's own refusal is, where `initialize` brought no better word. */
export function probeFault(
  context: Context,
  lease: CredentialLease,
  { fault: found, status }: Extract<Probed, { kind: 'inconclusive' }>,
): Fault {
  return status === undefined ? found : statusFault(askingFor(context.id, 'server/discover'), status, lease)
}

function interpretResult(result: Payload, context: Context): Probed {
  const body = (context.withoutOwn?.(result) ?? result).json()
  const supported = isObject(body) ? strings(body.supportedVersions) : []
  if (isObject(body) && supported.includes(modernRevision)) return { kind: 'modern', discovered: readDiscovered(body) }
  return without(supported, context)
}

function interpretError(error: IncomingError, context: Context): Probed {
  if (error.code === code.unsupportedProtocolVersion) return without(supportedIn(error) ?? [], context)
  return { kind: 'legacy', reason: `the probe got error ${error.code}`, silent: false }
}

/** A server that lists its revisions and ours is not among them: fall back only to one that it lists. */
function without(supported: readonly string[], context: Context): Probed {
  if (supported.length === 0 || supported.some(isLegacyRevision)) {
    return { kind: 'legacy', reason: `the server lists ${supported.join(', ') || 'no revision'}`, silent: false }
  }
  const reason = `it speaks ${supported.join(', ')} only, and none of them is known here`
  return {
    kind: 'inconclusive',
    fault: fault('upstream_protocol_error', { upstream: context.id, reason }, { evidence: evidence.answer_invalid }),
  }
}

function readDiscovered(body: Record<string, unknown>): Discovered {
  const meta = isObject(body._meta) ? body._meta : {}
  return {
    capabilities: isObject(body.capabilities) ? body.capabilities : {},
    instructions: typeof body.instructions === 'string' ? body.instructions : undefined,
    identity: identityOf(meta['io.modelcontextprotocol/serverInfo']),
  }
}

/** `serverInfo`, where it is one. */
export function identityOf(value: unknown): Discovered['identity'] {
  if (!isObject(value) || typeof value.name !== 'string') return undefined
  return { ...value, name: value.name, version: typeof value.version === 'string' ? value.version : '' }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}
