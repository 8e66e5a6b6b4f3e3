// Signs what is said of a chain of the audit, so that whoever can write the store cannot say it anew.
export interface AuditSigner {
  /** Tells keys apart: 16 hex digits of the SHA-256 of the public key. */
  readonly id: string
  /** Ed25519, base64url. */
  sign(text: string): string
}
