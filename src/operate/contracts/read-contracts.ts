// The contracts of a source as they are now: what its servers list, or what stands in a file.
import { type Settings, settingsSchema } from '../../assembly/settings.ts'
import { Switch } from '../../core/call/signal.ts'
import { EndlessList, type Upstream, UpstreamFault } from '../../core/ports/upstream.ts'
import { nearest } from '../../core/text/nearest.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { Proxies } from '../../platform/net/proxies.ts'
import { authorizationFor } from '../client/authorization.ts'
import { ClientProblem, GatewayClient } from '../client/client.ts'
import { socketIn } from '../client/socket-address.ts'
import type { Loaded } from '../configuration/load.ts'
import { type OpenServers, openServers } from '../servers.ts'
import { byName, CannotTell, type Contracts, type ServerContracts } from './contracts.ts'
import { fileContracts } from './file-contracts.ts'
import { type Installed, installPackage } from './npm-package.ts'
import { type Source, serverNameOf } from './source.ts'

export interface ReadingOptions {
  /** Shown to an address. */
  readonly headers: Readonly<Record<string, string>>
  readonly token: string | undefined
  /** Environment of a program or package, beside the allow-list. */
  readonly env: Readonly<Record<string, string>>
  readonly allowScripts: boolean
  readonly signal: AbortSignal
  /** The configuration, loaded when it is needed; undefined where it cannot be read, which has been told. */
  readonly configuration: () => Promise<Loaded | undefined>
}

export async function readContracts(source: Source, options: ReadingOptions): Promise<Contracts> {
  if (source.kind === 'file') return fileContracts(source.path, source.label)
  if (source.kind === 'address' && socketIn(source.url) !== undefined) return throughSocket(source, options)
  const opened = await openSource(source, options)
  try {
    return await listSource(opened, source, options.signal)
  } finally {
    await opened.close()
  }
}

/** What the servers of a source list now. */
export async function listSource(opened: OpenedSource, { label }: LiveSource, signal: AbortSignal): Promise<Contracts> {
  const read = [...opened.all].map(([name, upstream]) => listed(name, upstream, opened.startMs, opened.identity, signal))
  const servers = await Promise.all(read)
  return {
    label,
    servers: new Map(servers.map(({ name, contracts }) => [name, contracts])),
    notes: servers.flatMap(({ notes }) => notes),
  }
}

export interface OpenedSource extends OpenServers {
  /** How long a start and a list may take, in ms. */
  readonly startMs: number
  readonly identity: string | null
}

export type LiveSource = Exclude<Source, { readonly kind: 'file' }>

/** The servers of a source, to be closed whatever happens. */
export async function openSource(source: LiveSource, options: ReadingOptions): Promise<OpenedSource> {
  if (source.kind === 'configured') return openConfigured(source.name, options)
  const name = serverNameOf(source)
  if (source.kind === 'address') {
    if (socketIn(source.url) !== undefined) throw new CannotTell(`${source.url} is a socket: give its address`)
    const headers = { ...(await authorizationFor(source.url, options.token, '')), ...options.headers }
    return openAlone(name, { url: source.url, headers })
  }
  if (source.kind === 'program') {
    return openAlone(name, { command: source.command, args: source.args, env: options.env, cwd: process.cwd() })
  }
  const installed: Installed | string = await installPackage({
    ...source,
    allowScripts: options.allowScripts,
    env: options.env,
    signal: options.signal,
  })
  if (typeof installed === 'string') throw new CannotTell(installed)
  const { command, args, identity, remove } = installed
  const opened = openAlone(name, { command, args, env: options.env, cwd: process.cwd() })
  return {
    ...opened,
    identity,
    close: () => opened.close().finally(remove),
  }
}

/** On top of the start itself, for a list. */
const listMs = 30_000

function openAlone(name: string, server: Readonly<Record<string, unknown>>): OpenedSource {
  const settings = settingsSchema.parse({ servers: { [name]: server } }) as Settings
  const opened = openServers({ settings: { ...settings, stateDir: undefined } as Settings, broken: [], proxies: new Proxies(process.env) })
  return { ...opened, startMs: settings.timeouts.start + listMs, identity: null }
}

