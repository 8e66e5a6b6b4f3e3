// The runs that the audit tells of, a page of them after the other: read from sums by run that are kept beside the rows, and from the rows that
// are not added up yet.
import { auditKey } from '../../core/audit/audit-key.ts'
import { runKey, runUsageKey, usageSums } from '../../core/audit/usage-columns.ts'
import { usageSumsOf } from '../../core/audit/usage-sums.ts'
import type { AuditQuery, AuditRead } from '../../core/ports/audit-store.ts'
import type { Cell, Row, Stored } from '../../core/ports/durable.ts'
import { nameOfTool, type Sums, type SumsFilter, serverAndName, sumsIn } from './sums.ts'
import { named, type TailBatch, tailOf, tailQueries, tailUsage } from './tail.ts'

export interface RunSums extends Sums {
  readonly run: string
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  /** Of each of these at most a hundred. */
  readonly clients: readonly string[]
  readonly teams: readonly string[]
  readonly tools: readonly string[]
  /** Kinds of the faults with which its calls ended. */
  readonly faultKinds: readonly string[]
  /** When its first call began and its last one, in ms since the epoch. */
  readonly firstMs: number
  readonly lastMs: number
}

/** Runs that were under way in the time, with a call of such a tool, team and client; all that they did is added up. */
export interface RunsFilter extends SumsFilter {
  /** At least so much, in 10^-9 of the currency. */
  readonly leastCostNano?: number | undefined
  /** With a call that ended with this kind of fault; `*`: with any, or with an error of its tool. */
  readonly fault?: string | undefined
}

export interface RunsPage {
  /** The one with the latest call first. */
  readonly runs: readonly RunSums[]
  /** Where the next page begins; undefined where there is none. */
  readonly next: RunPlace | undefined
}

/** `lastMs` and `k` of the last run of a page. */
export type RunPlace = readonly [number, number]

export interface RunsPaging {
  readonly most: number
  readonly after?: RunPlace | undefined
}

const columns = [...runKey, ...usageSums, 'first_ms', 'last_ms']
const owner = ['run', 'principal_tenant', 'issuer', 'subject'] as const
const mostNames = 100
/** Runs that are asked for in one statement. */
const atOnce = 400

export async function runsBy(store: AuditRead, filter: RunsFilter, { most, after }: RunsPaging): Promise<Stored<RunsPage>> {
  const first = await store.read(tailQueries)
  if (!first.ok) return first
  const tail = tailOf(first.value[0] ?? [], first.value[1] ?? [])
  if (!tail.ok) return tail
  const touched = usageSumsOf(auditKey, tailUsage(tail.value)).runs.map(([k = 0]) => k)
  const read = await store.read([
    ["SELECT chain, next FROM audit_marks WHERE tenant = ''", []],
    pageOf(filter, most + 1 + touched.length, after),
    ...chunks(touched).map(
      (some): AuditQuery => [`SELECT ${columns.join(', ')} FROM audit_runs WHERE tenant = '' AND k IN (${places(some)})`, some],
    ),
  ])
  if (!read.ok) return read
  const [marks = [], page = [], ...stored] = read.value
  const late = await lateRuns(store, stillIn(tail.value, marks), stored.flat(), filter)
  if (!late.ok) return late
  const { all, fitting } = late.value
  const found = [
    ...page.filter((row) => !all.has(ownerOf(row))),
    ...fitting.filter((row) => isWithin(row, filter) && (after === undefined || isAfter(row, after))),
  ].sort((a, b) => Number(b.last_ms) - Number(a.last_ms) || Number(b.k) - Number(a.k))
  const shown = found.slice(0, most)
  const last = found.length > most ? shown.at(-1) : undefined
  const names = await namesOf(store, shown)
  if (!names.ok) return names
  for (const row of late.value.usage) if (shown.some((one) => ownerOf(one) === ownerOf(row))) addName(names.value, row)
  return {
    ok: true,
    value: {
      runs: shown.map((row) => runOf(row, names.value.get(ownerOf(row)) ?? [])),
      next: last === undefined ? undefined : [Number(last.last_ms), Number(last.k)],
    },
  }
}

/** Batches that were not indexed at the later moment either. */
function stillIn(tail: readonly TailBatch[], marks: readonly Row[]): readonly TailBatch[] {
  const next = new Map(marks.map((mark) => [String(mark.chain), Number(mark.next)]))
  return tail.filter(({ chain, first }) => first >= (next.get(chain) ?? 0))
}

interface Late {
  /** Runs with rows that are not indexed. */
  readonly all: ReadonlySet<string>
  /** Of these those with a call of what is asked for, with all that they did. */
  readonly fitting: readonly Row[]
  readonly usage: readonly Row[]
}

async function lateRuns(store: AuditRead, tail: readonly TailBatch[], stored: readonly Row[], filter: RunsFilter): Promise<Stored<Late>> {
  const rows = tailUsage(tail)
  const known = new Map(stored.map((row) => [ownerOf(row), row]))
  const runs = usageSumsOf(auditKey, rows).runs.map((values) => together(named(columns, values), known))
  const usage = [...rows.values()].map((values) => named(runUsageKey, values))
  const all = new Set(runs.map(ownerOf))
  if (!hasParts(filter)) return { ok: true, value: { all, fitting: runs, usage } }
  const names = await namesOf(store, runs)
  if (!names.ok) return names
  for (const row of usage) addName(names.value, row)
  const fitting = runs.filter((run) => (names.value.get(ownerOf(run)) ?? []).some((row) => isOf(row, filter)))
  return { ok: true, value: { all, fitting, usage } }
}

