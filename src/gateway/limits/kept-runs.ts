// Tokens of runs over restarts, in the durable store: the tables, and the one file that knows them. Gathered in memory and written behind;
// runs that are under way add up where gateways share the store, and each gateway learns what is usual by itself, and from all at its start.
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Domain, Durable } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { dayMs } from '../../core/text/duration.ts'
import { readKey } from './limit.ts'
import { type OpenRun, quietMs, type RunKeeper, type RunUsage } from './run-usage.ts'

export const runUsageDomain: Domain = {
  name: 'run_usage',
  migrations: [
    {
      what: 'tokens of runs that are under way, and what runs of a kind used that are over',
      statements: [
        `CREATE TABLE run_usage (
           tenant TEXT NOT NULL, run TEXT NOT NULL, kind TEXT NOT NULL, tokens BIGINT NOT NULL, calls BIGINT NOT NULL,
           told BIGINT NOT NULL, last_ms BIGINT NOT NULL, PRIMARY KEY (tenant, run))`,
        'CREATE INDEX run_usage_by_last ON run_usage (last_ms)',
        `CREATE TABLE run_totals (
           tenant TEXT NOT NULL, kind TEXT NOT NULL, slot BIGINT NOT NULL, tokens BIGINT NOT NULL, ended_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, kind, slot))`,
        'CREATE INDEX run_totals_by_end ON run_totals (ended_ms)',
      ],
    },
  ],
}

/** How long uses are gathered, in ms: what a crash forgets. */
const gatherMs = 10_000
/** Rows that wait while the store is away. */
const most = 20_000
/** What was usual so long ago is not any more. */
const keptMs = 90 * dayMs
/** Rows of totals that are read at the start, the latest. */
const mostRead = 64_000

interface Ended {
  readonly run: OpenRun
  readonly slot: number
  readonly tokens: number
  readonly atMs: number
}

export class KeptRuns implements RunKeeper {
  private readonly durable: Durable
  private readonly clock: Clock
  private readonly report: Report
  private changedRuns = new Set<OpenRun>()
  private endedRuns: Ended[] = []
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private isEnding = false
  private losing = false

  constructor(durable: Durable, clock: Clock, report: Report) {
    this.durable = durable
    this.clock = clock
    this.report = report
  }

  /** Brings back what is kept. Never rejects: without it all begins anew, and the store tells why. */
  async load(into: RunUsage): Promise<void> {
    const now = this.clock.now()
    await this.durable.run('DELETE FROM run_totals WHERE ended_ms <= ?', [now - keptMs])
    const found = await this.durable.read(async (reader) => ({
      totals: await reader.all('SELECT tenant, kind, slot, tokens FROM run_totals ORDER BY ended_ms DESC LIMIT ?', [mostRead]),
      runs: await reader.all('SELECT tenant, run, kind, tokens, calls, told, last_ms FROM run_usage ORDER BY last_ms DESC LIMIT ?', [
        most / 2,
      ]),
    }))
    if (!found.ok) {
      this.report.log('warn', 'What runs usually use is not known from before the start', { reason: found.fault.message })
      return
    }
    for (const { tenant, kind, slot, tokens } of found.value.totals.toReversed()) {
      into.restoreTotal(readKey(String(kind)), String(tenant), Number(slot), Number(tokens))
    }
    const mono = this.clock.mono()
    for (const { tenant, run, kind, tokens, calls, told, last_ms } of found.value.runs.toReversed()) {
      into.restoreRun(readKey(String(run)), readKey(String(kind)), String(tenant), {
        tokens: Number(tokens),
        calls: Number(calls),
        told: Number(told) === 1,
        lastAt: mono - Math.max(0, now - Number(last_ms)),
      })
    }
    into.sweep(mono)
  }

  changed(run: OpenRun): void {
    if (this.changedRuns.has(run)) return
    if (this.isFull()) return
    this.changedRuns.add(run)
    this.later()
  }

