// Which keys of the configuration hold secrets, by their names.

/** Names of keys, headers and variables whose values are secrets. */
const secretName = /(authorization|cookie|token|secret|passw|credential|pepper|private|assertion|api[-_]?key|(^|[-_.])key)s?$/i

/** Keys with such a name that hold none: an address, a folder, or what everybody may know. */
const noSecret = /^(publicUrl|jwksUri|endpoint|issuer|kid|tokenEndpoint)$/

/** `path`: names and places from the top. */
export function isSecretSetting(path: readonly (string | number)[]): boolean {
  const named = path.findLast((part) => typeof part === 'string')
  // Who knows the address of an incoming webhook of Slack may post to it.
  if (path[0] === 'alerts' && path[1] === 'slack') return true
  return path[0] === 'vault' || (named !== undefined && secretName.test(String(named)) && !noSecret.test(String(named)))
}
