// The handshake of revisions with `initialize`.

import { payloadOf } from '../../core/call/payload.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { header, isLegacyRevision, type LegacyRevision } from '../../core/protocol/names.ts'
import { type Context, hopHeaders } from '../context.ts'
import { askingFor, errorFault, judged, lostFault, statusFault } from '../messages/answers.ts'
import { identityOf } from '../modern/probe.ts'
import { request } from '../wire/requests.ts'
import type { HttpWire, IncomingError, IncomingNotification, IncomingRequest, Wire } from '../wire/wire.ts'
import { type Askable, capabilitiesOf, type Declaration, firstDeclaration, nextDeclaration, type Refusal } from './declaration.ts'
import { EarlyMessages } from './early-messages.ts'

export type Handshake =
  | {
      readonly kind: 'ready'
      readonly revision: LegacyRevision
      readonly sessionId: string | undefined
      readonly description: UpstreamDescription
      /** What the server took of us. */
      readonly declaration: Declaration
      /** What it said before its answer was read; for the connection. */
      readonly early: readonly (IncomingRequest | IncomingNotification)[]
    }
  /** The server, or what stands at its address, said no: `status` is the HTTP status, if any. It may speak another transport or revision. */
  | {
      readonly kind: 'refused'
      readonly status: number | undefined
      readonly fault: Fault
      /** The process behind the address was greeted before. */
      readonly again: boolean
    }
  | { readonly kind: 'failed'; readonly fault: Fault }

/** Greetings at most: with each revision, and with less said of us. */
const mostGreetings = 5

/**
 * Greets the server; the connection says `initialized` once it listens. A server that refuses what is declared is greeted again with what it
 * names, or with less. `timeoutMs` is the time a server may take to start, for each greeting; `askable` what the client can be asked that
 * the connection is for, where it is for one.
 */
export async function shakeHands(
  wire: Wire,
  context: Context,
  lease: CredentialLease,
  timeoutMs: number,
  declaration = firstDeclaration,
  askable: Askable | undefined = undefined,
): Promise<Handshake> {
  const early = new EarlyMessages(context, wire, hopHeaders(context, lease))
  const tried: Declaration[] = []
  let first: Handshake | undefined
  for (let next: Declaration | undefined = declaration; next !== undefined; ) {
    tried.push(next)
    const greeted: Greeted = await greet(wire, context, lease, timeoutMs, next, askable, early)
    if (greeted.kind === 'ready') return { ...greeted, declaration: next, early: early.handOver() }
    // What the server says of our own first words explains more than what it says of the makeshifts after them.
    first ??= refusedOr(greeted)
    if (greeted.kind === 'failed' || greeted.again || tried.length >= mostGreetings) break
    next = nextDeclaration(tried, greeted.refusal)
  }
  early.end()
  return first as Handshake
}

type Greeted =
  | Omit<Extract<Handshake, { kind: 'ready' }>, 'declaration' | 'early'>
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly fault: Fault; readonly again: boolean }
  | Extract<Handshake, { kind: 'failed' }>

function refusedOr(greeted: Exclude<Greeted, { kind: 'ready' }>): Handshake {
  if (greeted.kind === 'failed') return greeted
  const { refusal, fault: found, again } = greeted
  return { kind: 'refused', status: refusal.status, fault: found, again }
}

async function greet(
  wire: Wire,
  context: Context,
  lease: CredentialLease,
  timeoutMs: number,
  declaration: Declaration,
  askable: Askable | undefined,
  early: EarlyMessages,
): Promise<Greeted> {
  const asking = askingFor(context.id, 'initialize')
  const capabilities = capabilitiesOf(declaration, askable)
  const answer = await request(wire, context, {
    method: 'initialize',
    params: payloadOf({ protocolVersion: declaration.revision, capabilities, clientInfo: context.identity }),
    headers: hopHeaders(context, lease),
    timeoutMs,
    maxBytes: context.limits.resultBytes,
    onMessage: early.take,
  })
  switch (answer.kind) {
    case 'answer': {
      const { status, answer: said } = answer
      if (said.kind === 'result') return accept(wire, context, lease, (context.withoutOwn?.(said.result) ?? said.result).json())
      const again = isGreetedBefore(said.message)
      const refused = again ? oneGreeting(said, context) : errorFault(asking, said)
      return { kind: 'refused', refusal: { status, error: said }, fault: refused, again }
    }
    case 'status': {
      const { status, body: error, words } = answer
      return { kind: 'refused', refusal: { status, error, words }, fault: statusFault(asking, answer, lease), again: false }
    }
    case 'lost':
      return { kind: 'failed', fault: lostFault(asking, answer) }
    default: {
      return {
        kind: 'failed',
        fault: judged('upstream_timeout', asking, evidence.deadline, { afterMs: timeoutMs, layer: 'start limit of the server' }),
      }
    }
  }
}

