// Who asks, and the one way to tell two of them apart: the key of whatever belongs to somebody is made of `principalKey`, so that it begins
// with the tenant.
import { defaultTenant, type TenantKey, tenantKey } from './tenant-key.ts'

/** What kind of thing acts: a person, a program in its own name, a program that holds one of our keys, or nobody in particular. */
export type PrincipalKind = 'user' | 'service' | 'key' | 'anonymous'

/** The caller method that vouched for it (`auth.callers`). */
export type CallerMethod = 'oauth' | 'platform' | 'trustedHeader' | 'apiKey' | 'anonymous'

export interface Principal {
  /** Principals of two tenants share nothing, whatever else of them is equal. */
  readonly tenant: string
  readonly iss: string
  /** Unique within its issuer; never a display name or an address. */
  readonly sub: string
  /** The OAuth client that the credential was issued to; not the MCP client's name of itself. */
  readonly clientId: string | undefined
  readonly kind: PrincipalKind
  readonly groups: readonly string[]
  readonly scopes: readonly string[]
  /** What names the credential in records and the audit, and never its value: the id of a token or key; '' where there is none. */
  readonly credential: string
  /** Who acts for the subject, the nearest first (`act`, RFC 8693 §4.1). */
  readonly actors: readonly string[]
  /** The run that the credential was issued for, and the team whose cost its calls are; undefined where it names none. */
  readonly run: string | undefined
  readonly team: string | undefined
  /** Milliseconds since the epoch from which the credential is worth nothing; undefined where it has no end. */
  readonly expiresAt: number | undefined
  readonly method: CallerMethod
}

/** Exists on loopback only. */
export const anonymous: Principal = {
  tenant: defaultTenant,
  iss: 'signalbox',
  sub: 'anonymous',
  clientId: undefined,
  kind: 'anonymous',
  groups: [],
  scopes: [],
  credential: '',
  actors: [],
  run: undefined,
  team: undefined,
  expiresAt: undefined,
  method: 'anonymous',
}

const keys = new WeakMap<Principal, TenantKey>()

/** The same for the same tenant, issuer and subject, and for nobody else. Made once a principal, since every call asks for it. */
export function principalKey(principal: Principal): TenantKey {
  let key = keys.get(principal)
  if (key === undefined) {
    key = tenantKey(principal.tenant, principal.iss, principal.sub)
    keys.set(principal, key)
  }
  return key
}

/** Groups, scopes and expiry of two credentials of one principal may differ. */
export function samePrincipal(a: Principal, b: Principal): boolean {
  return a === b || principalKey(a) === principalKey(b)
}

/** Whether two credentials of one principal give it the same: how long they hold is no part of it. */
export function sameRights(a: Principal, b: Principal): boolean {
  return a === b || rightsOf(a) === rightsOf(b)
}

function rightsOf({ clientId, kind, method, groups, scopes }: Principal): string {
  return JSON.stringify([clientId, kind, method, groups, scopes])
}
