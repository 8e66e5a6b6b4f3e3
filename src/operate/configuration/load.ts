// Finds the configuration that a command means and makes it ready: a YAML file, a client's file, ./signalbox.yaml, or the built-in quickstart.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { type Settings, settingsSchema } from '../../assembly/settings.ts'
import type { ListenAddress } from '../../core/ports/listen-address.ts'
import type { LockFile } from '../../gateway/contracts/index.ts'
import {
  type Broken,
  type ClientInput,
  importClientText,
  type Path,
  type Problem,
  readConfigText,
  readText,
} from '../../platform/config/index.ts'
import { plainJson } from '../../platform/config/jsonc.ts'
import { Proxies } from '../../platform/net/proxies.ts'
import { packageRoot } from '../package-root.ts'
import { adminAddress, parseAddress } from './address.ts'
import type { checkSettings } from './checks.ts'
import { preferInstalled } from './prefer-installed.ts'
import { proxyProblems } from './proxy-problems.ts'
import { withServerNames } from './server-names.ts'
import { storeSecrets, storesFrom } from './store-address.ts'

export interface LoadRequest {
  readonly config?: string | undefined
  readonly mcpJson?: string | undefined
  /** HOST:PORT of the command line. */
  readonly listen?: string | undefined
  readonly profile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** In place of what stands in the file. */
  readonly text?: string | undefined
  /** Leaves the lock file unread: for commands that write it, or compare with it themselves. */
  readonly withoutLock?: boolean | undefined
  /** Leaves out what only the whole shows (contradictions, what a profile refuses): for commands that only look into what was kept. */
  readonly withoutChecks?: boolean | undefined
  /** Asks a person for an input of a client file; undefined without a terminal. */
  readonly ask?: ((input: ClientInput) => Promise<string>) | undefined
}

/** A server that cannot be started as the machine is now; it is named with the reason, the others are served. */
export interface BrokenServer {
  readonly server: string
  readonly reason: string
}

export interface Loaded {
  readonly settings: Settings
  readonly listen: ListenAddress
  /** Undefined where there is to be no admin door. */
  readonly admin: ListenAddress | undefined
  readonly kind: 'yaml' | 'mcp-json' | 'quickstart'
  /** As it is written. */
  readonly text: string
  /** Loads the same once more, as the file is now, or as if this text stood there. Asks nobody anything again. */
  again(text?: string): Promise<LoadResult>
  /** For people and the log: the file. */
  readonly source: string
  /** Folder that relative paths start from. */
  readonly baseDir: string
  readonly broken: readonly BrokenServer[]
  readonly warnings: readonly Problem[]
  /** Values of references and credentials of proxies, for redaction. Never log these. */
  readonly secrets: readonly string[]
  /** The file itself, and those that it takes secrets from. */
  readonly files: readonly string[]
  /** Contracts of tools that were let in; undefined where there is no lock file. */
  readonly lock: LockFile | undefined
  /** What the environment says of forward proxies. */
  readonly proxies: Proxies
  /** `OTEL_*` of the environment. */
  readonly otel: Readonly<Record<string, string | undefined>>
  /** What `${dir:state}` means here, if the configuration uses it: made at the start, since servers make no folders. */
  readonly stateFolder: string | undefined
  /** Where state can be kept though the configuration names no `stateDir`, if it does not say `off`. In the dev profile only. */
  readonly defaultStateDir: string | undefined
}

export type LoadResult = { readonly ok: true; readonly loaded: Loaded } | { readonly ok: false; readonly problems: readonly Problem[] }

const quickstartFile = join(packageRoot, 'examples', 'quickstart.yaml')