/** Behind a bridge that gives all its clients one process, only the first may greet it (go-sdk: `duplicate "initialize" received`). */
function isGreetedBefore(message: string): boolean {
  return /duplicate\b.*\binitialize|already\b.*\binitiali[sz]ed/i.test(message)
}

function oneGreeting(error: IncomingError, { id, settings }: Context): Fault {
  const mend =
    settings.sharing === 'shared'
      ? 'it serves another client, or one that is gone; start it anew'
      : `it bears one connection only; set servers.${id}.sharing to shared`
  return fault('upstream_protocol_error', { upstream: id, reason: `${error.message}: ${mend}` }, { evidence: evidence.answer_invalid })
}

async function accept(wire: Wire, context: Context, lease: CredentialLease, body: unknown): Promise<Greeted> {
  const broken = (reason: string): Fault =>
    fault('upstream_protocol_error', { upstream: context.id, reason }, { evidence: evidence.answer_invalid })
  if (!isObject(body)) return { kind: 'failed', fault: broken('the answer to initialize is no object') }
  const sessionId = wire.transport === 'streamable-http' ? (wire as HttpWire).sessionId : undefined
  const revision = revisionOf(body.protocolVersion)
  if (revision === undefined) {
    const answered = String(body.protocolVersion)
    // The session that it began all the same is of no use.
    if (sessionId !== undefined) await (wire as HttpWire).deleteSession(sessionHeaders(hopHeaders(context, lease), answered, sessionId))
    const reason = `it wants protocol revision ${JSON.stringify(body.protocolVersion)}, which is not known here`
    return { kind: 'refused', refusal: { status: undefined, error: undefined, answered }, fault: broken(reason), again: false }
  }
  const description: UpstreamDescription = {
    transport: wire.transport,
    revision,
    identity: identityOf(body.serverInfo),
    capabilities: isObject(body.capabilities) ? body.capabilities : {},
    instructions: typeof body.instructions === 'string' ? body.instructions : undefined,
  }
  return { kind: 'ready', revision, sessionId, description }
}

/** A draft that went before the first revision and that servers still answer with; nothing that is used here differs in it. */
const firstDraft = '2024-10-07'

function revisionOf(answered: unknown): LegacyRevision | undefined {
  if (answered === firstDraft) return '2024-11-05'
  return typeof answered === 'string' && isLegacyRevision(answered) ? answered : undefined
}

/** The server took `initialize` and not the notification that ends the handshake: that is named, since it is no request of anybody. */
export function unbegunFault(found: Fault): Fault {
  const { kind, detail, evidence: known, retryAfterMs } = found
  const method = 'notifications/initialized'
  if (kind === 'upstream_http_error') {
    const said = typeof detail.said === 'string' ? `: ${detail.said.slice(0, 200)}` : ''
    const reason = `it took initialize, and answered ${method} with HTTP ${String(detail.status)}${said}`
    return fault('upstream_protocol_error', { ...detail, reason, method }, { evidence: known })
  }
  if (kind === 'upstream_timeout') return fault(kind, { ...detail, method, layer: `delivery of ${method}` }, { evidence: known })
  const reason = `${method} could not be handed over: ${typeof detail.reason === 'string' ? detail.reason : found.message}`
  const named = fault(kind as Kind, { ...detail, reason, method }, { evidence: known, retryable: found.retryable, retryAfterMs })
  return named.message.includes(method) ? named : { ...named, message: reason }
}

/** What every message after the handshake carries over HTTP. */
export function sessionHeaders(
  base: Readonly<Record<string, string>>,
  revision: string,
  sessionId: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { ...base, [header.protocolVersion]: revision }
  if (sessionId !== undefined) headers[header.sessionId] = sessionId
  return headers
}