function together(late: Row, known: ReadonlyMap<string, Row>): Row {
  const kept = known.get(ownerOf(late))
  if (kept === undefined) return late
  const sums = Object.fromEntries(usageSums.map((sum) => [sum, Number(kept[sum]) + Number(late[sum])]))
  const first_ms = Math.min(Number(kept.first_ms), Number(late.first_ms))
  const last_ms = Math.max(Number(kept.last_ms), Number(late.last_ms))
  return { ...late, ...sums, first_ms, last_ms }
}

function pageOf(filter: RunsFilter, most: number, after: RunPlace | undefined): AuditQuery {
  const { fromMs, toMs, run, principal, leastCostNano = 0, fault } = filter
  const all: [string, ...Cell[]][] = [["r.tenant = '' AND r.run <> ''"]]
  if (after !== undefined) all.push(['(r.last_ms, r.k) < (?, ?)', ...after])
  if (fromMs !== undefined) all.push(['r.last_ms >= ?', Math.floor(fromMs)])
  if (toMs !== undefined) all.push(['r.first_ms <= ?', Math.floor(toMs)])
  if (run !== undefined) all.push(['r.run = ?', run])
  if (principal !== undefined) all.push(['r.subject = ?', principal])
  if (leastCostNano > 0) all.push(['r.cost_nano >= ?', leastCostNano])
  if (fault !== undefined) all.push(['r.faults > 0'])
  const [parts, values] = partsOf(filter)
  if (parts.length > 0) {
    const same = owner.map((column) => `u.${column} = r.${column}`).join(' AND ')
    all.push([`EXISTS (SELECT 1 FROM audit_run_usage u WHERE u.tenant = '' AND ${same} AND ${parts.join(' AND ')})`, ...values])
  }
  const sql = `SELECT ${columns.map((column) => `r.${column} AS ${column}`).join(', ')} FROM audit_runs r
     WHERE ${all.map(([text]) => text).join(' AND ')} ORDER BY r.last_ms DESC, r.k DESC LIMIT ${most}`
  return [sql, all.flatMap(([, ...params]) => params)]
}

/** What has to be true of one and the same sum of a run. */
function partsOf({ tool, team, client, fault }: RunsFilter): readonly [readonly string[], readonly Cell[]] {
  const [server, name] = serverAndName(tool)
  const wanted = { team, client, upstream: server, item: name, fault: fault === '*' ? undefined : fault }
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return [given.map(([column]) => `u.${column} = ?`), given.map(([, value]) => value)]
}

function hasParts(filter: RunsFilter): boolean {
  return partsOf(filter)[0].length > 0
}

function isOf(row: Row, { tool, team, client, fault }: RunsFilter): boolean {
  const [server, name] = serverAndName(tool)
  return (
    (team === undefined || row.team === team) &&
    (client === undefined || row.client === client) &&
    (server === undefined || row.upstream === server) &&
    (name === undefined || row.item === name) &&
    (fault === undefined || fault === '*' || row.fault === fault)
  )
}

function isWithin(row: Row, { fromMs, toMs, run, principal, leastCostNano = 0, fault }: RunsFilter): boolean {
  return (
    row.run !== '' &&
    (fromMs === undefined || Number(row.last_ms) >= Math.floor(fromMs)) &&
    (toMs === undefined || Number(row.first_ms) <= Math.floor(toMs)) &&
    (run === undefined || row.run === run) &&
    (principal === undefined || row.subject === principal) &&
    Number(row.cost_nano) >= leastCostNano &&
    (fault === undefined || Number(row.faults) > 0)
  )
}

function isAfter({ last_ms, k }: Row, [lastMs, last]: RunPlace): boolean {
  return Number(last_ms) < lastMs || (Number(last_ms) === lastMs && Number(k) < last)
}

type Names = Map<string, Row[]>

/** What the sums of these runs are of. */
async function namesOf(store: AuditRead, runs: readonly Row[]): Promise<Stored<Names>> {
  const names: Names = new Map()
  const parts = [...owner, 'team', 'client', 'upstream', 'item', 'fault'].map((column) => `u.${column} AS ${column}`).join(', ')
  const read = await store.read(
    chunks(runs).map((some): AuditQuery => {
      const wanted = some.map(() => '(?, ?, ?, ?)').join(', ')
      const sql = `SELECT DISTINCT ${parts} FROM audit_run_usage u
         WHERE u.tenant = '' AND (${owner.map((column) => `u.${column}`).join(', ')}) IN (VALUES ${wanted})`
      return [sql, some.flatMap((row) => owner.map((column) => row[column] ?? ''))]
    }),
  )
  if (!read.ok) return read
  for (const row of read.value.flat()) addName(names, row)
  return { ok: true, value: names }
}

function addName(names: Names, row: Row): void {
  const of = ownerOf(row)
  const known = names.get(of)
  if (known === undefined) names.set(of, [row])
  else known.push(row)
}

function ownerOf(row: Row): string {
  return owner.map((column) => row[column]).join('\u0000')
}

function runOf(row: Row, names: readonly Row[]): RunSums {
  const distinct = (of: (name: Row) => Cell | undefined): string[] =>
    [...new Set(names.map((name) => String(of(name) ?? '')))]
      .filter((name) => name !== '')
      .sort()
      .slice(0, mostNames)
  return {
    run: String(row.run),
    tenant: String(row.principal_tenant),
    issuer: String(row.issuer),
    subject: String(row.subject),
    clients: distinct(({ client }) => client),
    teams: distinct(({ team }) => team),
    tools: distinct((name) => (name.upstream === '' ? '' : nameOfTool(name))),
    faultKinds: distinct(({ fault }) => fault),
    firstMs: Number(row.first_ms),
    lastMs: Number(row.last_ms),
    ...sumsIn(row),
  }
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / atOnce) }, (_, n) => all.slice(n * atOnce, (n + 1) * atOnce))
}

function places(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ')
}
