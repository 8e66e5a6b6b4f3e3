// What a caller has to bring instead, as `WWW-Authenticate` says it (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1): one challenge, with the
// address of the metadata and all scopes that are needed.
import type { PublicAddress } from '../../core/ports/public-address.ts'

export interface ChallengeError {
  readonly error: 'invalid_token' | 'insufficient_scope' | 'invalid_request' | 'invalid_dpop_proof' | 'use_dpop_nonce'
  readonly description?: string | undefined
}

export interface ChallengeParts {
  readonly address: PublicAddress
  /** Whether there is an authorization server at all; without one there are no metadata to name. */
  readonly hasMetadata: boolean
  /** Algorithms of proofs, where some issuer's tokens are bound to keys or have to be. */
  readonly dpop: 'none' | 'optional' | 'required'
  readonly dpopAlgorithms: readonly string[]
}

/** `scopes`: none means that nothing is said of them. */
export function challengeFor(parts: ChallengeParts, mount: string, scopes: readonly string[], wrong?: ChallengeError): string {
  const parameters: string[] = []
  if (wrong !== undefined) parameters.push(quoted('error', wrong.error))
  if (wrong?.description !== undefined) parameters.push(quoted('error_description', wrong.description))
  if (scopes.length > 0) parameters.push(quoted('scope', scopes.join(' ')))
  if (parts.hasMetadata) parameters.push(quoted('resource_metadata', parts.address.metadata(mount)))
  const ofProof = wrong?.error === 'invalid_dpop_proof' || wrong?.error === 'use_dpop_nonce'
  if (parts.dpop === 'required' || ofProof) return `DPoP ${[...parameters, quoted('algs', parts.dpopAlgorithms.join(' '))].join(', ')}`
  return parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`
}

/** The characters that RFC 6750 §3 allows within the quotes. */
function quoted(name: string, value: string): string {
  return `${name}="${value.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')}"`
}
