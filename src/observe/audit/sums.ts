// What the rows of the audit add up to: runs, and costs by whatever they are asked by. Read from sums by hour that are kept beside the rows, and
// from the rows that are not added up yet, all of one moment, so that every call counts once.
import { auditKey } from '../../core/audit/audit-key.ts'
import { indexBatch, type UsageRow } from '../../core/audit/index-batch.ts'
import { usageKey, usageSums } from '../../core/audit/usage-columns.ts'
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Cell, Row, Stored } from '../../core/ports/durable.ts'
import { indexRow } from './index-row.ts'
import { auditRows, textOfLines } from './read.ts'

/** What costs can be told apart by. `tool` is `server/name`; `principal` the subject. */
export const dimensions = ['team', 'tool', 'server', 'principal', 'client', 'run', 'day', 'hour'] as const
export type Dimension = (typeof dimensions)[number]

export interface SumsFilter {
  /** Whole hours count: the one in which `fromMs` lies, and the one in which `toMs` lies. Ms since the epoch. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  readonly run?: string | undefined
  /** Subject. */
  readonly principal?: string | undefined
  /** `server` or `server/name`. */
  readonly tool?: string | undefined
  readonly team?: string | undefined
  readonly client?: string | undefined
}

export interface Sums {
  readonly calls: number
  /** Calls that ended as a fault or with an error of their tool. */
  readonly faults: number
  readonly denied: number
  readonly suspects: number
  readonly attempts: number
  readonly tokensSent: number
  readonly tokensGot: number
  /** In 10^-9 of the currency, so that sums are exact. */
  readonly costNano: number
  /** Time in calls, one after the other, in ms. */
  readonly ms: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface CostLine extends Sums {
  /** By the dimensions that were asked for, in their order; '' where a call has none. */
  readonly by: readonly string[]
}

export interface CostReport {
  readonly lines: readonly CostLine[]
  readonly total: Sums
  /** The hours that were counted: from the beginning of the first to the end of the last, in ms since the epoch; undefined: all there are. */
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
}

export interface RunSums extends Sums {
  readonly run: string
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly clients: readonly string[]
  readonly teams: readonly string[]
  readonly tools: readonly string[]
  /** When its first call began and its last one, within the hours that were asked for, in ms since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
type Part = (typeof usageKey)[number]

/** Which parts of the key a dimension needs. */
const neededBy: Readonly<Record<Dimension, readonly Part[]>> = {
  team: ['team'],
  tool: ['upstream', 'item'],
  server: ['upstream'],
  principal: ['issuer', 'subject'],
  client: ['client'],
  run: ['run'],
  day: ['hour'],
  hour: ['hour'],
}

/** The most expensive first, and of equal ones those with more calls. */
export async function costBy(store: AuditRead, by: readonly Dimension[], filter: SumsFilter): Promise<Stored<CostReport>> {
  const needed = usageKey.filter((part) => by.some((dimension) => neededBy[dimension].includes(part)))
  const read = await summed(store, needed, filter)
  if (!read.ok) return read
  const lines = new Map<string, Adding>()
  const total = new Adding([])
  for (const row of read.value) {
    const names = by.map((dimension) => nameOf(dimension, row))
    const key = names.join('\u0000')
    const line = lines.get(key) ?? new Adding(names)
    lines.set(key, line)
    line.add(row)
    total.add(row)
  }
  const sorted = [...lines.values()]
    .map((line) => line.line())
    .sort((a, b) => b.costNano - a.costNano || b.calls - a.calls || (a.by.join('\u0000') < b.by.join('\u0000') ? -1 : 1))
  const { fromMs, toMs } = filter
  const { by: _, ...all } = total.line()
  return {
    ok: true,
    value: {
      lines: sorted,
      total: all,
      fromMs: fromMs === undefined ? undefined : hourOf(fromMs),
      toMs: toMs === undefined ? undefined : hourOf(toMs) + hourMs,
    },
  }
}

export interface RunsFilter extends SumsFilter {
  /** At least so much, in 10^-9 of the currency. */
  readonly leastCostNano?: number | undefined
  /** Runs with a call that ended with this kind of fault; `*`: with any. */
  readonly fault?: string | undefined
}

/** Calls with a fault of one kind that are looked at for their runs, the newest. */
const mostFaulty = 10_000

/** The one with the latest call first. */
export async function runsBy(store: AuditRead, filter: RunsFilter): Promise<Stored<readonly RunSums[]>> {
  const { leastCostNano = 0, fault, ...narrow } = filter
  const isOfKind = fault !== undefined && fault !== '*'
  const faulty = isOfKind ? await auditRows(store, { ...narrow, fault, about: 'call' }, { order: 'newest', most: mostFaulty }) : undefined
  if (faulty?.ok === false) return faulty
  const among = faulty === undefined ? undefined : new Set(faulty.value.rows.map(({ run }) => run))
  const read = await summed(store, ['tenant', 'issuer', 'subject', 'run', 'client', 'team', 'upstream', 'item'], narrow)
  if (!read.ok) return read
  const runs = new Map<string, AddingRun>()
  for (const row of read.value) {
    if (row.run === '' || among?.has(String(row.run)) === false) continue
    const key = [row.tenant, row.issuer, row.subject, row.run].join('\u0000')
    const run = runs.get(key) ?? new AddingRun(row)
    runs.set(key, run)
    run.add(row)
  }
  const found = [...runs.values()]
    .map((run) => run.whole())
    .filter((run) => run.costNano >= leastCostNano && (fault === undefined || run.faults > 0))
  return { ok: true, value: found.sort((a, b) => b.lastMs - a.lastMs || (a.run < b.run ? -1 : 1)) }
}

/** Rows of sums, by these parts of their key at least. */
async function summed(store: AuditRead, needed: readonly Part[], filter: SumsFilter): Promise<Stored<readonly Row[]>> {
  const [where, params] = whereOf(filter)
  const group = needed.length === 0 ? '' : `GROUP BY ${needed.join(', ')}`
  const names = needed.map((part) => `${part} AS ${part}, `).join('')
  const sums = [...usageSums.map((column) => `SUM(${column}) AS ${column}`), 'MIN(first_ms) AS first_ms', 'MAX(last_ms) AS last_ms'].join(
    ', ',
  )
  const read = await store.read([
    [`SELECT ${names}${sums} FROM audit_usage WHERE ${where} ${group}`, params],
    [
      `SELECT b.lines AS lines FROM audit_marks m
       JOIN audit_chain_batches b ON b.tenant = m.tenant AND b.chain = m.chain AND b.first >= m.next WHERE m.tenant = ''`,
      [],
    ],
  ])
  if (!read.ok) return read
  const [kept = [], tail = []] = read.value
  const late = new Map<string, UsageRow>()
  for (const batch of tail) indexBatch(indexRow, auditKey, textOfLines(batch), late, 1)
  const rows = kept.filter(({ calls }) => Number(calls) > 0)
  return { ok: true, value: [...rows, ...[...late.values()].map(lateRow).filter((row) => fits(row, filter))] }
}

function whereOf({ fromMs, toMs, run, principal, tool, team, client }: SumsFilter): readonly [string, readonly Cell[]] {
  const all: [string, Cell][] = []
  if (fromMs !== undefined) all.push(['hour >= ?', hourOf(fromMs)])
  if (toMs !== undefined) all.push(['hour <= ?', hourOf(toMs)])
  if (run !== undefined) all.push(['run = ?', run])
  if (principal !== undefined) all.push(['subject = ?', principal])
  if (team !== undefined) all.push(['team = ?', team])
  if (client !== undefined) all.push(['client = ?', client])
  const [server, name] = toolOf(tool)
  if (server !== undefined) all.push(['upstream = ?', server])
  if (name !== undefined) all.push(['item = ?', name])
  return [all.length === 0 ? '1 = 1' : all.map(([text]) => text).join(' AND '), all.map(([, value]) => value)]
}

/** A server has no slash in its name. */
function toolOf(tool: string | undefined): readonly [string | undefined, string | undefined] {
  if (tool === undefined) return [undefined, undefined]
  const at = tool.indexOf('/')
  return at < 0 ? [tool, undefined] : [tool.slice(0, at), tool.slice(at + 1)]
}

/** Its places are those of `UsageRow`. */
function lateRow(values: UsageRow): Row {
  const names = [...usageKey, ...usageSums, 'first_ms', 'last_ms']
  return Object.fromEntries(names.map((name, n) => [name, values[n] as Cell]))
}

function fits(row: Row, { fromMs, toMs, run, principal, tool, team, client }: SumsFilter): boolean {
  const [server, name] = toolOf(tool)
  const hour = Number(row.hour)
  return (
    (fromMs === undefined || hour >= hourOf(fromMs)) &&
    (toMs === undefined || hour <= hourOf(toMs)) &&
    (run === undefined || row.run === run) &&
    (principal === undefined || row.subject === principal) &&
    (team === undefined || row.team === team) &&
    (client === undefined || row.client === client) &&
    (server === undefined || row.upstream === server) &&
    (name === undefined || row.item === name)
  )
}

function hourOf(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs
}

function nameOf(dimension: Dimension, row: Row): string {
  switch (dimension) {
    case 'tool':
      return row.item === '' ? String(row.upstream) : `${row.upstream}/${row.item}`
    case 'server':
      return String(row.upstream)
    case 'principal':
      return String(row.subject)
    case 'day':
      return new Date(Math.floor(Number(row.hour) / dayMs) * dayMs).toISOString().slice(0, 10)
    case 'hour':
      return `${new Date(Number(row.hour)).toISOString().slice(0, 13)}:00Z`
    default:
      return String(row[dimension])
  }
}

class Adding {
  private readonly by: readonly string[]
  private readonly sums = new Array<number>(usageSums.length).fill(0)

