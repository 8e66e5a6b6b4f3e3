// Figures of the last hours beside what is usual of them: sums by hour against the same hours of the days before, and what single rows tell
// against the same hours of the day before. What is not known is null.
import { type Category, categories } from '../../core/faults/fault.ts'
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Stored } from '../../core/ports/durable.ts'
import { type RecentCall, type RecentCalls, recentCalls } from './recent.ts'
import { costBy, type Sums } from './sums.ts'

export interface Figure {
  /** Null where there was nothing to measure. */
  readonly value: number | null
  readonly usual: { readonly median: number; readonly low: number; readonly high: number; readonly days: number } | null
}

/** Against the same hours of the day before. */
export interface Compared {
  readonly value: number | null
  readonly usual: number | null
}

export interface SummaryFigures {
  readonly calls: Figure
  readonly faults: Figure
  readonly suspects: Figure
  readonly denied: Figure
  readonly tokens: Figure
  /** In the currency. */
  readonly cost: Figure
  /** Mean duration of calls, in ms. */
  readonly meanMs: Figure
}

export interface SummaryOfCalls {
  /** Calls that the following is of: the newest. */
  readonly calls: number
  readonly isAll: boolean
  /** Of the day before; null where nothing is kept of it. */
  readonly dayBefore: { readonly calls: number; readonly isAll: boolean } | null
  /** Of calls of tools that did not fail, in ms. */
  readonly p50: Compared
  readonly p99: Compared
  /** Shares of all calls. */
  readonly faults: readonly { readonly category: Category; readonly calls: number; readonly share: Compared }[]
  /** Tools, by how much slower they are than usual; those without a usual last. 95 of 100 calls take so long at most, in ms. */
  readonly slowest: readonly { readonly tool: string; readonly calls: number; readonly p95: Compared; readonly ratio: number | null }[]
}