export async function load(given: LoadRequest): Promise<LoadResult> {
  const wrong = optionProblems(given)
  if (wrong.length > 0) return { ok: false, problems: wrong }
  const request = remembering(given)
  if (request.mcpJson !== undefined) return loadClientFile(resolve(request.cwd, request.mcpJson), request)
  if (request.config !== undefined) return loadYaml(resolve(request.cwd, request.config), 'yaml', request)
  const local = join(request.cwd, 'signalbox.yaml')
  if (existsSync(local)) return loadYaml(local, 'yaml', request)
  const quickstart = await loadYaml(quickstartFile, 'quickstart', request)
  if (request.profile !== 'production') return quickstart
  const own = option(
    '--profile',
    'the built-in quickstart is for development',
    'copy examples/production.yaml, and give it with --config FILE',
  )
  return { ok: false, problems: [...(quickstart.ok ? [] : quickstart.problems), own] }
}

/** What a person has answered once is not asked again. */
interface Remembering extends LoadRequest {
  readonly answers: Map<string, string>
}

function remembering(request: LoadRequest): Remembering {
  const answers = new Map<string, string>()
  const { ask } = request
  if (ask === undefined) return { ...request, answers }
  const asked = async (input: ClientInput): Promise<string> => {
    const answer = await ask(input)
    answers.set(input.id, answer)
    return answer
  }
  return { ...request, answers, ask: asked }
}

function askNobody(request: Remembering): LoadRequest['ask'] {
  return request.ask === undefined ? undefined : async ({ id, default: preset }) => request.answers.get(id) ?? preset ?? ''
}

/** Which kind of file this is, for commands that take either. */
export function kindOf(file: string): 'yaml' | 'mcp-json' {
  const extension = extname(file).toLowerCase()
  if (extension === '.yaml' || extension === '.yml') return 'yaml'
  if (extension === '.toml') return 'mcp-json'
  const text = readText(file)
  if (typeof text !== 'string') return 'yaml'
  if (/"(mcpServers|context_servers|mcp_servers|inputs|mcp)"\s*:/.test(text)) return 'mcp-json'
  if (!/"(servers|command|url|serverUrl|httpUrl)"\s*:/.test(text)) return 'yaml'
  const written = topKeys(text)
  const saysOurs = Object.keys(settingsSchema.shape).some(
    (key) => key !== 'servers' && (written?.has(key) ?? new RegExp(`(^|[{,\\s])("${key}"|${key})\\s*:`, 'm').test(text)),
  )
  return saysOurs ? 'yaml' : 'mcp-json'
}

/** Of JSON, as editors write it; undefined of other text. */
function topKeys(text: string): ReadonlySet<string> | undefined {
  try {
    return new Set(Object.keys(JSON.parse(plainJson(text))))
  } catch {
    return undefined
  }
}

function option(name: string, what: string, mend: string): Problem {
  return { file: name, line: 0, column: 0, key: '', what, mend }
}

function optionProblems(request: LoadRequest): Problem[] {
  if (request.config !== undefined && request.mcpJson !== undefined) {
    return [option('--mcp-json', 'cannot be combined with --config', 'give one of them')]
  }
  if (request.profile !== undefined && request.profile !== 'dev' && request.profile !== 'production') {
    return [option('--profile', `${JSON.stringify(request.profile)} is no profile`, 'use dev or production')]
  }
  if (request.listen === undefined) return []
  if (parseAddress(request.listen) === undefined)
    return [
      option('--listen', `${JSON.stringify(request.listen)} is no address`, 'write HOST:PORT, for example 127.0.0.1:4280, or unix:PATH'),
    ]
  return []
}

/** Loaded only where it is wanted: with it come the rooms whose settings it knows. */
async function checksOf({ withoutChecks }: LoadRequest): Promise<typeof checkSettings> {
  return withoutChecks === true ? () => [] : (await import('./checks.ts')).checkSettings
}

const clientKeys = ['mcpServers', 'context_servers', 'mcp_servers', 'mcp', 'extensions', 'inputs'] as const

