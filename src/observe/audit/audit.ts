// Keeps the decisions of the gateway: each becomes a row of this gateway's chain, written behind in batches. What a call decided is kept
// within `lingerMs` of it, or lost with a process that is killed; a store that is away is waited for, as long as memory lasts.
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { Decision, Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import type { AuditStore, Batch } from './audit-store.ts'
import { genesis, linked } from './chain.ts'
import { encodeBatch } from './row.ts'

export interface AuditParts {
  readonly store: AuditStore
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** How long rows are kept, in ms. */
  readonly retentionMs: number
}

export interface Audit extends Decisions {
  /** Writes what waits. Resolves when it was tried. */
  end(): Promise<void>
}

/** How long a row waits for others of its batch, in ms. */
const lingerMs = 200
/** Rows of one batch: more make a search for few of them slow. */
const mostRows = 1_024
/** Rows that wait while the store is away. */
const mostWaiting = 20_000
/** Between two tries to write, in ms. */
const againMs = 2_000
/** Between two looks for what is too old, in ms. */
const sweepMs = 3_600_000

export function createAudit(parts: AuditParts): Audit {
  return new Chain(parts)
}

class Chain implements Audit {
  private readonly parts: AuditParts
  private readonly chain: string
  private waiting: Decision[] = []
  private lost = 0
  private seq = 0
  private hash = genesis
  private timer: Timer | undefined
  private writing: Promise<void> | undefined
  private sweep: Timer | undefined
  private ended = false
  /** The store is away, and that was told. */
  private lags = false

  constructor(parts: AuditParts) {
    this.parts = parts
    this.chain = parts.random.id()
    this.sweepLater(againMs)
  }

  note(decision: Decision): void {
    if (this.waiting.length >= mostWaiting) {
      this.lost += 1
      this.parts.report.counters.add('audit_rows_lost', {})
      return
    }
    this.waiting.push(decision)
    if (this.writing !== undefined) return
    if (this.waiting.length >= mostRows) this.write()
    else this.timer ??= this.parts.clock.timer(lingerMs, () => this.write())
  }

  async end(): Promise<void> {
    this.ended = true
    this.sweep?.cancel()
    await this.writing
    if (this.waiting.length > 0) this.write()
    await this.writing
  }

  private write(): void {
    this.timer?.cancel()
    this.timer = undefined
    if (this.writing !== undefined) return
    this.writing = this.writeAll().finally(() => {
      this.writing = undefined
      // What came while the last batch was under way, or could not be written.
      if (this.waiting.length > 0 && !this.ended) this.timer ??= this.parts.clock.timer(lingerMs, () => this.write())
    })
  }

  private async writeAll(): Promise<void> {
    const { store, clock, report } = this.parts
    // Fewer than a batch may wait for company.
    do {
      const { batch, taken, lost } = this.next()
      // The very same batch is tried again: one that was kept though its answer was lost is a conflict then.
      for (;;) {
        const done = await store.append(batch)
        if (done.ok || done.fault.kind === 'conflict') break
        // The store tells of its own trouble; of the audit it is enough to know once that it lags, and when it is whole again.
        if (!this.lags) report.log('warn', 'The audit cannot be written; it is tried again', { reason: done.fault.message })
        this.lags = true
        if (done.fault.kind === 'closed' || this.ended) return
        await new Promise<void>((resolve) => void clock.timer(againMs, resolve))
      }
      if (this.lags) report.log('info', 'The audit is written again', { waiting: this.waiting.length - taken, lost })
      this.lags = false
      this.waiting.splice(0, taken)
      this.lost -= lost
      this.seq += batch.count
      this.hash = batch.hash
    } while (this.waiting.length >= mostRows || (this.ended && this.waiting.length > 0))
  }

  private next(): { readonly batch: Batch; readonly taken: number; readonly lost: number } {
    const decisions = this.waiting.slice(0, mostRows)
    const { lost } = this
    const times = decisions.map(({ atMs }) => atMs)
    const text = encodeBatch(this.seq, decisions, { count: lost, atMs: this.parts.clock.now() })
    return {
      batch: {
        chain: this.chain,
        first: this.seq,
        atMinMs: Math.min(...times),
        atMaxMs: Math.max(...times),
        count: decisions.length + (lost > 0 ? 1 : 0),
        text,
        prev: this.hash,
        hash: linked(this.hash, text),
      },
      taken: decisions.length,
      lost,
    }
  }

  private sweepLater(ms: number): void {
    this.sweep = this.parts.clock.timer(ms, () => {
      const { store, clock, retentionMs, report } = this.parts
      store
        .drop(clock.now() - retentionMs)
        .then((dropped) => {
          if (!dropped.ok) report.log('warn', 'Old rows of the audit could not be removed', { reason: dropped.fault.message })
          if (!this.ended) this.sweepLater(sweepMs)
        })
        .catch((bug: unknown) => report.log('error', 'A bug in the audit', { error: String(bug) }))
    })
  }
}
