// What the headers of a gateway in front come to.
import type { Principal } from '../../core/call/principal.ts'

export type Trusted =
  | { readonly principal: Principal }
  /** The gateway in front is the one, and what it says cannot be. */
  | { readonly malformed: string }
  | { readonly refused: string }
  | { readonly unavailable: string }
  /** Nothing that counts. */
  | undefined