async function openConfigured(name: string | undefined, { configuration }: ReadingOptions): Promise<OpenedSource> {
  const loaded = await configuration()
  if (loaded === undefined) throw new CannotTell('')
  const enabled = Object.entries(loaded.settings.servers).filter(([, server]) => server.enabled)
  const wanted = name === undefined ? enabled : enabled.filter(([each]) => each === name)
  if (wanted.length === 0) {
    const names = enabled.map(([each]) => each)
    if (name === undefined) throw new CannotTell(`${loaded.source} has no server`)
    const [near] = nearest(name, names)
    throw new CannotTell(
      `${loaded.source} has no server ${name}; ${near === undefined ? `it has ${names.join(', ')}` : `did you mean ${near}?`}`,
    )
  }
  const settings = { ...loaded.settings, servers: Object.fromEntries(wanted) }
  const starts = wanted.map(([, { timeouts }]) => timeouts.start ?? settings.timeouts.start)
  const opened = openServers({ settings, broken: loaded.broken, proxies: loaded.proxies, loaded })
  return { ...opened, startMs: Math.max(...starts) + listMs, identity: null }
}

/** Tools that are read of one server. */
const mostTools = 50_000
const mostBytes = 67_108_864

interface Listed {
  readonly name: string
  readonly contracts: ServerContracts
  readonly notes: readonly string[]
}

async function listed(name: string, upstream: Upstream, startMs: number, identity: string | null, ended: AbortSignal): Promise<Listed> {
  const read = await toolsOf(upstream, startMs, ended)
  if (typeof read === 'string') return { name, contracts: { identity, tools: new Map(), unreachable: read }, notes: [] }
  const { tools, notes } = byName(name, read)
  const said = upstream.describe().identity
  return { name, contracts: { identity: identity ?? (said === undefined ? null : `${said.name} ${said.version}`), tools }, notes }
}

/** A sentence where they could not be read. */
async function toolsOf(upstream: Upstream, startMs: number, ended: AbortSignal): Promise<readonly unknown[] | string> {
  const stop = new Switch()
  const end = (): void => stop.abort('drain')
  ended.addEventListener('abort', end)
  if (ended.aborted) end()
  const timer = systemClock.timer(startMs, () => stop.abort('deadline'))
  const found: unknown[] = []
  let bytes = 0
  try {
    const fault = await upstream.ready(stop)
    if (fault !== undefined) return ended.aborted ? 'it was interrupted' : reasonOf(fault)
    if (upstream.describe().capabilities?.tools === undefined) return []
    for await (const definition of upstream.items('tool', stop)) {
      bytes += definition.bytes.length
      if (found.length >= mostTools || bytes > mostBytes) return `it lists more than ${mostTools} tools, or more than ${mostBytes} bytes`
      found.push(definition.json())
    }
    if (stop.aborted) return ended.aborted ? 'it was interrupted' : `its list did not come within ${startMs} ms`
    return found
  } catch (error) {
    if (error instanceof EndlessList) return error.message
    if (error instanceof UpstreamFault) return ended.aborted ? 'it was interrupted' : reasonOf(error.fault)
    throw error
  } finally {
    timer.cancel()
    ended.removeEventListener('abort', end)
  }
}

function reasonOf(fault: UpstreamFault['fault']): string {
  return String(fault.detail.reason ?? fault.message)
}

/** A gateway behind a UNIX socket, which speaks the present revision. */
async function throughSocket(source: Extract<Source, { readonly kind: 'address' }>, options: ReadingOptions): Promise<Contracts> {
  const client = new GatewayClient(source.url, { ...(await authorizationFor(source.url, options.token, '')), ...options.headers })
  const name = serverNameOf(source)
  try {
    const { tools, notes } = byName(name, await client.list('tools/list', 'tools'))
    return { label: source.label, servers: new Map([[name, { identity: null, tools }]]), notes }
  } catch (error) {
    if (!(error instanceof ClientProblem)) throw error
    return { label: source.label, servers: new Map([[name, { identity: null, tools: new Map(), unreachable: error.message }]]), notes: [] }
  }
}
