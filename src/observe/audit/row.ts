// One row of the audit: a JSON array in a fixed order, so that the bytes which were hashed are the bytes that are kept.
import type { Principal } from '../../core/call/principal.ts'
import type { Decision } from '../../core/ports/decisions.ts'

/** What a reader of the audit sees. Times are ms since the epoch; what is not known is null. */
export interface AuditRow {
  readonly chain: string
  readonly seq: number
  readonly at: number
  readonly about: Decision['about'] | 'lost'
  readonly allowed: boolean
  /** Correlation id; '' of what no request caused. */
  readonly id: string
  readonly tenant: string | null
  readonly issuer: string | null
  readonly subject: string | null
  readonly client: string | null
  readonly actors: readonly string[]
  /** By which method of `auth.callers` it was let in. */
  readonly via: string | null
  readonly credential: string
  readonly method: string | null
  readonly upstream: string | null
  readonly item: string | null
  readonly rule: string
  readonly reason: string | null
}

/** As it stands in the array. */
type Kept = readonly [
  seq: number,
  at: number,
  about: AuditRow['about'],
  allowed: 0 | 1,
  id: string,
  tenant: string | null,
  issuer: string | null,
  subject: string | null,
  client: string | null,
  actors: readonly string[],
  via: string | null,
  credential: string,
  method: string | null,
  upstream: string | null,
  item: string | null,
  rule: string,
  reason: string | null,
]

/** Longest text of a member in characters: names and reasons may come from outside. */
const longest = 512

/** What a row says of its caller, as text; a principal is one object for as long as its credential is known. */
const callers = new WeakMap<Principal, string>()

/** By hand, so that what is the same in each row of a caller is made once; the bytes are those of `JSON.stringify`. */
export function encode(seq: number, decision: Decision): string {
  const { atMs, about, allowed, id, principal, credential, method, upstream, item, rule, reason } = decision
  const what = JSON.stringify([cut(credential), cut(method), cut(upstream), cut(item), cut(rule), cut(reason)])
  return `[${seq},${atMs},"${about}",${allowed ? 1 : 0},${JSON.stringify(cut(id))},${callerText(principal)},${what.slice(1)}`
}

function callerText(principal: Principal | undefined): string {
  if (principal === undefined) return nobody
  let text = callers.get(principal)
  if (text === undefined) {
    const { tenant, iss, sub, clientId, actors, method } = principal
    text = membersOf([cut(tenant), cut(iss), cut(sub), cut(clientId), actors, method])
    callers.set(principal, text)
  }
  return text
}

const nobody = membersOf([null, null, null, null, [], null])

function membersOf(members: readonly unknown[]): string {
  return JSON.stringify(members).slice(1, -1)
}

/** In place of rows that were lost, since the store was away for longer than memory lasts: how many. */
export function encodeLost(seq: number, atMs: number, count: number): string {
  const what = `${count} rows were lost, since the store was away`
  return JSON.stringify([seq, atMs, 'lost', 0, '', null, null, null, null, [], null, '', null, null, null, 'store', what])
}

/** Undefined where it is no row. */
export function decode(chain: string, text: string): AuditRow | undefined {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(read) || read.length !== 17) return undefined
  const row = read as unknown as Kept
  const [seq, at, about, allowed, id, tenant, issuer, subject, client, actors, via, credential, method, upstream, item, rule, reason] = row
  return {
    chain,
    seq,
    at,
    about,
    allowed: allowed === 1,
    id,
    tenant,
    issuer,
    subject,
    client,
    actors,
    via,
    credential,
    method,
    upstream,
    item,
    rule,
    reason,
  }
}

/** A NUL cannot be kept as text, nor half a character. */
function cut(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