export interface Summary {
  /** Whole hours: the beginning of the one in which the window begins. Ms since the epoch. */
  readonly fromMs: number
  readonly toMs: number
  readonly figures: SummaryFigures
  readonly rows: SummaryOfCalls
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Days before that say what is usual. */
const usualDays = 7
/** Rows that are looked at one by one. */
const mostRows = 10_000
/** Calls of a tool that say how long it takes. */
const leastCalls = 5
const mostSlow = 10

/** Of a window of a day at most. */
export async function summaryOf(store: AuditRead, nowMs: number, windowMs: number): Promise<Stored<Summary>> {
  const fromMs = hourOf(nowMs - windowMs)
  const sums = await costBy(store, ['hour'], { fromMs: fromMs - (usualDays + 1) * dayMs, toMs: nowMs })
  if (!sums.ok) return sums
  const now = await recentCalls(store, fromMs, nowMs, mostRows)
  if (!now.ok) return now
  const before = await recentCalls(store, fromMs - dayMs, nowMs - dayMs, mostRows)
  if (!before.ok) return before
  const hours = new Map(sums.value.lines.map((line) => [Date.parse(`${line.by[0]?.slice(0, 13)}:00:00Z`), line]))
  return { ok: true, value: { fromMs, toMs: nowMs, figures: figuresOf(hours, fromMs, nowMs), rows: rowsOf(now.value, before.value) } }
}

/** Sums by the beginning of their hour. */
type Hours = ReadonlyMap<number, Sums>

function figuresOf(hours: Hours, fromMs: number, nowMs: number): SummaryFigures {
  const first = Math.min(...hours.keys())
  const days = Array.from({ length: usualDays }, (_, n) => (n + 1) * dayMs).filter((ago) => first <= fromMs - ago)
  const figure = (of: (sums: readonly (readonly [Sums, number])[]) => number | null): Figure => ({
    value: of(within(hours, fromMs, nowMs, 1)),
    usual: usualOf(days.map((ago) => of(within(hours, fromMs - ago, nowMs - ago, partOf(nowMs)))).filter((value) => value !== null)),
  })
  const added = (value: (sums: Sums) => number) => figure((all) => all.reduce((sum, [own, part]) => sum + value(own) * part, 0))
  return {
    calls: added(({ calls }) => calls),
    faults: added(({ faults }) => faults),
    suspects: added(({ suspects }) => suspects),
    denied: added(({ denied }) => denied),
    tokens: added(({ tokensSent, tokensGot }) => tokensSent + tokensGot),
    cost: inCurrency(added(({ costNano }) => costNano)),
    meanMs: figure((all) => {
      const calls = all.reduce((sum, [own, part]) => sum + own.calls * part, 0)
      return calls === 0 ? null : all.reduce((sum, [own, part]) => sum + own.ms * part, 0) / calls
    }),
  }
}

/** The hours of a span, each with how much of it counts: of the last one `part`. */
function within(hours: Hours, fromMs: number, toMs: number, part: number): (readonly [Sums, number])[] {
  const found: (readonly [Sums, number])[] = []
  for (let hour = fromMs; hour <= toMs; hour += hourMs) {
    const sums = hours.get(hour)
    if (sums !== undefined) found.push([sums, hour === hourOf(toMs) ? part : 1])
  }
  return found
}

/** How much of its hour is over. */
function partOf(ms: number): number {
  return (ms - hourOf(ms)) / hourMs
}

function usualOf(values: readonly number[]): Figure['usual'] {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const median = ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2
  return { median, low: sorted[0] as number, high: sorted.at(-1) as number, days: sorted.length }
}

function inCurrency({ value, usual }: Figure): Figure {
  const amount = (nano: number): number => nano / 1e9
  if (usual === null) return { value: value === null ? null : amount(value), usual }
  const { median, low, high, days } = usual
  return { value: value === null ? null : amount(value), usual: { median: amount(median), low: amount(low), high: amount(high), days } }
}

function rowsOf(now: RecentCalls, before: RecentCalls): SummaryOfCalls {
  const wasThere = before.calls.length > 0
  const answered = [answeredIn(now.calls), answeredIn(before.calls)] as const
  const compared = (q: number): Compared => ({ value: quantile(answered[0], q), usual: quantile(answered[1], q) })
  return {
    calls: now.calls.length,
    isAll: now.isAll,
    dayBefore: wasThere ? { calls: before.calls.length, isAll: before.isAll } : null,
    p50: compared(0.5),
    p99: compared(0.99),
    faults: categories.map((category) => {
      const [here, there] = [now, before].map(({ calls }) => calls.filter((call) => call.category === category).length) as [number, number]
      return { category, calls: here, share: { value: shareOf(here, now.calls.length), usual: shareOf(there, before.calls.length) } }
    }),
    slowest: slowest(now.calls, before.calls),
  }
}

function slowest(now: readonly RecentCall[], before: readonly RecentCall[]): SummaryOfCalls['slowest'] {
  const usual = byTool(before)
  const tools = [...byTool(now)].map(([tool, all]) => {
    const p95 = { value: quantile(all, 0.95), usual: quantile(usual.get(tool) ?? [], 0.95) }
    const ratio = p95.value === null || p95.usual === null || p95.usual === 0 ? null : p95.value / p95.usual
    return { tool, calls: all.length, p95, ratio }
  })
  return tools.sort((a, b) => (b.ratio ?? 0) - (a.ratio ?? 0) || (b.p95.value ?? 0) - (a.p95.value ?? 0)).slice(0, mostSlow)
}

/** Durations by tool, of those with enough calls. */
function byTool(calls: readonly RecentCall[]): Map<string, number[]> {
  const tools = new Map<string, number[]>()
  for (const { tool, ms, category } of calls) {
    if (tool === undefined || ms === undefined || category !== undefined) continue
    const known = tools.get(tool)
    if (known === undefined) tools.set(tool, [ms])
    else known.push(ms)
  }
  for (const [tool, all] of tools) {
    if (all.length < leastCalls) tools.delete(tool)
    else all.sort((a, b) => a - b)
  }
  return tools
}

/** Durations of calls of tools that did not fail, ascending. */
function answeredIn(calls: readonly RecentCall[]): number[] {
  const all = calls.flatMap(({ tool, ms, category }) => (tool === undefined || ms === undefined || category !== undefined ? [] : [ms]))
  return all.sort((a, b) => a - b)
}

/** The nearest of those that are there; null of none. */
function quantile(ascending: readonly number[], q: number): number | null {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? null
}

function shareOf(part: number, all: number): number | null {
  return all === 0 ? null : part / all
}

function hourOf(ms: number): number {
  return Math.floor(ms / hourMs) * hourMs
}
