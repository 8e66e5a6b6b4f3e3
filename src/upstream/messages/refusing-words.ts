// A refusal of the credential in words is as good as one by status, but that the tool may have begun: the lease is told, another credential is
// tried where the call may be sent again, and what stays is a fault that brings the server's words.
import type { TargetedCall } from '../../core/call/call.ts'
import { type Complete, failed, type Outcome } from '../../core/call/outcome.ts'
import { evidence, withoutRenewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { RefusingWords, WordsReader } from '../../core/ports/refusing-words.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { askingOf, judged } from './answers.ts'

/** The outcome, or the fault that its words are. `lease`: what the call went with, where that is known. */
export function heedWords(words: WordsReader, sent: Outcome, call: TargetedCall, lease: CredentialLease | undefined): Outcome {
  if (sent.kind === 'complete') {
    if (!sent.facts.isError && sent.facts.bytes > words.shortBytes) return sent
    const found = words.inResult(sent, call)
    return found === undefined ? sent : failed(refusal(words, found, call, lease, { said: textsOf(sent) }))
  }
  if (sent.kind !== 'fault' || sent.fault.detail.wire === undefined) return sent
  const { wire } = sent.fault.detail as { readonly wire: { readonly message: string } }
  const found = words.inError(wire.message, call)
  return found === undefined ? sent : failed(refusal(words, found, call, lease, { wire }))
}

function refusal(
  words: WordsReader,
  found: RefusingWords,
  call: TargetedCall,
  lease: CredentialLease | undefined,
  from: { readonly said?: readonly string[]; readonly wire?: unknown },
): Fault {
  words.heeded(found, call, lease?.id ?? '')
  const renewable = found.says === 'invalid' && lease?.reject({ status: 401, challenge: undefined }) === true
  const { said, ...wire } = from
  const detail = { hop: call.upstream, suspect: 'auth_text', rule: found.rule, ...remedyOf(found), ...wire }
  const fault = judged('upstream_auth_failed', askingOf(call), renewable ? evidence.auth_text : withoutRenewal(evidence.auth_text), detail)
  return said === undefined ? fault : { ...fault, said }
}

function remedyOf({ says, scopes = [] }: RefusingWords): Readonly<Record<string, unknown>> {
  if (says === 'insufficient') {
    const named = scopes.length === 0 ? '' : `, which lacks the scope ${scopes.join(' ')}`
    return { failure: `it says that its credential may not do this${named}`, remedy: 'grant it', scopes }
  }
  return { failure: 'it says that its credential is missing or not valid', remedy: 'renew it (`auth`, `headers` or `env` of the server)' }
}

/** All texts of the result: nothing of what the server said is lost. */
function textsOf({ result }: Complete): readonly string[] {
  const { content } = result.json() as { readonly content?: unknown }
  const blocks: readonly unknown[] = Array.isArray(content) ? content : []
  return blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? [block.text] : []))
}
