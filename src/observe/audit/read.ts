// Reading the audit: rows by what they say, the rows of one run or call, and pages of them. Rows come in the order in which they were written: that of a
// call when it had its outcome. What is not indexed yet is found like what is.
import { auditKey } from '../../core/audit/audit-key.ts'
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Cell, Row, Stored } from '../../core/ports/durable.ts'
import { type CallWindow, callWindows, timeOfCall } from './call-window.ts'
import { decodeRow } from './decode.ts'
import type { AuditRow } from './row.ts'

export interface AuditFilter {
  /** Of the time that rows tell of, both included, in ms since the epoch. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** Correlation id. */
  readonly id?: string | undefined
  /** Id of a run; two principals may have one of the same id. */
  readonly run?: string | undefined
  /** Subject. */
  readonly principal?: string | undefined
  /** `server` or `server/name`. */
  readonly tool?: string | undefined
  readonly team?: string | undefined
  /** Name of the client program. */
  readonly client?: string | undefined
  /** `call`, `authenticate`, …; `access`: calls of which a rule decided; `content`: calls of which something was masked. */
  readonly about?: string | undefined
  readonly denied?: boolean | undefined
  /** Calls whose result was doubtful. */
  readonly suspect?: boolean | undefined
  /** Kind of a fault; `*`: any. */
  readonly fault?: string | undefined
}

export interface AuditPage {
  readonly rows: readonly AuditRow[]
  /** Where the next page begins; undefined where there is none. */
  readonly next: string | undefined
}

export interface Paging {
  readonly order: 'newest' | 'oldest'
  readonly most: number
  /** `next` of the page before. Of anything else nothing is found. */
  readonly after?: string | undefined
}

/** Batches that are read at once: with 256 rows each, some megabytes. */
const batchesAtOnce = 32

/** Rows that fit the filter. */
export async function auditRows(store: AuditRead, filter: AuditFilter, paging: Paging): Promise<Stored<AuditPage>> {
  return filter.id === undefined ? pageOf(store, filter, paging, undefined) : underId(store, filter, filter.id, paging)
}

/** The few rows under one id, all on one page: that of the call, and those of decisions and of how its answer left, which have their key. */
async function underId(store: AuditRead, filter: AuditFilter, id: string, { order }: Paging): Promise<Stored<AuditPage>> {
  const rows: AuditRow[] = []
  const atMs = timeOfCall(id)
  for (const window of [undefined, ...(atMs === undefined ? [] : callWindows(atMs))]) {
    const page = await pageOf(store, { id }, { order: 'oldest', most: mostUnderId }, window)
    if (!page.ok) return page
    for (const row of page.value.rows) if (!rows.some(({ chain, seq }) => chain === row.chain && seq === row.seq)) rows.push(row)
    if (rows.some(({ about }) => about === 'call')) break
  }
  rows.sort((a, b) => a.at - b.at || a.seq - b.seq)
  if (order === 'newest') rows.reverse()
  return { ok: true, value: { rows: rows.filter((row) => fits(row, filter)), next: undefined } }
}

const mostUnderId = 100

async function pageOf(store: AuditRead, filter: AuditFilter, paging: Paging, window: CallWindow | undefined): Promise<Stored<AuditPage>> {
  const found: AuditRow[] = []
  const needle = needleOf(filter)
  let from = paging.after === undefined ? undefined : placeOf(paging.after)
  if (paging.after !== undefined && from === undefined) return { ok: true, value: { rows: [], next: undefined } }
  for (;;) {
    const read = await store.read([hits(filter, paging.order, from, window)])
    if (!read.ok) return read
    const batches = read.value[0] ?? []
    for (const batch of batches) {
      const own = rowsOf(batch, needle).filter((one) => one.row !== undefined && fits(one.row, filter))
      if (paging.order === 'newest') own.reverse()
      for (const { row, n } of own) {
        const place = { atMs: Number(batch.at_ms), chain: String(batch.chain), first: Number(batch.first), n }
        if (from !== undefined && !isPast(place, from, paging.order)) continue
        if (found.length >= paging.most) return { ok: true, value: { rows: found, next: textOf(from as Place) } }
        found.push(row as AuditRow)
        from = place
      }
    }
    const last = batches.at(-1)
    if (last === undefined || batches.length < batchesAtOnce) return { ok: true, value: { rows: found, next: undefined } }
    from = {
      atMs: Number(last.at_ms),
      chain: String(last.chain),
      first: Number(last.first),
      n: paging.order === 'newest' ? -1 : Number.MAX_SAFE_INTEGER,
    }
  }
}

