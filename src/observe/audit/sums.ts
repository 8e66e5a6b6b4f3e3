// What calls cost, by whatever it is asked by. Read from sums by hour that are kept beside the rows of the audit, and from the rows that are not
// added up yet, all of one moment, so that every call counts once.
import { runUsageKey, usageSums } from '../../core/audit/usage-columns.ts'
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Cell, Row, Stored } from '../../core/ports/durable.ts'
import { named, tailOf, tailQueries, tailUsage } from './tail.ts'

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

const hourMs = 3_600_000
const dayMs = 24 * hourMs
type Part = (typeof runUsageKey)[number]

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
  const needed = runUsageKey.filter((part) => by.some((dimension) => neededBy[dimension].includes(part)))
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

/** Rows of sums, by these parts of their key at least. */
async function summed(store: AuditRead, needed: readonly Part[], filter: SumsFilter): Promise<Stored<readonly Row[]>> {
  const [where, params] = whereOf(filter)
  const group = needed.length === 0 ? '' : `GROUP BY ${needed.join(', ')}`
  const names = needed.map((part) => `${part} AS ${part}, `).join('')
  const sums = usageSums.map((column) => `SUM(${column}) AS ${column}`).join(', ')
  const read = await store.read([
    [`SELECT ${names}${sums} FROM audit_run_usage WHERE tenant = '' AND ${where} ${group}`, params],
    ...tailQueries,
  ])
  if (!read.ok) return read
  const [kept = [], batches = [], beyond = []] = read.value
  const tail = tailOf(batches, beyond)
  if (!tail.ok) return tail
  const late = [...tailUsage(tail.value).values()].map((values) => named([...runUsageKey, ...usageSums], values))
  const rows = kept.filter(({ calls }) => Number(calls) > 0)
  return { ok: true, value: [...rows, ...late.filter((row) => fits(row, filter))] }
}

function whereOf({ fromMs, toMs, run, principal, tool, team, client }: SumsFilter): readonly [string, readonly Cell[]] {
  const all: [string, Cell][] = []
  if (fromMs !== undefined) all.push(['hour >= ?', hourOf(fromMs)])
  if (toMs !== undefined) all.push(['hour <= ?', hourOf(toMs)])
  if (run !== undefined) all.push(['run = ?', run])
  if (principal !== undefined) all.push(['subject = ?', principal])
  if (team !== undefined) all.push(['team = ?', team])
  if (client !== undefined) all.push(['client = ?', client])
  const [server, name] = serverAndName(tool)
  if (server !== undefined) all.push(['upstream = ?', server])
  if (name !== undefined) all.push(['item = ?', name])
  return [all.length === 0 ? '1 = 1' : all.map(([text]) => text).join(' AND '), all.map(([, value]) => value)]
}

/** A server has no slash in its name. */
export function serverAndName(tool: string | undefined): readonly [string | undefined, string | undefined] {
  if (tool === undefined) return [undefined, undefined]
  const at = tool.indexOf('/')
  return at < 0 ? [tool, undefined] : [tool.slice(0, at), tool.slice(at + 1)]
}

function fits(row: Row, { fromMs, toMs, run, principal, tool, team, client }: SumsFilter): boolean {
  const [server, name] = serverAndName(tool)
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

export function nameOfTool({ upstream, item }: Row): string {
  return item === '' ? String(upstream) : `${upstream}/${item}`
}

function nameOf(dimension: Dimension, row: Row): string {
  switch (dimension) {
    case 'tool':
      return nameOfTool(row)
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
    return { by: this.by, ...sumsIn(Object.fromEntries(usageSums.map((column, n) => [column, this.sums[n] as number]))) }
  }
}

/** Of a row with a column for each sum. */
export function sumsIn(row: Row): Sums {
  const of = (column: (typeof usageSums)[number]): number => Number(row[column])
  return {
    calls: of('calls'),
    faults: of('faults'),
    denied: of('denied'),
    suspects: of('suspects'),
    attempts: of('attempts'),
    tokensSent: of('tokens_sent'),
    tokensGot: of('tokens_got'),
    costNano: of('cost_nano'),
    ms: of('us') / 1_000,
    bytesIn: of('bytes_in'),
    bytesOut: of('bytes_out'),
  }
}
