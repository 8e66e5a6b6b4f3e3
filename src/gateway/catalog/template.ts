// Matches a URI against an RFC 6570 template without regular expressions: a set of states walks the URI once, so the time is bounded by
// length of URI × length of template whatever either contains.

/** Longest template and URI that are matched, in characters. */
const longestTemplate = 1_024
const longestUri = 8_192

/** A compiled template; `prefix` is the literal text before its first expression. */
export interface Template {
  readonly prefix: string
  matches(uri: string): boolean
}

/** One step: a character that must stand there, or a run (possibly empty) of characters that may. */
type Token = number | Run

interface Run {
  readonly allows: (code: number) => boolean
  /** Where the run may be left out together with the literal before it, as `{?x}` may. */
  readonly lead: number | undefined
}

const slash = 0x2f
const question = 0x3f
const hash = 0x23

const anything = (): boolean => true
const segment = (code: number): boolean => code !== slash
const path = (code: number): boolean => code !== question && code !== hash
const query = (code: number): boolean => code !== hash

/** The template, or a sentence on why it is none. */
export function parseTemplate(text: string): Template | string {
  if (text.length > longestTemplate) return `longer than ${longestTemplate} characters`
  const tokens: Token[] = []
  let prefix: string | undefined
  let at = 0
  while (at < text.length) {
    const char = text[at]
    if (char === '}') return `a closing brace without an opening one at ${at}`
    if (char !== '{') {
      tokens.push(text.charCodeAt(at))
      at += 1
      continue
    }
    const end = text.indexOf('}', at)
    if (end < 0) return `an opening brace without a closing one at ${at}`
    const run = expression(text.slice(at + 1, end))
    if (typeof run === 'string') return run
    prefix ??= text.slice(0, at)
    tokens.push(run)
    at = end + 1
  }
  const literal = prefix ?? text
  return { prefix: literal, matches: (uri) => uri.length <= longestUri && uri.startsWith(literal) && accepts(tokens, uri) }
}

function expression(body: string): Run | string {
  const operator = /^[+#./;?&]/.exec(body)?.[0] ?? ''
  const variables = body.slice(operator.length)
  if (!/^[A-Za-z0-9_.%-]+(?:\*|:\d{1,4})?(?:,[A-Za-z0-9_.%-]+(?:\*|:\d{1,4})?)*$/.test(variables)) return `the expression {${body}} is none`
  switch (operator) {
    case '+':
      return { allows: anything, lead: undefined }
    case '#':
      return { allows: anything, lead: hash }
    case '/':
      return { allows: path, lead: slash }
    case '?':
      return { allows: query, lead: question }
    case '&':
      return { allows: query, lead: 0x26 }
    case ';':
      return { allows: segment, lead: 0x3b }
    case '.':
      return { allows: segment, lead: 0x2e }
    default:
      // `{path*}` is used by servers for whatever follows, slashes included.
      return { allows: variables.includes('*') ? anything : segment, lead: undefined }
  }
}

/** Follows all readings at once. State i: tokens before i are matched; state i + n + 1: inside the run of token i. */
function accepts(tokens: readonly Token[], uri: string): boolean {
  const inside = tokens.length + 1
  let now = new Set<number>()
  enter(tokens, 0, now)
  for (let at = 0; at < uri.length && now.size > 0; at += 1) {
    const code = uri.charCodeAt(at)
    const next = new Set<number>()
    for (const state of now) step(tokens, state, code, inside, next)
    now = next
  }
  return now.has(tokens.length)
}

/** Adds a state and those that are reached from it without a character. */
function enter(tokens: readonly Token[], state: number, into: Set<number>): void {
  for (let at = state; !into.has(at); at += 1) {
    into.add(at)
    const token = tokens[at]
    if (token === undefined || typeof token === 'number') return
    // A run may be empty; with a lead it may be left out altogether.
  }
}

function step(tokens: readonly Token[], state: number, code: number, inside: number, into: Set<number>): void {
  const running = state >= inside
  const at = running ? state - inside : state
  const token = tokens[at]
  if (token === undefined) return
  if (typeof token === 'number') {
    if (token === code) enter(tokens, at + 1, into)
    return
  }
  const fits = running || token.lead === undefined ? token.allows(code) : code === token.lead
  if (!fits) return
  into.add(at + inside)
  enter(tokens, at + 1, into)
}
