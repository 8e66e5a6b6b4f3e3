// A credential on loan for one connection or request towards an upstream.

export interface CredentialLease {
  /** Identity of the credential for connection keys, records and audits; never the value. '' where the upstream needs none. */
  readonly id: string
  /** Headers that carry it; empty for stdio. */
  headers(): Readonly<Record<string, string>>
}

export const noCredential: CredentialLease = { id: '', headers: () => ({}) }
