// The key that a token is bound to (`cnf`, RFC 7800): a proof of it has to come with each request.
import { isObject } from '../../core/protocol/is-object.ts'

export interface Confirmation {
  /** Thumbprint of the key of its proofs (RFC 9449 §6). */
  readonly jkt: string | undefined
  /** SHA-256 of its certificate in base64url (RFC 8705 §3). */
  readonly certificate: string | undefined
}

/** `unknown` where it is bound in a way that cannot be checked here. */
export function confirmationOf(cnf: unknown): Confirmation | undefined | 'unknown' {
  if (cnf === undefined) return undefined
  if (!isObject(cnf)) return 'unknown'
  const { jkt, 'x5t#S256': certificate, ...others } = cnf
  const known = [jkt, certificate].every((one) => one === undefined || typeof one === 'string')
  if (!known || Object.keys(others).length > 0 || (jkt === undefined && certificate === undefined)) return 'unknown'
  return { jkt: jkt as string | undefined, certificate: certificate as string | undefined }
}
