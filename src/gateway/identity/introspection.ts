// Access tokens that say nothing by themselves: their issuer is asked about each (RFC 7662). What it says is used again for half a minute, and
// where it cannot be asked nobody is let in.
import { LRUCache } from 'lru-cache'
import { gatewayKey, type TenantKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { Report } from '../../core/ports/report.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type Checked, refused } from './checked.ts'
import { mapClaims } from './claims.ts'
import { confirmationOf } from './confirmation.ts'
import type { IntrospectionSettings } from './settings.ts'
import { unfitTimes } from './times.ts'
import type { TokenKind, TokenToCheck } from './token-kind.ts'

export interface IntrospectionParts {
  readonly settings: readonly IntrospectionSettings[]
  readonly address: PublicAddress
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly report: Report
  readonly maxLifetimeMs: number | undefined
}

/** How long what an issuer says is used again, in ms. */
const goodMs = 30_000
const badMs = 5_000
/** Tokens remembered to be of no use. */
const mostBad = 10_000

export function introspectedTokens(parts: IntrospectionParts): TokenKind {
  const bad = new LRUCache<TenantKey, number>({ max: mostBad })
  const entryFor = ({ token, issuer, isJwt }: TokenToCheck): IntrospectionSettings | undefined => {
    if (isJwt) return parts.settings.find((entry) => entry.issuer === issuer)
    const named = parts.settings.find(({ prefix }) => prefix !== undefined && token.startsWith(prefix))
    return named ?? parts.settings.find(({ prefix }) => prefix === undefined)
  }
  return {
    takes: (token) => entryFor(token) !== undefined,
    check: async (token) => {
      const entry = entryFor(token)
      if (entry === undefined) return refused('nobody who is trusted here issued it')
      const key = gatewayKey('introspected', entry.issuer, token.mount, token.digest)
      if ((bad.get(key) ?? 0) > parts.clock.mono()) return refused('its issuer does not vouch for it')
      const checked = await check(parts, entry, token)
      if (checked.kind === 'refused') bad.set(key, parts.clock.mono() + badMs)
      return checked
    },
  }
}

async function check(parts: IntrospectionParts, entry: IntrospectionSettings, { token, mount, digest }: TokenToCheck): Promise<Checked> {
  let answer: Readonly<Record<string, unknown>>
  try {
    answer = await asked(parts.fetch, entry, token)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    parts.report.counters.add('identity_introspections', { issuer: entry.issuer, result: 'failed' })
    parts.report.log('warn', 'An issuer cannot be asked about a token', { issuer: entry.issuer, error: why })
    return { kind: 'unavailable', reason: 'its issuer cannot be asked' }
  }
  const checked = judged(parts, entry, answer, mount, digest)
  parts.report.counters.add('identity_introspections', { issuer: entry.issuer, result: checked.kind })
  return checked
}

function judged(
  { address, clock, maxLifetimeMs }: IntrospectionParts,
  entry: IntrospectionSettings,
  answer: Readonly<Record<string, unknown>>,
  mount: string,
  digest: string,
): Checked {
  const { active, iss = entry.issuer, sub = answer.client_id, exp, iat, nbf, token_type: type = 'Bearer' } = answer
  if (active !== true) return refused('its issuer does not vouch for it')
  if (iss !== entry.issuer) return refused('its issuer says that it is of another')
  if (typeof type !== 'string' || !/^(bearer|dpop|access_token)$/i.test(type)) return refused('it is no access token')
  const audiences = [answer.aud].flat()
  if (![address.resource(mount), ...(entry.audience ?? [])].some((one) => audiences.includes(one))) {
    return refused('it was issued for another resource')
  }
  if (typeof exp !== 'number') return refused('its issuer does not say when it ends')
  const numbers = { exp, iat: typeof iat === 'number' ? iat : undefined, nbf: typeof nbf === 'number' ? nbf : undefined }
  const unfit = unfitTimes(numbers, clock.now() / 1_000, maxLifetimeMs)
  if (unfit !== undefined) return refused(unfit)
  const confirmation = confirmationOf(answer.cnf)
  if (confirmation === 'unknown') return refused('it is bound to a key in a way that is not known here')
  const claims = { ...answer, iss: entry.issuer, sub, exp } as never
  const mapped = mapClaims({ claims, settings: entry.claims, method: 'oauth', digest })
  if ('refused' in mapped) return refused(mapped.refused)
  return {
    kind: 'good',
    principal: mapped.principal,
    confirmation,
    mustBeBound: false,
    issuedAtMs: (numbers.iat ?? 0) * 1_000,
    holdsMs: goodMs,
  }
}

/** Rejects where there is no answer that could be judged. */
async function asked(guarded: GuardedFetch, { endpoint, client }: IntrospectionSettings, token: string): Promise<Record<string, unknown>> {
  const answer = await guarded(endpoint, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${formOf(client.id)}:${formOf(client.secret)}`).toString('base64')}`,
    },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
  })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw new Error(`The introspection endpoint answered ${answer.status}`)
  }
  let document: unknown
  try {
    document = await answer.json()
  } catch {
    // What it says instead may hold the token that it was asked about.
    throw new Error('The introspection endpoint answered what is no JSON')
  }
  if (!isObject(document)) throw new Error('The introspection endpoint answered what is no object')
  return document
}

/** As RFC 6749 §2.3.1 wants it before it is joined. */
function formOf(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