/** All rows that fit, a page after the other, the oldest first: memory holds one page. */
export async function* allRows(store: AuditRead, filter: AuditFilter): AsyncGenerator<Stored<readonly AuditRow[]>> {
  let after: string | undefined
  do {
    const page = await auditRows(store, filter, { order: 'oldest', most: 1_000, after })
    if (!page.ok) {
      yield page
      return
    }
    yield { ok: true, value: page.value.rows }
    after = page.value.next
  } while (after !== undefined)
}

export interface RunRows {
  /** In the order in which the calls began. */
  readonly rows: readonly AuditRow[]
  /** There are more: the first of them are here. */
  readonly cut: boolean
}

/** The rows of a run. `principal`: of two that have a run of the same id. */
export async function rowsOfRun(store: AuditRead, run: string, principal?: string, most = 10_000): Promise<Stored<RunRows>> {
  const page = await auditRows(store, { run, principal }, { order: 'oldest', most })
  if (!page.ok) return page
  const rows = [...page.value.rows].sort((a, b) => a.at - b.at || a.seq - b.seq)
  return { ok: true, value: { rows, cut: page.value.next !== undefined } }
}

/** The row of a call, and those of how its answer left and of decisions under its id; empty where there is none. */
export async function rowsOfCall(store: AuditRead, id: string): Promise<Stored<readonly AuditRow[]>> {
  const page = await auditRows(store, { id }, { order: 'oldest', most: 100 })
  return page.ok ? { ok: true, value: page.value.rows } : page
}

/** Which key finds the fewest. */
function keyOf({ id, run, tool, fault, team, principal, suspect, denied, about }: AuditFilter): string | undefined {
  if (id !== undefined) return `id:${id}`
  if (run !== undefined) return `run:${run}`
  if (fault !== undefined && fault !== '*') return `fault:${fault}`
  if (about === 'content') return 'masked'
  if (suspect === true) return 'suspect'
  if (tool?.includes('/') === true) return `tool:${tool}`
  if (denied === true) return 'denied'
  if (principal !== undefined) return `subject:${principal}`
  if (team !== undefined) return `team:${team}`
  if (tool !== undefined) return `server:${tool}`
  return about === undefined || about === 'access' ? undefined : `about:${about}`
}

const longAgo = 0
const always = Number.MAX_SAFE_INTEGER

/** Batches that may have such rows, of the order of the page, from its place on. */
function hits(
  filter: AuditFilter,
  order: Paging['order'],
  from: Place | undefined,
  window: CallWindow | undefined,
): readonly [string, readonly Cell[]] {
  const key = window === undefined ? keyOf(filter) : undefined
  const { fromMs = longAgo, toMs = always } = filter
  const down = order === 'newest' ? ' DESC' : ''
  const inOrder = (table: string): string => `${table}at_ms${down}, ${table}chain${down}, ${table}first${down}`
  const past = from === undefined ? '' : `AND (at_ms, chain, first) ${order === 'newest' ? '<=' : '>='} (?, ?, ?)`
  const place: readonly Cell[] = from === undefined ? [] : [from.atMs, from.chain, from.first]
  const range: readonly Cell[] = [fromMs, toMs, ...place]
  const time = `at_ms >= ? AND at_min_ms <= ? ${past}`
  const [within, params] =
    window !== undefined
      ? [
          `SELECT at_ms, chain, first FROM audit_chain_batches
           WHERE tenant = '' AND at_ms >= ? AND at_ms <= ? AND at_min_ms <= ? ${past}`,
          [window.writtenFrom, window.writtenTo, window.earliestTo, ...place],
        ]
      : key === undefined
        ? [`SELECT at_ms, chain, first FROM audit_chain_batches WHERE tenant = '' AND ${time}`, range]
        : [
            `SELECT at_ms, chain, first FROM audit_keys WHERE tenant = '' AND k = ? AND ${time}
           UNION ALL SELECT at_ms, chain, first FROM (
             SELECT b.at_ms AS at_ms, b.chain AS chain, b.first AS first, b.at_min_ms AS at_min_ms
             FROM audit_marks m JOIN audit_chain_batches b ON b.tenant = m.tenant AND b.chain = m.chain AND b.first >= m.next
             WHERE m.tenant = '') AS tail
           WHERE ${time}`,
            [auditKey(key), ...range, ...range],
          ]
  const sql = `SELECT b.at_ms AS at_ms, b.chain AS chain, b.first AS first, b.lines AS lines, b.prev AS prev, b.hashes AS hashes
     FROM (${within} ORDER BY ${inOrder('')} LIMIT ${batchesAtOnce}) AS h
     JOIN audit_chain_batches b ON b.tenant = '' AND b.chain = h.chain AND b.first = h.first
     ORDER BY ${inOrder('b.')}`
  return [sql, params]
}

