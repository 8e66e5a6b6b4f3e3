// What a protected server says in `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1): which metadata, which scopes, and why.

export interface BearerChallenge {
  readonly scheme: 'bearer' | 'dpop'
  readonly resourceMetadata: string | undefined
  readonly scope: string | undefined
  readonly error: string | undefined
}

/** The first challenge of a scheme that we know; undefined where there is none. Longer values than any sound one are not read. */
export function bearerChallenge(header: string | null | undefined): BearerChallenge | undefined {
  if (header === null || header === undefined || header.length > 8_192) return undefined
  const found = /(?:^|[\s,])(bearer|dpop)(?=[\s,]|$)(.*)/is.exec(header)
  if (found === null) return undefined
  const params = paramsOf(found[2] ?? '')
  return {
    scheme: (found[1] ?? '').toLowerCase() as 'bearer' | 'dpop',
    resourceMetadata: params.get('resource_metadata'),
    scope: params.get('scope'),
    error: params.get('error'),
  }
}

/** Up to the next scheme, which is a word that no `=` follows. */
function paramsOf(text: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>()
  const one = /[\s,]*([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/giy
  for (let match = one.exec(text); match !== null; match = one.exec(text)) {
    const name = (match[1] ?? '').toLowerCase()
    if (!params.has(name)) params.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '')
  }
  return params
}

/** Scopes of a space-separated list (RFC 6749 §3.3); undefined where there are none. */
export function scopesIn(text: string | undefined): readonly string[] | undefined {
  const scopes = text?.split(' ').filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(scope))
  return scopes === undefined || scopes.length === 0 ? undefined : scopes
}

/** The scopes for want of which a request was refused (RFC 6750 §3.1), none where they are not named; undefined where it was for something else. */
export function lackedScopes(challenge: string | undefined): readonly string[] | undefined {
  const found = challenge === undefined ? undefined : bearerChallenge(challenge)
  return found?.error === 'insufficient_scope' ? (scopesIn(found.scope)?.slice(0, mostLacked) ?? []) : undefined
}

/** More are no list that a person could be asked for. */
const mostLacked = 32