async function loadYaml(file: string, kind: 'yaml' | 'quickstart', request: Remembering): Promise<LoadResult> {
  const text = request.text ?? readText(file)
  if (typeof text !== 'string') return { ok: false, problems: [text] }
  const baseDir = dirname(file)
  const state = stateFolderOf(request)
  const check = await checksOf(request)
  const result = readConfigText(file, text, settingsSchema, {
    env: request.env,
    baseDir,
    dirs: { config: baseDir, cwd: request.cwd, home: homedir(), package: packageRoot, state },
    confine: ['servers'],
    secretAt: mayBeSecret,
    privateFiles: (value) => (request.profile ?? (value as { profile?: unknown } | null)?.profile) === 'production',
    hints: {
      ...Object.fromEntries(clientKeys.map((key) => [key, 'this looks like the file of a client: give it with --mcp-json'])),
      port: 'write `listen: 127.0.0.1:PORT`',
      host: 'write `listen: HOST:PORT`',
    },
    named: ['servers', 'toolsets'],
    override: (value, { servers }) => withOptions(servers === undefined ? value : withServerNames(value, servers), request),
    check,
  })
  if (!result.ok) return result
  const settings = kind === 'quickstart' ? preferInstalled(result.settings) : result.settings
  return done(request, settings, kind, { file, text }, baseDir, result)
}

/** Folders of a workspace in which clients keep their file: the workspace is the folder above. */
const clientFolders = new Set(['.vscode', '.cursor', '.gemini', '.codex', '.zed', '.opencode', '.windsurf', '.github', '.roo', '.kiro'])

async function loadClientFile(file: string, request: Remembering): Promise<LoadResult> {
  const text = request.text ?? readText(file)
  if (typeof text !== 'string') return { ok: false, problems: [text] }
  const folder = dirname(file)
  const baseDir = clientFolders.has(basename(folder)) ? dirname(folder) : folder
  const imported = await importClientText(file, text, { env: request.env, workspaceFolder: baseDir, ask: request.ask })
  if (!imported.ok) return imported
  const locate = (path: Path, what: string, mend: string) =>
    path[0] === 'servers' ? imported.problem(path.slice(1), what, mend) : imported.problem([], `${path.join('.')} ${what}`, mend)
  const servers: Record<string, unknown> = { ...imported.servers }
  const broken: Broken[] = [...imported.broken]
  const problems: Problem[] = []
  /** One server that cannot work stops no other; what is not about a server stops the start. */
  const found = (path: Path, what: string, mend: string): void => {
    const problem = locate(path, what, mend)
    const name = String(path[1])
    if (path[0] !== 'servers' || !Object.hasOwn(servers, name)) return void problems.push(problem)
    broken.push({ group: 'servers', name, reason: `${what} (${problem.file}:${problem.line}); ${mend}`, problem })
  }
  const check = () => settingsSchema.safeParse(withOptions({ servers }, request))
  let parsed = check()
  if (!parsed.success) {
    const unfit = new Set<string>()
    for (const issue of parsed.error.issues) {
      const path = issue.path.filter((part): part is string | number => typeof part !== 'symbol')
      const name = String(path[1])
      // What could not be filled in need not fit the schema either.
      if (path[0] !== 'servers' || !broken.some((each) => each.name === name)) {
        found(path, `does not fit: ${issue.message}`, 'see docs/configuration.md')
      }
      if (path[0] === 'servers') unfit.add(name)
    }
    for (const name of unfit) delete servers[name]
    parsed = check()
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems }
  const findings = (await checksOf(request))(
    parsed.data,
    (path) => path[0] === 'servers' && isWritten(imported.servers[String(path[1])], path.slice(2)),
  )
  for (const { path, what, mend } of findings.filter((each) => each.severity === 'error')) found(path, what, mend)
  if (problems.length > 0) return { ok: false, problems }
  const warnings = findings.filter((each) => each.severity === 'warning').map((each) => locate(each.path, each.what, each.mend))
  const gathered = { broken, warnings: [...imported.warnings, ...warnings], secrets: imported.secrets, files: [] }
  return done(request, parsed.data, 'mcp-json', { file, text }, baseDir, gathered)
}

