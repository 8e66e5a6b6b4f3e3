// What was used of budgets, in the durable store, so that a restart gives nothing back: the table, and the one file that knows it. Gathered
// in memory and written behind; gateways that share the store add up. Amounts are kept by parts of their period, and count again as of the
// end of their part: a budget may come back a part late, never early.
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Domain, Durable } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { partsOf } from './limit.ts'

export const budgetUsageDomain: Domain = {
  name: 'budget_usage',
  migrations: [
    {
      what: 'what was used of budgets, by parts of their periods',
      statements: [
        `CREATE TABLE budget_usage (
           tenant TEXT NOT NULL, key TEXT NOT NULL, began_ms BIGINT NOT NULL,
           ended_ms BIGINT NOT NULL, period_ms BIGINT NOT NULL, amount DOUBLE PRECISION NOT NULL,
           PRIMARY KEY (tenant, key, began_ms))`,
        'CREATE INDEX budget_usage_by_end ON budget_usage (ended_ms)',
      ],
    },
  ],
}

/** Of one key within one part of its period. */
export interface Use {
  readonly key: string
  readonly beganMs: number
  readonly endedMs: number
  readonly periodMs: number
  amount: number
}

/** What is being gathered. */
interface Gathered extends Use {
  /** It takes in more; false once it is to be written. */
  open: boolean
}

/** What uses are noted of. */
export interface Noted {
  readonly key: string
  readonly periodMs: number
  /** What is being gathered of it, so that it is not looked up for each call. */
  gathered?: unknown
}

/** How long uses are gathered, in ms: what a crash gives back. */
const gatherMs = 5_000
/** What comes back sooner than a restart takes is not worth a row. */
const shortestMs = 60_000
/** Parts of a period. */
const parts = 32
/** Rows that are read at the start, the latest; and keys that wait while the store is away. */
const most = 100_000

export class KeptUsage {
  private readonly durable: Durable
  private readonly clock: Clock
  private readonly report: Report
  private waiting = new Map<string, Gathered>()
  /** Of parts that were over before they were written. */
  private over: Use[] = []
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private ended = false
  /** Something was lost since the store took the last. */
  private losing = false

  constructor(durable: Durable, clock: Clock, report: Report) {
    this.durable = durable
    this.clock = clock
    this.report = report
  }

  /** What still counts, the oldest first. Never rejects: what cannot be read counts no more, and the store tells of it. */
  async load(): Promise<readonly Use[]> {
    const now = this.clock.now()
    // What stays is in nobody's way: it is not read, and dropped with the next.
    await this.durable.run('DELETE FROM budget_usage WHERE ended_ms + period_ms <= ?', [now])
    const found = await this.durable.read((reader) =>
      reader.all(
        `SELECT key, began_ms, ended_ms, period_ms, amount FROM budget_usage
         WHERE ended_ms + period_ms > ? ORDER BY ended_ms DESC LIMIT ?`,
        [now, most],
      ),
    )
    if (!found.ok) {
      this.report.log('warn', 'What was used of budgets is not known from before the start', { reason: found.fault.message })
      return []
    }
    return found.value.toReversed().map((row) => ({
      key: String(row.key),
      beganMs: Number(row.began_ms),
      endedMs: Math.min(now, Number(row.ended_ms)),
      periodMs: Number(row.period_ms),
      amount: Number(row.amount),
    }))
  }

  /** `now`: ms since the epoch. */
  note(of: Noted, amount: number, now: number): void {
    const { key, periodMs } = of
    if (periodMs < shortestMs) return
    const gathered = of.gathered as Gathered | undefined
    const known = gathered?.open === true ? gathered : this.waiting.get(key)
    if (known !== undefined && now < known.endedMs && now >= known.beganMs) {
      of.gathered = known
      known.amount += amount
      return
    }
    if (this.isFull()) return
    if (known !== undefined) {
      known.open = false
      this.over.push(known)
    }
    const part = Math.ceil(periodMs / parts)
    const beganMs = Math.floor(now / part) * part
    this.waiting.set(key, { key, beganMs, endedMs: beganMs + part, periodMs, amount, open: true })
    this.later()
  }

  /** A moment, such as the beginning of a run: it stands as it is. */
  noteMoment(key: string, atMs: number, periodMs: number): void {
    if (this.isFull()) return
    this.over.push({ key, beganMs: atMs, endedMs: atMs, periodMs, amount: 0 })
    this.later()
  }

  /** All of it or nothing: of a store that does not do it the reason, and then it counts as before. */
  async forget(key: string): Promise<string | undefined> {
    let reason: string | undefined = 'an internal error, see the log'
    this.queue(async () => {
      const dropped = await this.durable.run('DELETE FROM budget_usage WHERE tenant = ? AND key = ?', [partsOf(key)[0], key])
      reason = dropped.ok ? undefined : dropped.fault.message
      if (!dropped.ok) return
      const known = this.waiting.get(key)
      if (known !== undefined) known.open = false
      this.waiting.delete(key)
      this.over = this.over.filter((use) => use.key !== key)
    })
    await this.writing
    return reason
  }

  /** Writes what is not written yet, and ends. */
  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    this.queue(() => this.write())
    await this.writing
  }

  private isFull(): boolean {
    if (this.waiting.size + this.over.length < most) return false
    this.lose(1, 'the store was away for longer than memory lasts')
    return true
  }

  private lose(count: number, reason: string): void {
    if (count === 0) return
    this.report.counters.add('budget_usage_lost', {}, count)
    if (this.losing) return
    this.losing = true
    this.report.log('warn', 'What was used of budgets is lost to a restart', { reason })
  }

  private later(): void {
    if (this.ended) return
    this.timer ??= this.clock.timer(gatherMs, () => {
      this.timer = undefined
      this.queue(() => this.write())
    })
  }

  /** One after the other. */
  private queue(work: () => Promise<void>): void {
    this.writing = this.writing.then(work).catch((bug: unknown) => reportBug(this.report, 'limits', bug))
  }

  private async write(): Promise<void> {
    for (const use of this.waiting.values()) use.open = false
    const uses = [...this.over, ...this.waiting.values()]
    this.over = []
    this.waiting = new Map()
    if (uses.length === 0) return
    const now = this.clock.now()
    const work = this.durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO budget_usage (tenant, key, began_ms, ended_ms, period_ms, amount) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, key, began_ms) DO UPDATE SET amount = budget_usage.amount + excluded.amount, ended_ms = excluded.ended_ms,
           period_ms = excluded.period_ms`,
        uses.map((use) => [partsOf(use.key)[0], use.key, use.beganMs, use.endedMs, use.periodMs, use.amount]),
      )
      await transaction.run('DELETE FROM budget_usage WHERE ended_ms + period_ms <= ?', [now])
    })
    const kept = await work.catch((bug: unknown) => {
      this.lose(uses.length, 'an internal error, see the log')
      throw bug
    })
    if (kept.ok) {
      this.losing = false
      return
    }
    const { kind, message } = kept.fault
    if (this.ended || kind === 'closed' || kind === 'newer' || kind === 'conflict') {
      this.lose(uses.length, message)
      return
    }
    // The store tells what is wrong with it; what was used waits for it.
    this.over = [...uses, ...this.over]
    this.lose(this.over.splice(most).length, 'the store was away for longer than memory lasts')
    this.later()
  }
}
