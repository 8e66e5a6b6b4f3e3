// Reads the files that MCP clients already have: `mcpServers` of Claude Desktop, Claude Code and Cursor, `servers` of VS Code. Their
// variable syntaxes are resolved, what cannot be honoured is warned about by key, and one server that cannot work does not stop the others.
import { MalformedJson, skipSpace, skipValue } from '../../core/protocol/scan.ts'
import { nearest } from '../../core/text/nearest.ts'
import { plainJson } from './jsonc.ts'
import { normaliseNames } from './mcp-json-names.ts'
import { type Fields, type ImportedServer, type ImportOptions, isFields, ServerImport } from './mcp-json-servers.ts'
import { inOrder, type Path, type Problem } from './problem.ts'
import { type Broken, readText } from './read.ts'
import { parseSource, type Source } from './source.ts'

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
  const json = plainJson(text)
  const source = parseSource(file, json)
  const parsed = parseStrictly(file, json, source)
  if (!parsed.ok) return parsed
  const listed = findServers(parsed.value)
  if (listed === undefined) return { ok: false, problems: [source.problem([], 'holds no MCP servers', noServersMend(parsed.value))] }

  const run = new ServerImport(source, options, listed.inputs, listed.path.slice(0, -1))
  await run.askInputs(listed.servers)
  const names = normaliseNames(Object.keys(listed.servers))
  const servers: Record<string, ImportedServer> = {}
  for (const [original, raw] of Object.entries(listed.servers)) {
    const name = names.get(original) ?? original
    const path = [...listed.path, original]
    if (name !== original) {
      run.warn(path, `the name ${JSON.stringify(original)} becomes ${name} here`, 'names have 1 to 24 characters: a-z, 0-9, -', 'key')
    }
    const server = run.server(name, raw, path)
    if (server !== undefined) servers[name] = server
  }
  for (const key of listed.ignored) run.warn(key, 'is not read', 'run with that part as its own file if it is wanted', 'key')
  if (run.problems.length > 0) return { ok: false, problems: inOrder(run.problems) }
  return {
    ok: true,
    servers,
    broken: run.broken,
    warnings: inOrder(run.warnings),
    secrets: [...run.secrets],
    problem: (path, what, mend) => source.problem([...listed.path, ...unname(path, names)], what, mend),
  }
}

function unname(path: Path, names: ReadonlyMap<string, string>): Path {
  const [name, ...rest] = path
  for (const [original, normalised] of names) if (normalised === name) return [original, ...rest]
  return path
}

/** The scanner judges; the YAML view only says where things stand and that no key stands twice. */
function parseStrictly(
  file: string,
  json: string,
  source: Source,
): { ok: true; value: unknown } | { ok: false; problems: readonly Problem[] } {
  const bytes = Buffer.from(json)
  const wrong = firstError(bytes)
  if (wrong === undefined) {
    const twice = source.problems.filter((problem) => problem.what.includes('twice'))
    return twice.length > 0 ? { ok: false, problems: twice } : { ok: true, value: JSON.parse(json) }
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

interface Listed {
  readonly path: Path
  readonly servers: Fields
  readonly inputs: unknown
  readonly ignored: readonly Path[]
}

function findServers(root: unknown): Listed | undefined {
  if (!isFields(root)) return undefined
  const nested = root.mcp
  const ignored: Path[] = []
  const projects = root.projects
  if (isFields(projects)) {
    for (const [name, project] of Object.entries(projects)) {
      if (isFields(project) && isFields(project.mcpServers) && Object.keys(project.mcpServers).length > 0) {
        ignored.push(['projects', name, 'mcpServers'])
      }
    }
  }
  if (isFields(root.mcpServers)) {
    return { path: ['mcpServers'], servers: root.mcpServers, inputs: root.inputs, ignored }
  }
  if (isFields(root.servers)) return { path: ['servers'], servers: root.servers, inputs: root.inputs, ignored }
  if (isFields(nested) && isFields(nested.servers)) {
    return { path: ['mcp', 'servers'], servers: nested.servers, inputs: nested.inputs, ignored }
  }
  return undefined
}

function noServersMend(root: unknown): string {
  const near = isFields(root) ? Object.keys(root).find((key) => nearest(key, ['mcpServers', 'servers']).length > 0) : undefined
  const meant = near === undefined ? undefined : nearest(near, ['mcpServers', 'servers'])[0]
  return meant === undefined || meant === near
    ? 'the file needs `mcpServers` or `servers`, a mapping of names to servers'
    : `did you mean ${meant} in place of ${near}?`
}
