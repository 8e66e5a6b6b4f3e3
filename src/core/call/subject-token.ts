// The token that a caller presented, for the one use that it has after it was verified: as the subject of a token exchange with a configured
// issuer (RFC 8693, ID-JAG). Kept beside the principal and not in it, so that nothing which logs, stores or sends a principal can show it.
import type { Principal } from './principal.ts'

export interface SubjectToken {
  readonly value: string
  /** `urn:ietf:params:oauth:token-type:…` (RFC 8693 §3). */
  readonly type: string
}

const tokens = new WeakMap<Principal, SubjectToken>()

export function keepSubjectToken(principal: Principal, token: SubjectToken): void {
  tokens.set(principal, token)
}

/** Undefined where the caller presented none, or the principal was read from a store. */
export function subjectTokenOf(principal: Principal): SubjectToken | undefined {
  return tokens.get(principal)
}
