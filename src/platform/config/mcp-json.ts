// Reads the files that MCP clients already have, as JSON, TOML or YAML (`mcp-json-forms.ts` knows which clients). Their variable syntaxes
// are resolved, what cannot be honoured is warned about by key, and one server that cannot work does not stop the others.
import { extname } from 'node:path'
import { MalformedJson, skipSpace, skipValue } from '../../core/protocol/scan.ts'
import { plainJson } from './jsonc.ts'
import { isDisabled } from './mcp-json-entry.ts'
import { findServers, type ListedServer } from './mcp-json-forms.ts'
import { normaliseNames } from './mcp-json-names.ts'
import { type ImportedServer, type ImportOptions, ServerImport } from './mcp-json-servers.ts'
import { inOrder, type Path, type Problem } from './problem.ts'
import { type Broken, readText } from './read.ts'
import { parseSource, type Source } from './source.ts'
import { parseTomlSource } from './toml-source.ts'

export type ImportResult =
  | {
      readonly ok: true
      /** By normalised name, in the order of the file. */
      readonly servers: Readonly<Record<string, ImportedServer>>
      readonly broken: readonly Broken[]
      readonly warnings: readonly Problem[]
      readonly secrets: readonly string[]
      /** Where a server stands in the file, for problems found later. */
      readonly problem: (path: Path, what: string, mend: string) => Problem
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export async function importClientFile(file: string, options: ImportOptions): Promise<ImportResult> {
  const text = readText(file)
  return typeof text === 'string' ? importClientText(file, text, options) : { ok: false, problems: [text] }
}

export async function importClientText(file: string, text: string, options: ImportOptions): Promise<ImportResult> {
  const parsed = parseClientFile(file, text)
  if (!parsed.ok) return parsed
  const { source, value } = parsed
  const listed = findServers(value, file)
  if ('what' in listed) return { ok: false, problems: [source.problem([], listed.what, listed.mend)] }

  const run = new ServerImport(source, options, listed)
  for (const twice of parsed.twice) run.warnings.push(twice)
  await run.askInputs(listed.servers)
  const names = normaliseNames(listed.servers.map((each) => each.name))
  const servers: Record<string, ImportedServer> = {}
  const places = new Map<string, Path>()
  for (const each of listed.servers) {
    const name = names.get(each.name) ?? each.name
    places.set(name, each.path)
    if (each.off || isDisabled(each.raw)) {
      servers[name] = switchedOff
      continue
    }
    warnOfName(run, each, name)
    const server = run.server(name, each.raw, each.path)
    if (server !== undefined) servers[name] = server
  }
  for (const path of listed.ignored) run.warn(path, 'is not read', 'run with that part as its own file if it is wanted', 'key')
  return {
    ok: true,
    servers,
    broken: run.broken,
    warnings: inOrder(run.warnings),
    secrets: [...run.secrets],
    problem: ([name, ...rest], what, mend) => source.problem([...(places.get(String(name)) ?? []), ...rest], what, mend),
  }
}

/** What is switched off is not judged: nothing of it is read. */
const switchedOff: ImportedServer = { command: 'disabled', enabled: false }

function warnOfName(run: ServerImport, { name: original, path, nameless }: ListedServer, name: string): void {
  if (nameless) run.warn(path, `has no name; it is ${name} here`, 'give it a `name`')
  else if (name !== original) {
    run.warn(path, `the name ${JSON.stringify(original)} becomes ${name} here`, 'names have 1 to 24 characters: a-z, 0-9, -', 'key')
  }
}

type Parsed =
  | { readonly ok: true; readonly value: unknown; readonly source: Source; readonly twice: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }

function parseClientFile(file: string, text: string): Parsed {
  const extension = extname(file).toLowerCase()
  const toml = extension === '.toml' || /^\s*\[mcp_servers[.\]]/m.test(text)
  if (toml || extension === '.yaml' || extension === '.yml') {
    const source = toml ? parseTomlSource(file, text) : parseSource(file, text)
    return source.problems.length > 0
      ? { ok: false, problems: inOrder(source.problems) }
      : { ok: true, value: source.value, source, twice: [] }
  }
  const json = plainJson(text)
  return parseStrictly(file, json, parseSource(file, json))
}

/** The scanner judges; the YAML view only says where things stand. Of a key that stands twice the last is taken, as clients do. */
function parseStrictly(file: string, json: string, source: Source): Parsed {
  const bytes = Buffer.from(json)
  const wrong = firstError(bytes)
  if (wrong === undefined) {
    const twice = source.problems
      .filter((problem) => problem.what.includes('twice'))
      .map((problem) => ({ ...problem, mend: `the last one is taken; ${problem.mend}` }))
    return { ok: true, value: JSON.parse(json), source, twice }
  }
  const before = bytes.toString('utf8', 0, wrong).split('\n')
  const early = wrong >= bytes.length
  const what = early ? 'the file ends too early' : 'is not valid JSON from here on'
  const mend = early ? 'close the open quotes, brackets and braces' : 'check quotes, commas and brackets here and before'
  return { ok: false, problems: [{ file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, key: '', what, mend }] }
}

/** Byte offset of the first thing that is no JSON. */
function firstError(bytes: Uint8Array): number | undefined {
  try {
    const end = skipSpace(bytes, skipValue(bytes, skipSpace(bytes, 0)))
    return end < bytes.length ? end : undefined
  } catch (thrown) {
    if (thrown instanceof MalformedJson) return thrown.at
    throw thrown
  }
}
