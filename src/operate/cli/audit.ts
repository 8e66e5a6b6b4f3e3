// `signalbox audit query` and `audit verify`: reads the audit in the store of a gateway, whether it runs or not.
import { durationMs } from '../../core/text/duration.ts'
import { jsonForTerminal } from '../../core/text/terminal.ts'
import { type AuditRow, createAuditStore, queryAudit, verifyAudit } from '../../observe/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { failed, withStore } from './with-store.ts'

interface AuditOptions {
  readonly config?: string
  readonly json?: boolean
}

export interface QueryOptions extends AuditOptions {
  readonly principal?: string
  readonly tool?: string
  readonly run?: string
  readonly about?: string
  readonly from: string
  readonly to?: string
  readonly denied?: boolean
  readonly most: string
}

export async function auditQuery(options: QueryOptions): Promise<ExitCode> {
  const now = systemClock.now()
  const fromMs = timeOf(options.from, now)
  const toMs = options.to === undefined ? now : timeOf(options.to, now)
  const most = Number(options.most)
  if (fromMs === undefined) return usage('--from is neither a time in ISO 8601 nor a duration such as 2h')
  if (toMs === undefined) return usage('--to is neither a time in ISO 8601 nor a duration such as 2h')
  if (!Number.isInteger(most) || most < 1 || most > 1_000_000) return usage('--most is no number from 1 to 1000000')
  return withStore(options, async ({ durable }) => {
    const store = createAuditStore(durable)
    const allowed = options.denied === true ? false : undefined
    const found = await queryAudit(store, {
      fromMs,
      toMs,
      principal: options.principal,
      tool: options.tool,
      run: options.run,
      about: options.about,
      allowed,
      most,
    })
    if (!found.ok) return failed(found.fault.message)
    if (options.json === true) for (const row of found.value) process.stdout.write(`${jsonForTerminal(JSON.stringify(shown(row)))}\n`)
    else process.stdout.write(`${found.value.length === 0 ? 'No such decision.' : rowsTable(found.value)}\n`)
    return exit.ok
  })
}

export async function auditVerify(options: AuditOptions): Promise<ExitCode> {
  return withStore(options, async ({ durable }) => {
    const store = createAuditStore(durable)
    const found = await verifyAudit(store)
    if (!found.ok) return failed(found.fault.message)
    const broken = found.value.filter((chain) => chain.broken !== undefined)
    const verdict = broken.length === 0 ? 'whole' : 'broken'
    if (options.json === true) process.stdout.write(`${JSON.stringify({ verdict, chains: found.value })}\n`)
    else {
      const style = styleFor(process.stdout)
      const rows = found.value.map(({ chain, first, rows: count, hash, broken: at }) => [
        chain,
        `${first}`,
        `${count}`,
        hash.slice(0, 16),
        at === undefined ? 'whole' : `BROKEN at row ${at.seq}: ${at.why}`,
      ])
      process.stdout.write(`${table([['chain', 'first row', 'rows', 'last hash', ''], ...rows])}\n`)
      const told =
        broken.length === 0 ? style.good('No row was changed, taken out or put in.') : style.bad(`${broken.length} chains are broken.`)
      process.stdout.write(`${told} That the end of a chain is missing, or a whole chain, shows by its last hash alone.\n`)
    }
    return broken.length === 0 ? exit.ok : exit.failed
  })
}

/** Milliseconds since the epoch; a duration is that long ago. */
function timeOf(text: string, now: number): number | undefined {
  const ago = durationMs(text)
  if (ago !== undefined) return now - ago
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}

function shown({ at, ...row }: AuditRow): Record<string, unknown> {
  return { at: new Date(at).toISOString(), ...row }
}

function rowsTable(rows: readonly AuditRow[]): string {
  const style = styleFor(process.stdout)
  const cells = rows.map((row) => [
    new Date(row.at).toISOString(),
    row.allowed ? 'allowed' : 'DENIED',
    row.about,
    row.subject ?? '',
    row.client ?? '',
    row.upstream === null ? (row.method ?? '') : `${row.upstream}/${row.item ?? ''}`,
    row.rule,
    row.credential,
    contractText(row),
    row.reason ?? '',
  ])
  const head = ['at', '', 'about', 'subject', 'client', 'what', 'rule', 'credential', 'contract', 'reason']
  return table([head, ...cells], (cell, row, column) =>
    row === 0 ? style.dim(cell) : column === 1 && cell.trim() === 'DENIED' ? style.bad(cell) : cell,
  )
}

/** The version, and as much of the digest as tells contracts of one tool apart; `--json` has all of it. */
function contractText({ version, contract }: AuditRow): string {
  return `${version === null ? '' : `v${version} `}${contract?.slice(0, 15) ?? ''}`.trim()
}

function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
}
