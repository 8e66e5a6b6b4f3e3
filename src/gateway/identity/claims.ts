// From the claims of a token that was verified to the principal. What is missing grants nothing.
import type { JWTPayload } from 'jose'
import type { CallerMethod, Principal } from '../../core/call/principal.ts'
import { isRunId } from '../../core/call/run.ts'
import { defaultTenant } from '../../core/call/tenant-key.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { ClaimSettings } from './settings.ts'
import { skew } from './times.ts'

/** Characters of a name that an issuer gives. */
const longestName = 512
/** Entries of one list of an issuer. */
const mostEntries = 1_000
/** Parties that act for each other in one token. */
const mostActors = 8

/** A principal, or the reason why the claims make none. */
export type Mapped = { readonly principal: Principal } | { readonly refused: string }

export interface ClaimsOf {
  readonly claims: JWTPayload
  readonly settings: ClaimSettings
  readonly method: CallerMethod
  /** Names the credential where it has no id of its own. */
  readonly digest: string
}

export function mapClaims({ claims, settings, method, digest }: ClaimsOf): Mapped {
  const { iss, sub } = claims
  if (!isName(iss)) return { refused: 'it names no issuer' }
  if (!isName(sub)) return { refused: 'it names no subject' }
  const tenant = settings.tenant === undefined ? defaultTenant : claimAt(claims, settings.tenant)
  if (!isName(tenant)) return { refused: 'it names no tenant' }
  const clientId = firstName(claims.client_id, claims.azp, claims.cid, claims.appid)
  const jti = firstName(claims.jti, claims.uti)
  return {
    principal: {
      tenant,
      iss,
      sub,
      clientId,
      kind: isProgram(claims, clientId) ? 'service' : 'user',
      groups: list(claimAt(claims, settings.groups), false),
      scopes: settings.scopes === undefined ? scopesOf(claims) : list(claimAt(claims, settings.scopes), true),
      credential: jti ?? `sha256:${digest.slice(0, 16)}`,
      actors: actorsOf(claims.act),
      run: named(claims, settings.run, isRunId),
      team: named(claims, settings.team, isName),
      // As long as it is taken: what it begins ends when it is taken no more, and not before.
      expiresAt: claims.exp === undefined ? undefined : (claims.exp + skew) * 1_000,
      method,
    },
  }
}

/** The claim of this name, or at this path with dots. Names may have dots themselves (`kubernetes.io`): the longest that is there is meant. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const name = path.slice(0, end)
    if (!Object.hasOwn(claims, name)) continue
    const found = claims[name]
    if (end === path.length) return found
    return isObject(found) ? claimAt(found, path.slice(end + 1)) : undefined
  }
  return undefined
}

/** Text that can be part of a key: not empty, not long, no control characters. */
export function isName(value: unknown): value is string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return typeof value === 'string' && value !== '' && value.length <= longestName && !/[\x00-\x1f\x7f]/.test(value)
}

/** What the claim of this path says, where there is one and it is fit. */
function named(claims: JWTPayload, path: string | undefined, fits: (value: unknown) => value is string): string | undefined {
  const value = path === undefined ? undefined : claimAt(claims, path)
  return fits(value) ? value : undefined
}

function firstName(...values: readonly unknown[]): string | undefined {
  return values.find(isName)
}

function scopesOf(claims: JWTPayload): readonly string[] {
  return list(claims.scope ?? claims.scp, true)
}

/** A list as issuers write it: an array of text, or one text, which for scopes has several with spaces between (RFC 6749 §3.3). */
function list(value: unknown, spaced: boolean): readonly string[] {
  const all = typeof value === 'string' ? (spaced ? value.split(' ') : [value]) : Array.isArray(value) ? value : []
  return [...new Set(all.slice(0, mostEntries).filter(isName))]
}

/** A token that a program got in its own name, as issuers show it. */
function isProgram(claims: JWTPayload, clientId: string | undefined): boolean {
  return claims.gty === 'client-credentials' || claims.idtyp === 'app' || (clientId !== undefined && claims.sub === clientId)
}

/** The nearest first, as they are nested. */
function actorsOf(act: unknown): readonly string[] {
  const actors: string[] = []
  for (let at = act; isObject(at) && actors.length < mostActors; at = at.act) if (isName(at.sub)) actors.push(at.sub)
  return actors
}