  constructor(by: readonly string[]) {
    this.by = by
  }

  add(row: Row): void {
    for (const [n, column] of usageSums.entries()) this.sums[n] = (this.sums[n] as number) + Number(row[column])
  }

  line(): CostLine {
    const [
      calls = 0,
      faults = 0,
      denied = 0,
      suspects = 0,
      attempts = 0,
      tokensSent = 0,
      tokensGot = 0,
      costNano = 0,
      us = 0,
      bytesIn = 0,
      bytesOut = 0,
    ] = this.sums
    return { by: this.by, calls, faults, denied, suspects, attempts, tokensSent, tokensGot, costNano, ms: us / 1_000, bytesIn, bytesOut }
  }
}

class AddingRun extends Adding {
  private readonly first: Row
  private readonly clients = new Set<string>()
  private readonly teams = new Set<string>()
  private readonly tools = new Set<string>()
  private from = Number.POSITIVE_INFINITY
  private to = 0

  constructor(first: Row) {
    super([])
    this.first = first
  }

  override add(row: Row): void {
    super.add(row)
    this.from = Math.min(this.from, Number(row.first_ms))
    this.to = Math.max(this.to, Number(row.last_ms))
    if (row.client !== '') this.clients.add(String(row.client))
    if (row.team !== '') this.teams.add(String(row.team))
    if (row.upstream !== '') this.tools.add(nameOf('tool', row))
  }

  whole(): RunSums {
    const { by: _, ...sums } = this.line()
    const { run, tenant, issuer, subject } = this.first
    return {
      run: String(run),
      tenant: String(tenant),
      issuer: String(issuer),
      subject: String(subject),
      clients: [...this.clients].sort(),
      teams: [...this.teams].sort(),
      tools: [...this.tools].sort(),
      firstMs: this.from,
      lastMs: this.to,
      ...sums,
    }
  }
}
