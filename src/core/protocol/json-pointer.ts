// JSON Pointers (RFC 6901).

/** The path as a pointer: '' for the whole document. */
export function pointer(path: readonly (string | number)[]): string {
  return path.map((part) => `/${escapeToken(String(part))}`).join('')
}

/** The keys of a pointer, those of arrays as text. */
export function readPointer(text: string): readonly string[] {
  return text === '' ? [] : text.slice(1).split('/').map(unescapeToken)
}

export function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

export function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}
