// Turns what a zod schema says about a value into located problems with a mend: the type that is wanted, the nearest known key, the
// default, the description of the key. Knows schemas in general, no settings in particular.
import { z } from 'zod'
import { nearest } from '../../core/text/nearest.ts'
import { type Path, type Problem, valueAt } from './problem.ts'
import type { Source } from './source.ts'

/** What a JSON Schema says of one place; only the parts that are read here. */
interface Described {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Described>>
  readonly additionalProperties?: Described | boolean
  readonly items?: Described
}

export interface ValidateOptions {
  /** What to say of well-known keys of other programs, by unknown key. */
  readonly hints?: Readonly<Record<string, string>>
  /** Paths whose value could not be filled in: what the schema says of a stand-in is no news. */
  readonly ignore?: (path: Path) => boolean
}

/** All problems of `value` under the schema, or none and the parsed settings. */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  source: Source,
  options: ValidateOptions = {},
): { readonly settings: z.infer<S> | undefined; readonly problems: Problem[]; readonly ignored: readonly Path[] } {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { settings: parsed.data, problems: [], ignored: [] }
  const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Described
  const problems: Problem[] = []
  const ignored: Path[] = []
  for (const issue of parsed.error.issues) {
    const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol')
    if (options.ignore?.(path) === true) ignored.push(path)
    else problems.push(...explain(issue, path, described, source, options))
  }
  return { settings: undefined, problems, ignored }
}

/** The value with the characters of the file wherever text is wanted and a number, true or false was written: `1.10` stays `1.10`. */
export function asWritten(schema: z.ZodType, value: unknown, source: Pick<Source, 'written'>): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return value
  let out = value
  for (const issue of parsed.error.issues) {
    if (issue.code !== 'invalid_type' || issue.expected !== 'string') continue
    const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol')
    const text = source.written(path)
    if (text !== undefined) out = withText(out, path, text)
  }
  return out
}

function withText(value: unknown, path: Path, text: string): unknown {
  const [step, ...rest] = path
  if (step === undefined) return text
  if (Array.isArray(value)) return value.with(Number(step), withText(value[Number(step)], rest, text))
  const fields = value as Readonly<Record<string, unknown>>
  return { ...fields, [step]: withText(fields[step], rest, text) }
}

type Issue = z.core.$ZodIssue

function explain(issue: Issue, path: Path, schema: Described, source: Source, options: ValidateOptions): Problem[] {
  const at = describedAt(schema, path)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => source.problem([...path, key], 'unknown key', unknownKeyMend(key, at, path, options), 'key'))
    case 'invalid_key': {
      const reason = issue.issues[0]?.message ?? 'not a valid name'
      return [source.problem(path, `the name ${quote(path.at(-1))} is not allowed`, `use ${reason}`, 'key')]
    }
    case 'invalid_type': {
      const raw = valueAt(source.value, path)
      if (raw === undefined && !source.has(path)) return [source.problem(path, 'is missing', wanted(issue.expected, at))]
      if (raw === null && issue.expected === 'string') {
        return [source.problem(path, 'expected text, got nothing', 'write "" for empty text, "null" for the word, or remove it')]
      }
      return [source.problem(path, `expected ${article(issue.expected)}, got ${show(raw)}`, wanted(issue.expected, at))]
    }
    case 'invalid_value': {
      const values = issue.values.map(String)
      const raw = valueAt(source.value, path)
      const near = typeof raw === 'string' ? nearest(raw, values)[0] : undefined
      const list = `use ${values.join(', ')}`
      return [source.problem(path, `${show(raw)} is not one of the values`, near === undefined ? list : `did you mean ${near}? ${list}`)]
    }
    case 'too_small':
    case 'too_big': {
      const bound = issue.code === 'too_small' ? `at least ${lowerBound(issue)}` : `at most ${issue.maximum}`
      const counted = issue.origin === 'array' || issue.origin === 'set' ? ' entries' : issue.origin === 'string' ? ' characters' : ''
      return [source.problem(path, `${show(valueAt(source.value, path))} is out of range`, `give ${bound}${counted}`)]
    }
    case 'invalid_format': {
      const own = issue.message.startsWith('Invalid ') ? formatName(issue.format) : issue.message
      return [source.problem(path, `${show(valueAt(source.value, path))} has the wrong form`, `write ${own}`)]
    }
    case 'invalid_union':
      return [source.problem(path, 'fits none of the allowed forms', at?.description ?? 'see the documentation of this key')]
    default:
      return [source.problem(path, `does not fit: ${issue.message}`, at?.description ?? '')]
  }
}

function lowerBound(issue: Extract<Issue, { code: 'too_small' }>): string {
  return issue.inclusive === false ? String(Number(issue.minimum) + 1) : String(issue.minimum)
}

function unknownKeyMend(key: string, at: Described | undefined, path: Path, options: ValidateOptions): string {
  const hint = path.length === 0 ? options.hints?.[key] : undefined
  if (hint !== undefined) return hint
  const known = Object.keys(at?.properties ?? {})
  const near = nearest(key, known)[0]
  if (near !== undefined) return `did you mean ${near}?`
  return known.length === 0 ? 'remove it' : `remove it; known here: ${known.join(', ')}`
}

function wanted(expected: string, at: Described | undefined): string {
  const form = at?.enum === undefined ? `write ${article(expected)}` : `use ${at.enum.map(String).join(', ')}`
  const text = at?.description === undefined ? form : `${form}: ${at.description}`
  return at?.default === undefined || typeof at.default === 'object' ? text : `${text} Default: ${String(at.default)}.`
}

/** Follows properties, records and arrays. */
function describedAt(schema: Described, path: Path): Described | undefined {
  let at: Described | undefined = schema
  for (const step of path) {
    if (at === undefined) return undefined
    const named: Described | undefined = at.properties?.[String(step)]
    const other: Described | undefined = typeof at.additionalProperties === 'object' ? at.additionalProperties : undefined
    at = named ?? (typeof step === 'number' ? at.items : other)
  }
  return at
}

/** Quotes what the file says, never what a reference yields. */
function show(raw: unknown): string {
  if (raw === undefined || raw === null) return 'nothing'
  if (Array.isArray(raw)) return 'a list'
  if (typeof raw === 'object') return 'a mapping'
  // An address may carry a password.
  if (typeof raw === 'string') return raw.includes('@') ? 'the text' : quote(raw)
  return typeof raw === 'number' ? `the number ${raw}` : String(raw)
}

function quote(value: unknown): string {
  const text = String(value)
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}

function article(type: string): string {
  const names: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    integer: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping',
    record: 'a mapping',
  }
  return names[type] ?? type
}

function formatName(format: string): string {
  const names: Record<string, string> = { url: 'a full URL, for example https://host/mcp', date: 'a date as YYYY-MM-DD' }
  return names[format] ?? `a valid ${format}`
}
