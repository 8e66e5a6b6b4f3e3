// A refusal for want of scopes, in the words of whoever lends the credential: it knows whose it is, and what its user can do.
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'

/** Undefined where nobody knows better than the fault itself. */
export function explained(found: Fault, lease: CredentialLease | undefined): Promise<Fault> | undefined {
  const { scopes } = found.detail
  return Array.isArray(scopes) ? lease?.lacks?.(scopes, found) : undefined
}
