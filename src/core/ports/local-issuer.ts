// The gateway's own authorization server as the check of callers sees it: an issuer whose keys need not be fetched.

export interface LocalIssuer {
  /** As it stands in `iss` of its tokens. Asked each time, since in the dev profile the address is known once the door is open. */
  issuer(): string
  /** Public keys as a JSON Web Key Set (RFC 7517 §5). Rejects where the store cannot be read. */
  keySet(): Promise<{ readonly keys: readonly Readonly<Record<string, unknown>>[] }>
}
