// Reads a configuration file by any schema: strict YAML, references filled in, all problems at once, each located and with a mend.
// Knows schemas in general and no room in particular.
import { readFileSync, statSync } from 'node:fs'
import type { z } from 'zod'
import { type Named, withFitNames } from './names.ts'
import { inOrder, keyOf, type Path, type Problem } from './problem.ts'
import { fillReferences, type ReferenceOptions, type Unresolved } from './references.ts'
import { decode, parseSource } from './source.ts'
import { asWritten, validate } from './validate.ts'

export interface ReadOptions<S extends z.ZodType = z.ZodType> {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder that relative `${file:…}` paths start from. */
  readonly baseDir: string
  /** What `${dir:name}` yields. Default: none. */
  readonly dirs?: Readonly<Record<string, string>>
  /** Refuse secret files that others can read; asked once the value is parsed, before references are filled in. */
  readonly privateFiles?: (value: unknown) => boolean
  /** False where a value of a reference is known to be no secret. */
  readonly secretAt?: (path: Path) => boolean
  /** Keys that hold records of parts which break alone: `['servers']` confines a missing variable under servers.x to x. */
  readonly confine?: readonly string[]
  /** What to say of well-known keys of other programs. */
  readonly hints?: Readonly<Record<string, string>>
  /** Problems that only the parsed settings show (contradictions); `inline`: a text stands in the file without any reference. Paths are located by the reader. */
  readonly check?: (settings: z.infer<S>, has: (path: Path) => boolean, inline: (path: Path) => boolean) => readonly Finding[]
  /** Keys that hold records by name, whose names are made fit where they are not. */
  readonly named?: readonly string[]
  /** Changes the value before it is checked, for options of the command line and for what refers to names that were made fit. */
  readonly override?: (value: unknown, renamed: Named['renamed']) => unknown
}

/** What a check finds that is told, and starts all the same. */
export function warning(path: Path, what: string, mend: string): Finding {
  return { severity: 'warning', path, what, mend }
}

/** What a check finds that ends the start. */
export function error(path: Path, what: string, mend: string): Finding {
  return { severity: 'error', path, what, mend }
}

/** What a check finds, not yet located. */
export interface Finding {
  readonly severity: 'error' | 'warning'
  readonly path: Path
  readonly what: string
  readonly mend: string
}

/** A part that cannot work as the outside is now, beside others that can. */
export interface Broken {
  /** For example `servers`. */
  readonly group: string
  /** For example `github`. */
  readonly name: string
  /** For people: names the variable or file, never a value. */
  readonly reason: string
  readonly problem: Problem
}

