// The handshake of revisions with `initialize`.

import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { header, isLegacyRevision, type LegacyRevision, legacyRevisions } from '../../core/protocol/names.ts'
import { type Context, hopHeaders } from '../context.ts'
import { askingFor, errorFault, judged, lostFault, statusFault } from '../messages/answers.ts'
import { identityOf } from '../modern/probe.ts'
import { request } from '../wire/requests.ts'
import type { HttpWire, IncomingError, Wire } from '../wire/wire.ts'
import { bridgedCapabilities } from './server-requests.ts'

export type Handshake =
  | {
      readonly kind: 'ready'
      readonly revision: LegacyRevision
      readonly sessionId: string | undefined
      readonly description: UpstreamDescription
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

/** Greets the server; the connection says `initialized` once it listens. `timeoutMs` is the time a server may take to start. */
export async function shakeHands(wire: Wire, context: Context, lease: CredentialLease, timeoutMs: number): Promise<Handshake> {
  const asking = askingFor(context.id, 'initialize')
  const answer = await request(wire, context, {
    method: 'initialize',
    params: payloadOf({ protocolVersion: legacyRevisions[0], capabilities: bridgedCapabilities, clientInfo: context.identity }),
    headers: hopHeaders(context, lease),
    timeoutMs,
    maxBytes: context.limits.resultBytes,
  })
  switch (answer.kind) {
    case 'answer': {
      if (answer.answer.kind === 'error') {
        const again = isGreetedBefore(answer.answer.message)
        const refused = again ? oneGreeting(answer.answer, context) : errorFault(asking, answer.answer)
        return { kind: 'refused', status: answer.status, fault: refused, again }
      }
      return accept(wire, context, answer.answer.result.json())
    }
    case 'status':
      return { kind: 'refused', status: answer.status, fault: statusFault(asking, answer, lease), again: false }
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

function accept(wire: Wire, context: Context, body: unknown): Handshake {
  const broken = (reason: string): Handshake => ({
    kind: 'failed',
    fault: fault('upstream_protocol_error', { upstream: context.id, reason }, { evidence: evidence.answer_invalid }),
  })
  if (!isObject(body)) return broken('the answer to initialize is no object')
  const { protocolVersion: revision } = body
  if (typeof revision !== 'string' || !isLegacyRevision(revision)) {
    return broken(`it wants protocol revision ${JSON.stringify(revision)}, which is not known here`)
  }
  const sessionId = wire.transport === 'streamable-http' ? (wire as HttpWire).sessionId : undefined
  const description: UpstreamDescription = {
    transport: wire.transport,
    revision,
    identity: identityOf(body.serverInfo),
    capabilities: isObject(body.capabilities) ? body.capabilities : {},
    instructions: typeof body.instructions === 'string' ? body.instructions : undefined,
  }
  return { kind: 'ready', revision, sessionId, description }
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
