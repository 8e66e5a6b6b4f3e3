// The stage that asks a user who has yet to sign in by the client, where that can open a page: the link of `reauth_required` as a question in
// URL mode (MCP 2025-11-25 §elicitation), and the call once more after the answer. It waits for nobody meanwhile.
import type { RoutedCall } from '../../core/call/call.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { isObject } from '../../core/protocol/is-object.ts'

/** Key of our question among those of a server. */
const key = 'signalbox.dev/connect'

export const signIn: Pass<RoutedCall> = {
  name: 'signIn',
  run: (call, exchange, next) => {
    const answer = call.continuation === undefined ? undefined : ownAnswer(call)
    if (answer === undefined) return next(call, exchange).then((outcome) => asked(call, outcome))
    if (answer.action !== 'accept') {
      const reason = 'the user declined to open the page'
      const detail = { upstream: call.upstream, reason, link: 'the link that a further call brings' }
      return Promise.resolve(failed(fault('reauth_required', detail, { evidence: evidence.no_credential })))
    }
    // The server has asked nothing: what it gets is the first leg of the call.
    return next({ ...call, params: answer.params, continuation: undefined }, exchange).then((outcome) => asked(call, outcome))
  },
}

function ownAnswer(call: RoutedCall) {
  const { inputResponses } = call.params.json() as { readonly inputResponses?: unknown }
  if (!isObject(inputResponses) || !isObject(inputResponses[key])) return undefined
  return { action: inputResponses[key].action, params: call.params.edit([{ path: ['inputResponses'], value: undefined }]) }
}

function asked(call: RoutedCall, outcome: Outcome): Outcome {
  if (outcome.kind !== 'fault' || outcome.fault.kind !== 'reauth_required') return outcome
  const { link } = outcome.fault.detail
  if (call.caller.capabilities.elicitation?.url === undefined || typeof link !== 'string' || !link.startsWith('http')) return outcome
  const message = `The server ${call.upstream} needs you to sign in.`
  const params = { mode: 'url', message, url: link, elicitationId: link.slice(link.lastIndexOf('/') + 1) }
  const requests = { resultType: 'input_required', inputRequests: { [key]: { method: 'elicitation/create', params } } }
  return { kind: 'input_required', requests: payloadOf(requests), continuation: { kind: 'relayed', inner: undefined } }
}
