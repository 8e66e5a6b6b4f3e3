// What a note may take over of what was found. It stands in the gateway's name, outside of what is marked as content of others: a server that
// chooses the names and values of its results must not choose the words of it.

/** Names, as programs have them; words with spaces between them are none. */
const placed = /^((?:\/[\p{L}\p{N}_$.:@*-]{0,40}){0,16}): expected (.{1,260}?), got (.*)$/su
const between = ': expected '
const typed =
  /^(?:(?:string|array|object) of \d{1,12} \w{1,12}|string|number|integer|boolean|array|object|null|nothing|true|false|-?\d{1,20})$/
const pathed = /^rows at \$(?:\.[\p{L}\p{N}_$-]{1,40}){0,4}$/u

/** Of a violation: where it is, what the schema has there, and the type of what came. `''`: it can only be told to programs. */
export function violationInOwnWords(seen: string): string {
  // A name may be made to look like the rest.
  if (seen.indexOf(between) !== seen.lastIndexOf(between)) return ''
  const found = placed.exec(seen.startsWith('the result: ') ? seen.slice('the result'.length) : seen)
  if (found === null) return ''
  const [, path = '', expected, got = ''] = found
  return `${path === '' ? 'the result' : path}: expected ${expected}, got ${typed.test(got) ? got : 'another value'}`
}

/** Of where rows used to be. */
export function rowsInOwnWords(usual: string): string {
  return usual.startsWith('rows at ') && !pathed.test(usual) ? 'rows at another place' : usual
}
