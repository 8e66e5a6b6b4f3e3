// Error -32042 of 2025-11-25 ("open these URLs first") as an `input_required`: the server has ended the call, so its next leg is the same
// call once more.

import type { TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import type { Credential } from '../../core/call/expiry.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { Context } from '../context.ts'
import { askingOf } from '../messages/answers.ts'
import type { Parked } from './parked.ts'
import { fits, inputRequired, readResponses, type ServerRequest, urlRequests } from './server-requests.ts'

/** Sends a call anew. */
export type Again = (call: TargetedCall, exchange: Exchange) => Promise<Outcome>

/** Undefined where the error names no URL. */
export function parkForUrl(
  context: Context,
  call: TargetedCall,
  error: Payload,
  credential: Credential,
  again: Again,
): Outcome | undefined {
  const questions = urlRequests(error)
  if (questions === undefined) return undefined
  if (call.caller.capabilities.elicitation?.url === undefined) {
    const detail = { upstream: context.id, needs: 'elicitation.url', requiredCapabilities: { elicitation: { url: {} } } }
    return failed(fault('missing_capability', detail, { evidence: evidence.url_required }))
  }
  return park(context, questions, { principal: principalKey(call.caller.principal), credential }, again)
}

interface Whose {
  readonly principal: string
  readonly credential: Credential
}

type Asked = ReadonlyMap<string, Pick<ServerRequest, 'method' | 'params'>>

function park(context: Context, questions: Asked, { principal, credential }: Whose, again: Again): Outcome {
  const waiting: Parked = {
    principal,
    expire: () => {},
    resume: async (call, exchange) => {
      const answers = call.continuation?.kind === 'parked' ? readResponses(call.continuation.answers) : new Map<string, Payload>()
      const missing = new Map<string, Pick<ServerRequest, 'method' | 'params'>>()
      for (const [key, question] of questions) {
        const response = answers.get(key)
        if (response === undefined || !fits(question, response)) missing.set(key, question)
        else if (!accepted(response)) return failed(refused(call))
      }
      if (missing.size > 0) return park(context, missing, { principal, credential: exchange.credential }, again)
      return again({ ...call, continuation: { kind: 'relayed', inner: undefined } }, exchange)
    },
  }
  const place = context.parking.park(waiting, credential)
  if (place === undefined) {
    const detail = { upstream: context.id, limit: 'calls that wait for their users', retryAfterMs: 10_000 }
    return failed(fault('overloaded', detail, { evidence: evidence.no_place, retryAfterMs: 10_000 }))
  }
  return {
    kind: 'input_required',
    requests: inputRequired(questions),
    continuation: { kind: 'parked', park: place.park, owner: context.replica, expiresAtMs: place.expiresAtMs },
  }
}

function accepted(response: Payload): boolean {
  const value = response.json()
  return isObject(value) && value.action === 'accept'
}

function refused(call: TargetedCall): ReturnType<typeof fault> {
  const { upstream, item } = askingOf(call)
  return fault('input_refused', { upstream, item, needs: 'the user declined to open a page that the server asks for' })
}
