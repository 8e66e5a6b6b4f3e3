// What the commands about contracts compare, as people write it: a lock file or a list of tools, a live address, a program, a package, or a
// server of the configuration.
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

export type Source =
  /** A lock file, or the result of a `tools/list`; its content tells. */
  | { readonly kind: 'file'; readonly path: string; readonly label: string }
  /** Of any MCP server; `unix:PATH` is a gateway's socket. */
  | { readonly kind: 'address'; readonly url: string; readonly label: string }
  | { readonly kind: 'program'; readonly command: string; readonly args: readonly string[]; readonly label: string }
  | { readonly kind: 'package'; readonly name: string; readonly version: string; readonly args: readonly string[]; readonly label: string }
  /** Of the configuration; without a name all that it has. */
  | { readonly kind: 'configured'; readonly name: string | undefined; readonly label: string }

export const sourceForms =
  'a lock file or a file with a tools/list result, http(s)://…, npm:name@version, stdio:program arguments…, or a server of the configuration'

/** A sentence where the text is none of them. */
export function readSource(text: string, cwd: string): Source | string {
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? { kind: 'address', url: text, label: bare(text) } : `${text} is no address`
  if (text.startsWith('unix:')) return { kind: 'address', url: text, label: text }
  if (text.startsWith('npm:')) return packageOf(text)
  if (text.startsWith('stdio:')) return programOf(text)
  const path = resolve(cwd, text)
  if (existsSync(path)) return statSync(path).isFile() ? { kind: 'file', path, label: text } : `${text} is no file`
  if (/^[a-z0-9-]{1,24}$/.test(text)) return { kind: 'configured', name: text, label: text }
  return `${text} is not there. Give ${sourceForms}.`
}

/** Without user, password and query: they may hold a credential. */
function bare(text: string): string {
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`
}

/** No protocol, path or option of npm gets in here. */
const packageForm = /^((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*)(?:@([a-z0-9^~<>=*|][a-z0-9.^~<>=*|+-]*))?$/i

function packageOf(text: string): Source | string {
  const all = words(text.slice('npm:'.length))
  if (typeof all === 'string') return all
  const [spec = '', ...args] = all
  const found = packageForm.exec(spec)
  if (found === null) return `${text} names no package: write npm:name@version, and arguments of its program behind it`
  return { kind: 'package', name: found[1] as string, version: found[2] ?? 'latest', args, label: `npm:${spec}` }
}

function programOf(text: string): Source | string {
  const all = words(text.slice('stdio:'.length))
  if (typeof all === 'string') return all
  const [command, ...args] = all
  return command === undefined
    ? 'stdio: needs a program behind it: stdio:node server.mjs'
    : { kind: 'program', command, args, label: `stdio:${command}` }
}

/** As a shell splits them, quotes and backslashes understood, nothing else. */
export function words(text: string): string[] | string {
  const found: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at] as string
    if (quote !== '') {
      if (c === quote) quote = ''
      else if (c === '\\' && quote === '"' && /["\\$`]/.test(text[at + 1] ?? '')) {
        at += 1
        word += text[at] as string
      } else word += c
    } else if (c === '"' || c === "'") {
      quote = c
      word ??= ''
    } else if (c === '\\' && at + 1 < text.length) {
      at += 1
      word = (word ?? '') + (text[at] as string)
    } else if (/\s/.test(c)) {
      if (word !== undefined) found.push(word)
      word = undefined
    } else word = (word ?? '') + c
  }
  if (quote !== '') return `a ${quote} is not closed in: ${text}`
  if (word !== undefined) found.push(word)
  return found
}

/** The name under which the tools of a source stand where it has none of its own. */
export function serverNameOf(source: Source): string {
  const last = (text: string): string =>
    text
      .split('/')
      .filter((part) => part !== '')
      .at(-1) ?? ''
  const raw = {
    file: () => last((source as { path: string }).path).replace(/\.[^.]*$/, ''),
    address: () => new URL((source as { url: string }).url).hostname || 'socket',
    program: () => last((source as { command: string }).command),
    package: () => last((source as { name: string }).name),
    configured: () => (source as { name: string | undefined }).name ?? 'server',
  }[source.kind]()
  const fit = raw
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24)
    .replace(/^-+|-+$/g, '')
  return fit === '' ? 'server' : fit
}
