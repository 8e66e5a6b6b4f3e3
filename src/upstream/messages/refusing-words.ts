// What a server says in words in place of a status. A refusal of the credential is as good as one by status, but that the tool may have begun: the lease is told, another credential is
// tried where the call may be sent again, and what stays is a fault that brings the server's words. Where another gateway stands in between,
// it has judged already: its fault is told as it is, with the way to the hop that broke.
import type { TargetedCall } from '../../core/call/call.ts'
import { type Complete, complete, failed, type Outcome } from '../../core/call/outcome.ts'
import { evidence, withoutRenewal } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { LimitingWords, RefusingWords, WordsReader } from '../../core/ports/refusing-words.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { askingOf, judged } from './answers.ts'

interface Wire {
  readonly message: string
  readonly data?: unknown
}

const faultKey = `${vendorPrefix}fault`

/** The outcome, or the fault that its words are. `words`: undefined where no credential could be refused. `lease`: what the call went with, where that is known. */
export function heedWords(words: WordsReader | undefined, sent: Outcome, call: TargetedCall, lease: CredentialLease | undefined): Outcome {
  if (sent.kind === 'complete') return heedResult(words, sent, call, lease)
  if (sent.kind !== 'fault' || sent.fault.detail.wire === undefined) return sent
  const { wire } = sent.fault.detail as { readonly wire: Wire }
  const broken = isObject(wire.data) ? brokenHop(wire.data[faultKey], call.upstream) : undefined
  if (broken !== undefined) {
    const detail = { hop: broken, failure: `the call broke at the hop ${broken}`, remedy: 'look there', wire }
    return failed(judged('upstream_auth_failed', askingOf(call), sent.fault.evidence ?? evidence.error_answer, detail))
  }
  if (words === undefined) return sent
  const found = words.inError(wire.message, call)
  if (found !== undefined) return failed(refusal(words, found, call, lease, { wire }))
  const limit = words.limitInError(wire.message, call)
  if (limit === undefined) return sent
  const { retryAfterMs = sent.fault.retryAfterMs } = limit
  return failed(limited(words, { ...limit, retryAfterMs }, call, { wire }))
}

function heedResult(words: WordsReader | undefined, sent: Complete, call: TargetedCall, lease: CredentialLease | undefined): Outcome {
  const { isError, bytes, hasMeta } = sent.facts
  if (!isError && (words === undefined || bytes > words.shortBytes)) return sent
  if (isError && hasMeta && asBuffer(sent.result.bytes).includes(faultKey)) return behind(sent, call.upstream)
  if (words === undefined) return sent
  const found = words.inResult(sent, call)
  if (found !== undefined) return failed(refusal(words, found, call, lease, { said: textsOf(sent) }))
  const limit = words.limitInResult(sent, call)
  return limit === undefined ? sent : failed(limited(words, limit, call, { said: textsOf(sent) }))
}

/** The fault of a gateway behind, with the way to the hop that broke as it is from here. */
function behind(sent: Complete, upstream: string): Outcome {
  const { _meta, structuredContent } = sent.result.json() as { readonly _meta?: unknown; readonly structuredContent?: unknown }
  const hop = isObject(_meta) ? brokenHop(_meta[faultKey], upstream) : undefined
  if (hop === undefined) return sent
  const value = JSON.stringify(hop)
  const structured = isObject(structuredContent) && brokenHop(structuredContent.error, upstream) === hop
  const result = sent.result.edit([
    { path: ['_meta', faultKey, 'detail', 'hop'], value },
    ...(structured ? [{ path: ['structuredContent', 'error', 'detail', 'hop'], value }] : []),
  ])
  return complete(result, sent.facts)
}

/** `server/server behind it`, of a fault that names one. */
function brokenHop(fault: unknown, upstream: string): string | undefined {
  if (!isObject(fault) || fault.kind !== 'upstream_auth_failed' || !isObject(fault.detail)) return undefined
  const { hop } = fault.detail
  return typeof hop === 'string' && hop.length <= longestWay ? `${upstream}/${hop}` : undefined
}

/** Of the names that other gateways give, in characters. */
const longestWay = 200

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

/** What is told where the words name no time, in ms. */
const unnamedMs = 1_000

function limited(
  words: WordsReader,
  found: LimitingWords,
  call: TargetedCall,
  from: { readonly said?: readonly string[]; readonly wire?: unknown },
): Fault {
  words.limited(found, call)
  const { retryAfterMs = unnamedMs } = found
  const { said, ...wire } = from
  // `named`: the time is one that further calls can be held to.
  const detail = { suspect: 'limit_text', rule: found.rule, retryAfterMs, named: found.retryAfterMs !== undefined, ...wire }
  const fault = judged('downstream_rate_limited', askingOf(call), evidence.limit_text, detail, retryAfterMs)
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