/** The importer writes empty collections where a file says nothing. */
function isWritten(value: unknown, path: Path): boolean {
  const found = path.reduce<unknown>((at, step) => (at as Record<string | number, unknown> | undefined)?.[step], value)
  return found !== undefined && !(typeof found === 'object' && found !== null && Object.keys(found).length === 0)
}

function stateFolderOf(request: LoadRequest): string {
  return join(request.cwd, '.signalbox')
}

function withOptions(value: unknown, request: LoadRequest): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return {
    ...value,
    ...(request.listen === undefined ? {} : { listen: request.listen }),
    ...(request.profile === undefined ? {} : { profile: request.profile }),
  }
}

/** Folders, programs and the addresses of issuers are no secrets; hiding them would make every message about them unreadable. */
function mayBeSecret(path: Path): boolean {
  const key = path[2]
  if (path[0] === 'vault') return true
  if (path[0] === 'telemetry') return path.includes('headers') || key === 'key'
  if (path[0] === 'auth') return /secret|pepper|key$/i.test(String(path.findLast((step) => typeof step === 'string')))
  return path[0] === 'servers' && key !== 'cwd' && key !== 'command'
}

const neverStarted = settingsSchema.shape.servers.unwrap().valueType.parse({ command: 'unresolved' })

interface Gathered {
  readonly broken: readonly Broken[]
  readonly warnings: readonly Problem[]
  readonly secrets: readonly string[]
  readonly files: readonly string[]
}

async function done(
  request: Remembering,
  settings: Settings,
  kind: Loaded['kind'],
  { file: source, text }: { readonly file: string; readonly text: string },
  baseDir: string,
  { broken, warnings, secrets, files }: Gathered,
): Promise<LoadResult> {
  const { socketMode } = settings.http
  const listen = parseAddress(settings.listen, socketMode)
  if (listen === undefined) return { ok: false, problems: [option('listen', 'is no address', 'write HOST:PORT')] }
  const servers = Object.fromEntries(
    Object.entries(settings.servers).map(([name, server]) => [
      name,
      server.command === undefined ? server : { ...server, cwd: resolve(baseDir, server.cwd ?? '.') },
    ]),
  )
  const proxies = new Proxies(request.env)
  const unusable = proxyProblems(settings, broken, proxies)
  if (unusable.length > 0) return { ok: false, problems: unusable }
  // A server of which not even the settings could be read is named like any other; it is never started.
  for (const { name } of broken) servers[name] ??= neverStarted
  const { stateDir, ...stateless } = settings
  const state = stateDir === undefined || stateDir === 'off' ? {} : { stateDir: resolve(baseDir, stateDir) }
  const locked = request.withoutLock === true ? { lock: undefined } : (await import('./lock.ts')).loadLock(settings, baseDir)
  if ('problems' in locked) return { ok: false, problems: locked.problems }
  const reasons = new Map<string, string[]>()
  for (const each of broken) reasons.set(each.name, [...(reasons.get(each.name) ?? []), each.reason])
  return {
    ok: true,
    loaded: {
      settings: { ...stateless, ...state, servers, stores: storesFrom(settings, baseDir) },
      listen,
      admin: adminAddress(settings.admin.listen, listen, socketMode),
      kind,
      source,
      text,
      again: (other) => {
        const next = { ...request, text: other, ask: askNobody(request) }
        return kind === 'mcp-json' ? loadClientFile(source, next) : loadYaml(source, kind, next)
      },
      baseDir,
      broken: [...reasons].map(([server, all]) => ({ server, reason: all.join('. ') })),
      warnings,
      files: [source, ...files],
      secrets: [...secrets, ...proxies.secrets, ...storeSecrets(settings)],
      proxies,
      otel: Object.fromEntries(Object.entries(request.env).filter(([name]) => name.startsWith('OTEL_'))),
      lock: locked.lock,
      stateFolder: JSON.stringify(servers).includes(JSON.stringify(stateFolderOf(request)).slice(1, -1))
        ? stateFolderOf(request)
        : undefined,
      defaultStateDir: stateDir === undefined && settings.profile === 'dev' ? stateFolderOf(request) : undefined,
    },
  }
}