  ended(run: OpenRun, slot: number, tokens: number): void {
    this.changedRuns.delete(run)
    if (this.isFull()) return
    this.endedRuns.push({ run, slot, tokens, atMs: this.clock.now() - Math.max(0, this.clock.mono() - run.lastAt) })
    this.later()
  }

  /** Writes what is not written yet, and ends. */
  async end(): Promise<void> {
    this.isEnding = true
    this.timer?.cancel()
    this.queue()
    await this.writing
  }

  private isFull(): boolean {
    if (this.changedRuns.size + this.endedRuns.length < most) return false
    this.lose(1, 'the store was away for longer than memory lasts')
    return true
  }

  private lose(count: number, reason: string): void {
    this.report.counters.add('run_usage_lost', {}, count)
    if (this.losing) return
    this.losing = true
    this.report.log('warn', 'Tokens of runs are lost to a restart', { reason })
  }

  private later(): void {
    if (this.isEnding) return
    this.timer ??= this.clock.timer(gatherMs, () => {
      this.timer = undefined
      this.queue()
    })
  }

  /** One after the other. */
  private queue(): void {
    this.writing = this.writing.then(() => this.write()).catch((bug: unknown) => reportBug(this.report, 'limits', bug))
  }

  private async write(): Promise<void> {
    const changed = [...this.changedRuns].map((run) => ({ run, more: { ...run.unwritten } }))
    const ended = this.endedRuns
    if (changed.length + ended.length === 0) return
    this.changedRuns = new Set()
    this.endedRuns = []
    for (const { run } of changed) Object.assign(run.unwritten, { tokens: 0, calls: 0, told: false })
    const now = this.clock.now()
    const mono = this.clock.mono()
    const work = this.durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO run_usage (tenant, run, kind, tokens, calls, told, last_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, run) DO UPDATE SET tokens = run_usage.tokens + excluded.tokens, calls = run_usage.calls + excluded.calls,
           told = CASE WHEN excluded.told = 1 THEN 1 ELSE run_usage.told END, last_ms = excluded.last_ms`,
        changed.map(({ run: { key, kind, lastAt }, more }) => [
          kind.tenant,
          key,
          kind.key,
          more.tokens,
          more.calls,
          more.told ? 1 : 0,
          Math.floor(now - Math.max(0, mono - lastAt)),
        ]),
      )
      await transaction.runEach(
        'DELETE FROM run_usage WHERE tenant = ? AND run = ?',
        ended.map(({ run: { key, kind } }) => [kind.tenant, key]),
      )
      await transaction.runEach(
        `INSERT INTO run_totals (tenant, kind, slot, tokens, ended_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (tenant, kind, slot) DO UPDATE SET tokens = excluded.tokens, ended_ms = excluded.ended_ms`,
        ended.map(({ run: { kind }, slot, tokens, atMs }) => [kind.tenant, kind.key, slot, tokens, Math.floor(atMs)]),
      )
      // Of gateways that are gone: nobody else ends their runs.
      await transaction.run('DELETE FROM run_usage WHERE last_ms <= ?', [now - 2 * quietMs])
    })
    const kept = await work.catch((bug: unknown) => {
      this.lose(changed.length + ended.length, 'an internal error, see the log')
      throw bug
    })
    if (kept.ok) {
      this.losing = false
      return
    }
    const { kind, message } = kept.fault
    if (this.isEnding || kind === 'closed' || kind === 'newer' || kind === 'conflict') {
      this.lose(changed.length + ended.length, message)
      return
    }
    // The store tells what is wrong with it; what was used waits for it.
    for (const { run, more } of changed) {
      run.unwritten.tokens += more.tokens
      run.unwritten.calls += more.calls
      run.unwritten.told ||= more.told
      if (!run.over) this.changedRuns.add(run)
    }
    this.endedRuns = [...ended, ...this.endedRuns]
    this.later()
  }
}
