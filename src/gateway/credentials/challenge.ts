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
