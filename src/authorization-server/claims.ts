// Claims of a token by the names that the configuration gives.

/** The claim of exactly that name (which may have dots, as `https://idp.example/groups`), else what the path of names leads to. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined),
      claims,
    )
}

/** A list of texts, or one text with spaces between; whatever else it is gives nothing. Undefined where there is no such claim. */
export function listAt(claims: Readonly<Record<string, unknown>>, path: string): readonly string[] | undefined {
  const found = claimAt(claims, path)
  if (found === undefined) return undefined
  if (typeof found === 'string') return found.split(' ').filter(Boolean)
  return Array.isArray(found) ? found.filter((one): one is string => typeof one === 'string') : []
}
