// Text of strangers on its way to a terminal. What could drive the terminal or turn the order of what is read (C0 and C1 controls, ESC
// among them, and the bidirectional controls of Unicode) is written as an escape, so that it does nothing and can be seen.

/** C0 but tab and line feed, DEL, C1; marks, embeddings, overrides and isolates of direction; line and paragraph separator. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what it is about.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const allUnsafe = new RegExp(unsafe, 'g')

/** Several lines of text; ends of lines become line feeds. */
export function forTerminal(text: string): string {
  return unsafe.test(text) ? text.replaceAll('\r\n', '\n').replace(allUnsafe, escaped) : text
}

/** As `forTerminal`, on one line. */
export function onOneLine(text: string): string {
  const safe = forTerminal(text)
  return safe.includes('\n') ? safe.replaceAll('\n', '\\n') : safe
}

/** JSON text: the same value, in escapes that any parser reads. */
export function jsonForTerminal(json: string): string {
  // Between strings JSON may hold carriage returns; in strings it holds no C0 at all.
  return unsafe.test(json) ? json.replace(allUnsafe, (char) => (char === '\r' ? char : escaped(char))) : json
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
