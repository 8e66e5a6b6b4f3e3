// Takes out of a child's words what was given to it in confidence, before anybody quotes them.

const confidentialName = /key|token|secret|pass|pwd|auth|cred|cookie|session|signature|dsn|private|(^|[_-])pat($|[_-])/i
const masked = '[masked]'

/** A function that masks the secrets among a child's settings (`env`, `args`) in a text, and strips control characters. */
export function masking(env: Readonly<Record<string, string>>, args: readonly string[]): (text: string) => string {
  const secrets = [...new Set([...secretsOfEnv(env), ...secretsOfArgs(args)].flatMap(spellings))].sort((a, b) => b.length - a.length)
  return (text) => {
    let out = plain(text)
    for (const secret of secrets) out = out.replaceAll(secret, masked)
    return out.replace(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${masked}`)
  }
}

function* secretsOfEnv(env: Readonly<Record<string, string>>): Generator<string> {
  for (const [name, value] of Object.entries(env)) {
    if (confidentialName.test(name) || looksLikeToken(value)) yield value
    yield* passwordsIn(value)
  }
}

function* secretsOfArgs(args: readonly string[]): Generator<string> {
  for (const [index, argument] of args.entries()) {
    const equals = argument.startsWith('-') ? argument.indexOf('=') : -1
    const name = equals < 0 ? argument : argument.slice(0, equals)
    if (argument.startsWith('-') && confidentialName.test(name)) {
      const value = equals < 0 ? args[index + 1] : argument.slice(equals + 1)
      if (value !== undefined && (equals >= 0 || !value.startsWith('-'))) yield value
    }
    if (looksLikeToken(argument)) yield argument
    yield* passwordsIn(argument)
  }
}

/** Passwords of URLs such as `postgres://user:password@host/`. */
function* passwordsIn(value: string): Generator<string> {
  for (const found of value.matchAll(/\/\/[^/\s:@]*:([^/\s@]+)@/g)) if (found[1] !== undefined) yield found[1]
}

function looksLikeToken(value: string): boolean {
  return /^[A-Za-z0-9_+=-][A-Za-z0-9_.+/=-]{19,}$/.test(value) && /\d/.test(value) && /[A-Za-z]/.test(value)
}

/** A secret as it may be printed: whole, line by line, in JSON, in a URL. Very short ones would mask ordinary words. */
function spellings(secret: string): string[] {
  const forms = [secret, ...secret.split(/\r?\n/), JSON.stringify(secret).slice(1, -1), encodeSafely(secret)]
  return forms.map((form) => form.trim()).filter((form) => form.length >= 4)
}

/** A lone surrogate cannot be encoded, nor can it be in an environment. */
function encodeSafely(secret: string): string {
  return encodeURIComponent(secret.replace(/\p{Surrogate}/gu, ''))
}

/** Without terminal sequences and control characters, which could forge lines in a log. */
function plain(text: string): string {
  let out = ''
  for (const character of text.replace(ansi, '')) {
    const code = character.codePointAt(0) ?? 0
    if (code >= 0x20 ? code < 0x7f || code > 0x9f : code === 0x0a || code === 0x09) out += character
  }
  return out
}

const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[ -/]*[@-~]`, 'g')