export type ReadResult<T> =
  | {
      readonly ok: true
      readonly settings: T
      readonly broken: readonly Broken[]
      readonly warnings: readonly Problem[]
      /** What references yielded, for redaction. Never log these. */
      readonly secrets: readonly string[]
      /** Files that references named. */
      readonly files: readonly string[]
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Reads a file. A file that cannot be read is a problem like any other. */
export function readConfigFile<S extends z.ZodType>(file: string, schema: S, options: ReadOptions<S>): ReadResult<z.infer<S>> {
  const text = readText(file)
  return typeof text === 'string' ? readConfigText(file, text, schema, options) : { ok: false, problems: [text] }
}

/** Reads text as the file of that name. */
export function readConfigText<S extends z.ZodType>(
  file: string,
  text: string,
  schema: S,
  options: ReadOptions<S>,
): ReadResult<z.infer<S>> {
  const source = parseSource(file, text)
  if (source.problems.length > 0) return { ok: false, problems: inOrder(source.problems) }
  const named = withFitNames(source, options.named ?? [])
  const read = readValue(named, schema, options)
  if (named.problems.length > 0) return { ok: false, problems: inOrder([...named.problems, ...(read.ok ? [] : read.problems)]) }
  return read.ok ? { ...read, warnings: inOrder([...named.warnings, ...read.warnings]) } : read
}

/** The text of a file, or the problem with it. */
export function readText(file: string): string | Problem {
  const read = readBytes(file)
  if ('problem' in read) return read.problem
  const decoded = decode(read.bytes)
  return 'text' in decoded ? decoded.text : problemWith(file, decoded.wrong, decoded.mend)
}

export type BytesRead = { readonly bytes: Buffer } | { readonly problem: Problem; readonly isThere: boolean }

/** The bytes of a file, up to a size, or the problem with it. */
export function readBytes(file: string, most = Number.POSITIVE_INFINITY): BytesRead {
  const wrong = (what: string, mend: string, isThere = true): BytesRead => ({ problem: problemWith(file, what, mend), isThere })
  try {
    // What is no regular file has no size before it is read.
    const bytes = statSync(file).size > most ? undefined : readFileSync(file)
    return bytes === undefined || bytes.length > most ? wrong(`is larger than ${most} bytes`, 'give another file') : { bytes }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown error'
    if (code === 'ENOENT') return wrong('does not exist', 'check the path', false)
    if (code === 'EACCES') return wrong('may not be read', 'check its permissions')
    if (code === 'EISDIR') return wrong('is a folder', 'give the path of a file')
    return wrong(`cannot be read (${code})`, 'check the path')
  }
}

function problemWith(file: string, what: string, mend: string): Problem {
  return { file, line: 0, column: 0, key: '', what, mend }
}

function readValue<S extends z.ZodType>({ source, renamed }: Named, schema: S, options: ReadOptions<S>): ReadResult<z.infer<S>> {
  const raw = source.value
  const references: ReferenceOptions = {
    env: options.env,
    dirs: options.dirs ?? {},
    baseDir: options.baseDir,
    privateFiles: options.privateFiles?.(raw) ?? false,
    ...(options.secretAt === undefined ? {} : { secretAt: options.secretAt }),
  }
  const filled = fillReferences(raw, references)
  const problems: Problem[] = []
  const broken: Broken[] = []
  for (const unresolved of filled.unresolved) {
    const problem = source.problem(unresolved.path, unresolved.what, unresolved.mend)
    const part = partOf(unresolved, options.confine ?? [])
    if (part === undefined) problems.push(problem)
    else broken.push({ ...part, reason: reasonOf(unresolved, problem), problem })
  }

  const unfilled = new Set(filled.unresolved.map((unresolved) => keyOf(unresolved.path)))
  const ignore = (path: Path) => unfilled.has(keyOf(path))
  const hints = options.hints === undefined ? {} : { hints: options.hints }
  const value = asWritten(schema, options.override?.(filled.value, renamed) ?? filled.value, source)
  const first = validate(schema, value, source, { ignore, ...hints })
  problems.push(...first.problems)
  if (problems.length > 0) return { ok: false, problems: inOrder(problems) }

  // A stand-in did not even fit the schema: the part is left out of the settings and known by `broken` alone.
  const settings = first.settings ?? validate(schema, without(value, first.ignored), source).settings
  if (settings === undefined) return { ok: false, problems: inOrder(broken.map((each) => each.problem)) }

  const findings = options.check?.(settings, source.has, (path) => isInline(raw, path)) ?? []
  const located = (severity: Finding['severity']) =>
    inOrder(findings.filter((each) => each.severity === severity).map((each) => source.problem(each.path, each.what, each.mend)))
  const errors = located('error')
  if (errors.length > 0) return { ok: false, problems: errors }
  return { ok: true, settings, broken, warnings: located('warning'), secrets: filled.secrets, files: filled.files }
}

/** A text that the file holds as it is. */
function isInline(raw: unknown, path: Path): boolean {
  const found = path.reduce<unknown>((at, step) => (typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined), raw)
  return typeof found === 'string' && found !== '' && !/\$\{(env|file):/.test(found)
}

function partOf(unresolved: Unresolved, confine: readonly string[]): { group: string; name: string } | undefined {
  const [group, name] = unresolved.path
  if (!unresolved.missing || typeof group !== 'string' || typeof name !== 'string' || !confine.includes(group)) return undefined
  return { group, name }
}

function reasonOf(unresolved: Unresolved, problem: Problem): string {
  return `${unresolved.what} (${unresolved.path.slice(2).join('.')}, ${problem.file}:${problem.line}); ${unresolved.mend}`
}

/** The value without the parts (first two steps) that these paths lie in. */
function without(value: unknown, paths: readonly Path[]): unknown {
  const root = { ...(value as Record<string, Record<string, unknown>>) }
  for (const [group, name] of paths) {
    if (typeof group !== 'string' || typeof name !== 'string') continue
    const { [name]: _, ...rest } = root[group] ?? {}
    root[group] = rest
  }
  return root
}
