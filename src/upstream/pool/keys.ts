// The keys of connections in the pool: who may use one.
import { anonymous, type Principal, principalKey } from '../../core/call/principal.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'

/** The same credential for a request whose refusal is not held against it: the one that raised the doubt is. */
export function unjudged(lease: CredentialLease): CredentialLease {
  return { id: lease.id, headers: () => lease.headers(), reject: () => false }
}

/** Whom a connection serves, with what credential, and at which endpoint where that is not left open; the tenant comes first. */
export function keyOf(principal: Principal, session: string | undefined, credential: string, endpoint = ''): string {
  return `${principalKey(principal)}\u0000${session ?? ''}\u0000${credential}\u0000${endpoint}`
}

/** Stands for the credential of the gateway itself; no id holds it. */
export const homeMark = '\u0000'
export const homeKey = keyOf(anonymous, undefined, homeMark)
/** Ends the key of a connection that is made for those who can be asked more than the server was told on the first. */
export const fullMark = '\u0000full'

export function overflowKey(key: string, overflow: number): string {
  return overflow === 0 ? key : `${key}\u0000${overflow}`
}
