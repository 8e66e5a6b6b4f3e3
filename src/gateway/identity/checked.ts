// What the check of a credential comes to. A value: what a caller sends throws nothing.
import type { Principal } from '../../core/call/principal.ts'

/** The key that a token is bound to (`cnf`, RFC 7800): a proof of it has to come with each request. */
export interface Confirmation {
  /** Thumbprint of the key of its proofs (RFC 9449 §6). */
  readonly jkt: string | undefined
  /** SHA-256 of its certificate in base64url (RFC 8705 §3). */
  readonly certificate: string | undefined
}

export type Checked =
  | {
      readonly kind: 'good'
      readonly principal: Principal
      readonly confirmation: Confirmation | undefined
      /** Whether the issuer's tokens have to be bound to a key. */
      readonly mustBeBound: boolean
      /** How long the verdict may be used again, in ms; the end of the credential ends it sooner. */
      readonly holdsMs: number
    }
  /** `reason` completes "the access token …"; it holds nothing of the credential. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing can be said now. */
  | { readonly kind: 'unavailable'; readonly reason: string }

export function refused(reason: string): Checked {
  return { kind: 'refused', reason }
}

/** How long a verdict on a signed token is used again, in ms: so long its revocation may go unnoticed where nobody tells of it. */
export const verdictMs = 60_000
