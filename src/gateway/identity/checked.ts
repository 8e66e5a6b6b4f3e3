// What the check of a credential comes to. A value: what a caller sends throws nothing.
import type { Principal } from '../../core/call/principal.ts'
import type { Confirmation } from './confirmation.ts'

export interface Good {
  readonly kind: 'good'
  readonly principal: Principal
  readonly confirmation: Confirmation | undefined
  /** Whether the issuer's tokens have to be bound to a key. */
  readonly mustBeBound: boolean
  /** Milliseconds since the epoch; 0 where nobody says. */
  readonly issuedAtMs: number
  /** How long the verdict may be used again, in ms; the end of the credential ends it sooner. */
  readonly holdsMs: number
}

export type Checked =
  | Good
  /** `reason` completes "the access token …"; it holds nothing of the credential. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing can be said now. */
  | { readonly kind: 'unavailable'; readonly reason: string }

export function refused(reason: string): Checked {
  return { kind: 'refused', reason }
}

/** How long a verdict on a signed token is used again, in ms: so long its revocation may go unnoticed where nobody tells of it. */
export const verdictMs = 60_000
