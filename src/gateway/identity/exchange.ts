// A workload's own token for a platform token (RFC 7523 §2.1): of a Kubernetes service account, a SPIFFE identity, or any issuer that the
// configuration names. The workload gets what its issuer may give, for one address, and never for longer than its own token lives.
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import { type Issuers, type KeySet, KeysAway } from '../../core/ports/issuers.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { Report } from '../../core/ports/report.ts'
import { mapClaims } from './claims.ts'
import type { PlatformIssuer } from './platform.ts'
import type { ExchangeSettings } from './settings.ts'
import { skew } from './times.ts'
import { digestOf } from './verified-cache.ts'

export interface ExchangeParts {
  readonly settings: readonly ExchangeSettings[]
  readonly ttlMs: number
  readonly issuer: PlatformIssuer
  readonly address: PublicAddress
  readonly mounts: () => readonly string[]
  readonly issuers: Issuers
  readonly clock: Clock
  readonly report: Report
  readonly decisions: Decisions
}

export type Exchanged =
  | { readonly token: string; readonly expiresInS: number; readonly scopes: readonly string[] }
  /** An error of RFC 6749 §5.2, RFC 8707 §2. */
  | { readonly error: 'invalid_grant' | 'invalid_scope' | 'invalid_target' | 'temporarily_unavailable'; readonly description: string }

export interface ExchangeRequest {
  readonly assertion: string
  /** Separated by spaces. */
  readonly scope: string | undefined
  readonly resource: readonly string[]
}

/** Never rejects. */
export type Exchange = (request: ExchangeRequest) => Promise<Exchanged>

const longestAssertion = 8_192

interface Trusted extends ExchangeSettings {
  readonly keys: KeySet
}

export function createExchange(parts: ExchangeParts): Exchange {
  const trusted: readonly Trusted[] = parts.settings.map((entry) => ({
    ...entry,
    keys: parts.issuers.keys(entry.issuer, entry.jwksUri),
  }))
  return async (request) => {
    const mount = mountOf(parts, request.resource)
    if (mount === undefined) return { error: 'invalid_target', description: 'The resource is none of this gateway' }
    const entry = trusted.find((one) => isOf(request.assertion, one))
    if (entry === undefined) return refusedFor(parts, undefined, 'invalid_grant', 'Nobody who is trusted here issued the assertion')
    const known = await verified(parts, entry, request.assertion)
    if ('error' in known) return refusedFor(parts, undefined, known.error, known.description)
    const { principal } = known
    const scopes = scopesFor(entry, request.scope)
    if (scopes === undefined) return refusedFor(parts, principal, 'invalid_scope', 'The issuer of the assertion may not give such a scope')
    try {
      const minted = await parts.issuer.mint({
        subject: subjectOf(entry, principal),
        mount,
        tenant: principal.tenant,
        scopes,
        groups: principal.groups,
        run: principal.run,
        team: principal.team,
        ttlMs: Math.min(parts.ttlMs, (principal.expiresAt ?? 0) - skew * 1_000 - parts.clock.now()),
      })
      note(parts, { ...principal, credential: minted.id }, undefined)
      return { token: minted.token, expiresInS: Math.max(0, Math.floor((minted.expiresAt - parts.clock.now()) / 1_000)), scopes }
    } catch (error) {
      parts.report.log('error', 'A platform token cannot be signed', { error: error instanceof Error ? error.message : String(error) })
      return { error: 'temporarily_unavailable', description: 'Tokens cannot be signed now' }
    }
  }
}

type Verified =
  | { readonly principal: Principal }
  | { readonly error: 'invalid_grant' | 'temporarily_unavailable'; readonly description: string }

async function verified(parts: ExchangeParts, entry: Trusted, assertion: string): Promise<Verified> {
  let claims: JWTPayload
  try {
    const { payload } = await entry.keys.verify(assertion, {
      algorithms: [...entry.algorithms],
      ...(isDomain(entry) ? {} : { issuer: entry.issuer }),
      audience: [parts.issuer.issuer(), parts.issuer.tokenEndpoint(), ...(entry.audience ?? [])],
      clockTolerance: skew,
      currentDate: new Date(parts.clock.now()),
      requiredClaims: ['exp', 'sub'],
    })
    claims = payload
  } catch (error) {
    if (error instanceof KeysAway) return { error: 'temporarily_unavailable', description: 'The keys of the issuer cannot be had' }
    return { error: 'invalid_grant', description: 'The assertion is not good: signature, audience or lifetime' }
  }
  const mapped = mapClaims({
    claims: { ...claims, iss: entry.issuer },
    settings: entry.claims,
    method: 'platform',
    digest: digestOf(assertion),
  })
  return 'refused' in mapped ? { error: 'invalid_grant', description: `The assertion is not good: ${mapped.refused}` } : mapped
}

/** By what the assertion says of itself; nothing is verified yet. Other kinds of token, such as ID-JAGs, are none of a workload. */
function isOf(assertion: string, entry: ExchangeSettings): boolean {
  if (assertion.length > longestAssertion) return false
  try {
    const { typ } = decodeProtectedHeader(assertion)
    if (typ !== undefined && !/^(jwt|jose)$/i.test(typ)) return false
    const { iss, sub } = decodeJwt(assertion)
    return isDomain(entry) ? sub?.startsWith(`${entry.issuer}/`) === true : iss === entry.issuer
  } catch {
    return false
  }
}

/** A SPIFFE trust domain, whose members are known by their own names. */
function isDomain({ issuer }: ExchangeSettings): boolean {
  return issuer.startsWith('spiffe://')
}

/** Two issuers may use one name for two workloads. */
function subjectOf(entry: ExchangeSettings, { sub }: Principal): string {
  return isDomain(entry) ? sub : `${entry.issuer}|${sub}`
}

function scopesFor({ scopes }: ExchangeSettings, asked: string | undefined): readonly string[] | undefined {
  if (asked === undefined || asked === '') return scopes
  const wanted = [...new Set(asked.split(' ').filter((one) => one !== ''))]
  return wanted.every((one) => scopes.includes(one)) ? wanted : undefined
}

/** Of the one resource that is asked for; the aggregate where none is. */
function mountOf({ address, mounts }: ExchangeParts, resource: readonly string[]): string | undefined {
  if (resource.length > 1) return undefined
  const [wanted] = resource
  if (wanted === undefined) return ''
  return ['', ...mounts()].find((mount) => address.resource(mount) === wanted)
}

function refusedFor(
  parts: ExchangeParts,
  principal: Principal | undefined,
  error: 'invalid_grant' | 'invalid_scope' | 'temporarily_unavailable',
  description: string,
): Exchanged {
  note(parts, principal, description)
  return { error, description }
}

/** `refused`: why; undefined where it was granted. */
function note({ decisions, clock }: ExchangeParts, principal: Principal | undefined, refused: string | undefined): void {
  decisions.note({
    id: '',
    atMs: clock.now(),
    about: 'token',
    allowed: refused === undefined,
    principal,
    method: undefined,
    upstream: undefined,
    item: undefined,
    rule: 'auth.platform.exchange',
    credential: principal?.credential ?? '',
    reason: refused,
  })
}
