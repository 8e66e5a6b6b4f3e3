// Addresses that are secrets themselves: who knows one may post to it.

/** A user with a password, something to ask for, or a part of the path that nobody would choose: 16 and more characters with a digit. */
export function holdsToken(address: string): boolean {
  if (!URL.canParse(address)) return true
  const { username, password, search, pathname } = new URL(address)
  return username !== '' || password !== '' || search !== '' || pathname.split('/').some((part) => part.length >= 16 && /\d/.test(part))
}
