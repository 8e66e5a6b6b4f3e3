// Fills in `${kind:name}` references inside string values of a parsed file: `${env:NAME}`, `${env:NAME:-default}`, `${file:path}` and
// `${dir:name}`. What they yield is never logged; values of `env` and `file` are collected, so that logs can be redacted.
import { readFileSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { nearest } from '../../core/text/nearest.ts'
import type { Path } from './problem.ts'

export interface ReferenceOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What `${dir:name}` yields. */
  readonly dirs: Readonly<Record<string, string>>
  /** Folder that relative `${file:…}` paths start from. */
  readonly baseDir: string
  /** Refuse secret files that other users of the machine can read. */
  readonly privateFiles: boolean
  /** False where a value is known to be no secret (a folder, a program). Default: everything is. */
  readonly secretAt?: (path: Path) => boolean
}

/** A reference that could not be filled in. */
export interface Unresolved {
  readonly path: Path
  readonly what: string
  readonly mend: string
  /** True where the outside lacks something (a variable, a file); false where the reference itself is malformed. */
  readonly missing: boolean
}

export interface Filled {
  readonly value: unknown
  readonly unresolved: readonly Unresolved[]
  readonly secrets: readonly string[]
  /** Files that references named, whether they could be read or not, by absolute path. */
  readonly files: readonly string[]
}

/** Stands where a reference could not be filled in, so that the rest of the value can still be checked. */
const standIn = 'unresolved'

/** Secret files are read whole; larger ones are no secrets. */
const largestSecret = 65_536

/** Shorter ones would take half of every log line with them. */
const shortestSecret = 4

export function fillReferences(value: unknown, options: ReferenceOptions): Filled {
  const unresolved: Unresolved[] = []
  const secrets = new Set<string>()
  const files = new Set<string>()
  const walk = (node: unknown, path: Path): unknown => {
    if (typeof node === 'string') return fillText(node, path)
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]))
    if (typeof node !== 'object' || node === null) return node
    const out: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(node)) {
      Object.defineProperty(out, key, { value: walk(item, [...path, key]), enumerable: true, writable: true, configurable: true })
    }
    return out
  }
  const fillText = (text: string, path: Path): string =>
    text.replace(pattern, (whole, escaped: string | undefined, body: string | undefined) => {
      if (escaped !== undefined) return `\${`
      const found = lookUp(body ?? '', whole, options)
      if (body?.startsWith('file:') === true) files.add(resolve(options.baseDir, body.slice('file:'.length)))
      if ('what' in found) {
        unresolved.push({ path, ...found })
        return standIn
      }
      if (found.secret && found.text.length >= shortestSecret && (options.secretAt?.(path) ?? true)) secrets.add(found.text)
      return found.text
    })
  return { value: walk(value, []), unresolved, secrets: [...secrets], files: [...files] }
}

/** `$${` is a literal `${`; else everything up to the closing brace. */
const pattern = /(\$\$\{)|\$\{([^}]*)\}/g

type Found = { readonly text: string; readonly secret: boolean } | Omit<Unresolved, 'path'>

function lookUp(body: string, whole: string, options: ReferenceOptions): Found {
  const colon = body.indexOf(':')
  const kind = colon === -1 ? '' : body.slice(0, colon)
  const rest = body.slice(colon + 1)
  if (kind === 'env') return fromEnvironment(rest, whole, options)
  if (kind === 'file') return fromFile(rest, options)
  if (kind === 'dir') return fromDirs(rest, options)
  const name = /^[A-Za-z_]\w*(:-[^}]*)?$/.test(body)
  return {
    what: `${whole} is no reference that is known here`,
    mend: name
      ? `write \${env:${body}} for an environment variable, $${whole} for the literal text`
      : `known are \${env:NAME}, \${env:NAME:-default}, \${file:PATH} and \${dir:NAME}; write $${whole} for the literal text`,
    missing: false,
  }
}

function fromEnvironment(rest: string, whole: string, options: ReferenceOptions): Found {
  const split = rest.indexOf(':-')
  const name = split === -1 ? rest : rest.slice(0, split)
  if (!/^[A-Za-z_]\w*$/.test(name)) {
    return { what: `${whole} names no environment variable`, mend: 'names have letters, digits and _', missing: false }
  }
  const text = options.env[name]
  if (text !== undefined && text !== '') return { text, secret: true }
  if (split !== -1) return { text: rest.slice(split + 2), secret: false }
  const near = nearest(name, Object.keys(options.env))[0]
  return {
    what: `the environment variable ${name} is ${text === undefined ? 'not set' : 'empty'}`,
    mend: `set ${name} before the start, or give a default with \${env:${name}:-…}${near === undefined ? '' : ` (${near} is set: is that the one?)`}`,
    missing: true,
  }
}

/**
 * Whether somebody else than the user of this process may use the file. A file of root that only our own group may read is ours as well: so
 * do orchestrators hand secrets to a process that is not root, and it could not be its owner.
 */
function othersMayRead({ mode, uid, gid }: Stats): boolean {
  if ((mode & 0o037) !== 0) return true
  if ((mode & 0o040) === 0) return false
  const isGiven = uid === 0 && process.geteuid?.() !== 0 && (process.getegid?.() === gid || process.getgroups?.().includes(gid) === true)
  return !isGiven
}

function fromFile(path: string, options: ReferenceOptions): Found {
  if (path === '') return { what: `\${file:} names no file`, mend: 'write the path of the file that holds the value', missing: false }
  const full = isAbsolute(path) ? path : resolve(options.baseDir, path)
  try {
    const stat = statSync(full)
    if (!stat.isFile()) return { what: `${full} is no file`, mend: 'give the path of a file', missing: true }
    if (stat.size > largestSecret)
      return { what: `${full} is larger than ${largestSecret} bytes`, mend: 'a secret is short', missing: true }
    // Editors and `echo` end a file with a line break that is no part of the secret.
    const text = readFileSync(full, 'utf8').replace(/\r?\n$/, '')
    const isOpen = options.privateFiles && process.platform !== 'win32' && othersMayRead(stat)
    if (isOpen && !isCertificates(text)) {
      return { what: `other users can read the secret file ${full}`, mend: `run chmod 600 ${full}`, missing: true }
    }
    if (text === '') return { what: `the secret file ${full} is empty`, mend: 'write the value into it', missing: true }
    return { text, secret: true }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown error'
    const reason = code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : `cannot be read (${code})`
    return { what: `the secret file ${full} ${reason}`, mend: 'check the path and its permissions', missing: true }
  }
}

function fromDirs(name: string, options: ReferenceOptions): Found {
  const text = options.dirs[name]
  if (text !== undefined) return { text, secret: false }
  return {
    what: `\${dir:${name}} is no folder that is known here`,
    mend: `known are ${Object.keys(options.dirs)
      .map((known) => `\${dir:${known}}`)
      .join(', ')}`,
    missing: false,
  }
}

/** Certificates alone, which everybody may read who is shown them. */
function isCertificates(text: string): boolean {
  const labels = [...text.matchAll(/-----BEGIN ([^-]+)-----/g)].map(([, label]) => label)
  return labels.length > 0 && labels.every((label) => label === 'CERTIFICATE')
}
