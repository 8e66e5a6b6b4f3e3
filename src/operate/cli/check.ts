// `signalbox check FILE`: whether a configuration is valid, whether this machine has what it names, and whether the servers answer.

import { resolve } from 'node:path'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { formatProblem, type Problem } from '../../platform/config/index.ts'
import { type Inspected, inspectPostgres } from '../../platform/store/postgres/inspect.ts'
import { kindOf, type Loaded, load } from '../configuration/load.ts'
import { type ServerStatus, startLimitMs, startLoaded } from '../gateway.ts'
import { type Lack, preflight } from '../preflight.ts'
import { styleFor } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { statusTable } from './status-table.ts'

export interface CheckOptions {
  readonly json?: boolean
  /** False: start and connect nothing. */
  readonly connect?: boolean
  readonly profile?: string
}

interface CheckReport {
  readonly code: ExitCode
  readonly file: string
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly broken: readonly { readonly server: string; readonly reason: string }[]
  readonly lacks: readonly Lack[]
  readonly servers: readonly ServerStatus[]
  /** Databases of the stores. */
  readonly stores: readonly CheckedStore[]
}

interface CheckedStore extends Inspected {
  /** For example `stores.durable`. */
  readonly key: string
}

export async function check(file: string, options: CheckOptions): Promise<ExitCode> {
  const report = await inspect(file, options)
  process.stdout.write(options.json === true ? `${jsonForTerminal(JSON.stringify(asData(report)))}\n` : asText(report))
  return report.code
}

async function inspect(file: string, options: CheckOptions): Promise<CheckReport> {
  const full = resolve(process.cwd(), file)
  const kind = kindOf(full)
  const result = await load({
    ...(kind === 'yaml' ? { config: full } : { mcpJson: full }),
    profile: options.profile,
    env: process.env,
    cwd: process.cwd(),
  })
  const nothing = { file, problems: [], warnings: [], broken: [], lacks: [], servers: [], stores: [] }
  if (!result.ok) return { ...nothing, code: exit.invalid, problems: result.problems }
  const { loaded } = result
  const lacks = preflight(loaded.settings, process.env, loaded.stateFolder, loaded.files).filter(
    (lack) => !loaded.broken.some((each) => each.server === lack.server),
  )
  const stores = options.connect === false ? [] : await lookAtStores(loaded)
  const servers = options.connect === false ? [] : await tryServers(loaded)
  const lacking = loaded.broken.length > 0 || lacks.some((lack) => lack.severity === 'failure')
  const silent = servers.some((server) => server.state !== 'ready' && !loaded.broken.some((each) => each.server === server.name))
  const unusable = stores.some(({ trouble }) => trouble !== undefined)
  const code = lacking ? exit.preflight : silent || unusable ? exit.notAnswering : exit.ok
  return { code, file, problems: [], warnings: loaded.warnings, broken: loaded.broken, lacks, servers, stores }
}

async function lookAtStores({ settings }: Loaded): Promise<readonly CheckedStore[]> {
  const { databaseOf } = await import('../../assembly/database.ts')
  const { databaseDomains } = await import('../../assembly/stores.ts')
  const address = databaseOf(settings)
  if (address === undefined) return []
  return [{ key: 'stores.durable', ...(await inspectPostgres(address, databaseDomains, systemClock)) }]
}

/** Starts everything behind a port that nobody knows, and stops it again. */
async function tryServers(loaded: Loaded): Promise<readonly ServerStatus[]> {
  const gateway = await startLoaded(loaded, { trial: true })
  try {
    await gateway.settled(startLimitMs(loaded))
    return gateway.status()
  } finally {
    await gateway.drain()
  }
}

function asText(report: CheckReport): string {
  const style = styleFor(process.stdout)
  const lines: string[] = []
  for (const problem of report.problems) lines.push(formatProblem(problem))
  for (const warning of report.warnings) lines.push(`warning: ${formatProblem(warning)}`)
  for (const { server, reason } of report.broken) lines.push(`servers.${server}: ${reason}`)
  for (const lack of report.lacks) lines.push(`${lack.severity === 'doubt' ? 'warning: ' : ''}${lack.key}: ${lack.what}; ${lack.mend}`)
  for (const { key, selector, candidates } of report.servers.flatMap((server) => server.unmatched)) {
    const mend = candidates.length === 0 ? 'use names as the server itself lists them' : `did you mean ${candidates.join(' or ')}?`
    lines.push(`warning: ${key}.${selector}: selects no ${key.slice(0, -1)} that the server has; ${mend}`)
  }
  for (const store of report.stores) lines.push(`${store.key}: ${told(store)}`)
  const parts = lines.map(forTerminal)
  if (report.servers.length > 0) parts.push(statusTable(report.servers, style))
  parts.push(report.code === exit.ok ? style.good(`${report.file}: ${fine(report)}`) : style.bad(`${report.file}: ${summary[report.code]}`))
  return `${parts.join('\n')}\n`
}

function told({ address, version, tables, trouble }: CheckedStore): string {
  if (version === undefined) return `${address} cannot be used: ${trouble}`
  const found = `${address} answers (PostgreSQL ${version})`
  if (trouble !== undefined) return `${found}, but ${trouble}`
  return `${found}; ${tables === 'current' ? 'its tables are of this version' : 'the next start makes its tables, or brings them forward'}`
}

function fine(report: CheckReport): string {
  return report.servers.length > 0 ? 'valid, and every server answers' : 'valid, and this machine has what it names'
}

const summary: Readonly<Partial<Record<ExitCode, string>>> = {
  [exit.invalid]: 'the configuration is invalid',
  [exit.preflight]: 'not every server can work as it stands',
  [exit.notAnswering]: 'not every server answers, or not the database of the store',
}

function asData(report: CheckReport): unknown {
  const { code, ...rest } = report
  return { ok: code === exit.ok, exitCode: code, ...rest }
}