interface Place {
  readonly atMs: number
  readonly chain: string
  readonly first: number
  /** Of the row in its batch: the last one that was given. */
  readonly n: number
}

function textOf({ atMs, chain, first, n }: Place): string {
  return `${atMs}.${chain}.${first}.${n}`
}

function placeOf(text: string): Place | undefined {
  const [, atMs, chain, first, n] = /^(\d{1,16})\.([0-9a-f]{1,64})\.(\d{1,16})\.(-?\d{1,16})$/.exec(text) ?? []
  return chain === undefined ? undefined : { atMs: Number(atMs), chain, first: Number(first), n: Number(n) }
}

/** Whether the row was not given before. */
function isPast(row: Place, last: Place, order: Paging['order']): boolean {
  if (row.atMs !== last.atMs || row.chain !== last.chain || row.first !== last.first) return true
  return order === 'newest' ? row.n < last.n : row.n > last.n
}

/** What stands in the line of each row that fits, so that the others need not be read. */
function needleOf({ id, run, principal, fault }: AuditFilter): string {
  return JSON.stringify(id ?? run ?? (fault === '*' ? undefined : fault) ?? principal ?? '').slice(1, -1)
}

export interface ReadRow {
  readonly n: number
  /** As it was hashed. */
  readonly line: string
  /** Undefined where it is no row. */
  readonly row: AuditRow | undefined
}

/** The rows of a batch as the store gives it; those without the needle are undefined. */
export function rowsOf(batch: Row, needle = ''): ReadRow[] {
  const { chain, first, prev } = batch
  const hashes = Buffer.from(bytesOf(batch.hashes))
  const hashAt = (n: number): string => hashes.toString('hex', n * 32, n * 32 + 32)
  return textOfLines(batch)
    .split('\n')
    .map((line, n) => ({
      n,
      line,
      row: line.includes(needle)
        ? decodeRow(line, String(chain), Number(first) + n, n === 0 ? String(prev) : hashAt(n - 1), hashAt(n))
        : undefined,
    }))
}

export function textOfLines({ lines }: Row): string {
  return Buffer.from(bytesOf(lines)).toString()
}

export function bytesOf(cell: Cell | undefined): Uint8Array {
  return cell instanceof Uint8Array ? cell : Buffer.alloc(0)
}

function fits(row: AuditRow, filter: AuditFilter): boolean {
  const { fromMs = longAgo, toMs = always, id, run, principal, tool, team, client, about, denied, suspect, fault } = filter
  if (row.at < fromMs || row.at > toMs) return false
  if (id !== undefined && row.id !== id) return false
  if (run !== undefined && row.run !== run) return false
  if (principal !== undefined && row.subject !== principal) return false
  if (team !== undefined && row.team !== team) return false
  if (client !== undefined && row.client !== client) return false
  if (about !== undefined && !isAbout(row, about)) return false
  if (denied === true && row.decision !== 'denied') return false
  if (suspect === true && row.suspect === null) return false
  if (fault !== undefined && (fault === '*' ? row.fault === null : row.fault?.kind !== fault)) return false
  return tool === undefined || row.upstream === tool || `${row.upstream}/${row.item}` === tool
}

function isAbout(row: AuditRow, about: string): boolean {
  if (about === 'access') return row.about === 'call' && row.decision !== 'none'
  if (about === 'content') return row.about === 'content' || row.masked !== null
  return row.about === about
}
