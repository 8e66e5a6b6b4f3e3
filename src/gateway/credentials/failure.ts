// Why a credential could not be had. Thrown inside this room alone; it leaves it as a fault. The message holds nothing that a peer wrote but
// the code of an OAuth error.

/**
 * `unavailable`: nobody said no, a later attempt may fare better. `refused`: the issuer, or a check of ours, says no, and an operator has to
 * look. `consent`: the user has to give a grant (again).
 */
export type FailureKind = 'unavailable' | 'refused' | 'consent'

export class CredentialFailure extends Error {
  override readonly name = 'CredentialFailure'
  readonly kind: FailureKind

  constructor(kind: FailureKind, reason: string) {
    super(reason)
    this.kind = kind
  }
}

/** What went wrong on the way is nobody's saying, least of all in its own words: those of a peer may hold a token. */
export function asFailure(error: unknown, doing: string): CredentialFailure {
  if (error instanceof CredentialFailure) return error
  const name = error instanceof Error ? error.name : typeof error
  const code = codeOf(error)
  return new CredentialFailure('unavailable', `${doing} failed (${code ?? name})`)
}

/** Codes are a vocabulary (RFC 6749 §5.2, Node.js, openid-client), and words of no other form are taken for one. */
function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const { code } = at as Error & { readonly code?: unknown }
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code
  }
  return undefined
}
