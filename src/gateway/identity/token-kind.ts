// One way in which access tokens are checked. The first kind that takes a token decides about it: what it refuses, no other is asked.
import type { Checked } from './checked.ts'

export interface TokenToCheck {
  readonly token: string
  /** SHA-256 in base64url. */
  readonly digest: string
  /** '' for the aggregate. */
  readonly mount: string
  /** What it says of its issuer, where it is a JWT; nothing was verified. */
  readonly issuer: string | undefined
  readonly isJwt: boolean
}

export interface TokenKind {
  takes(token: TokenToCheck): boolean
  /** Never rejects. */
  check(token: TokenToCheck): Promise<Checked>
}
