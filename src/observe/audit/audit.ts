// The audit: a row for every request and decision, in the chain of this gateway. Rows are encoded here and kept by the store, many at a time:
// what comes while it writes is its next batch. In the mode `durable` an answer waits until its row is safe; in the mode `buffered` none does.
import { afterReads } from '../../core/call/loop-batch.ts'
import type { CallRecord, SettledCall } from '../../core/call/record.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { AuditSigner } from '../../core/ports/audit-signer.ts'
import type { AuditQuery, AuditRead, AuditStore, ChainHead } from '../../core/ports/audit-store.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { CallAudit } from '../../core/ports/call-audit.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { Decision, Decisions } from '../../core/ports/decisions.ts'
import type { StoreFault } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { Anchoring, type AnchorOut } from './anchoring.ts'
import { beginning } from './chain.ts'
import type { Encoder } from './encode.ts'
import { expire } from './expiry.ts'
import { type Batch, Queue } from './queue.ts'
import { Refusals } from './refusals.ts'

export type AuditMode = 'durable' | 'buffered'
/** Which calls are refused while the audit cannot be written: all, those that are not known to change nothing, none. */
export type OnLoss = 'closed' | 'writes' | 'open'

export interface AuditParts {
  readonly store: AuditStore
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly encoder: Encoder
  readonly mode: AuditMode
  readonly onLoss: OnLoss
  /** How long rows are kept, in ms. */
  readonly retentionMs: number
  /** For people who look back: which program wrote the chain. */
  readonly program: string
  readonly signer: AuditSigner
  readonly anchor: AnchorOut
  /** Of each commit: how long it took, and its rows. */
  committed?(ms: number, rows: number): void
}

/** It is read as it is written: what waits is not there yet. */
export interface Audit extends CallAudit, Decisions, AuditRead {
  /** Begins the chain, and to look for what is too old. Without it a chain begins with its first row. */
  start(): void
  /** What the store is at, for operators; undefined where rows are kept. */
  trouble(): StoreFault | undefined
  /** Rows that wait to be kept. */
  waiting(): number
  /** Writes what waits, and how the chain ends. Resolves when it was tried. */
  end(): Promise<void>
}

/** In the mode `durable`, how rows wait for others of their commit: where the commit before had so many, until so many are there, for so long
 * in ms at most, and not where so many turns of the loop brought none. */
export const busyRows = 3
export const enoughRows = 64
export const gatherMs = 2
const mostQuietTurns = 3

/** In the mode `buffered`: how long a row waits for others of its batch, in ms. A full batch waits for nothing. */
export const lingerMs = 100
/**
 * The bound of the mode `buffered`: of a process that is killed while its store writes, rows are lost of no more than the last so many ms, and
 * no more than wait at most (`mostWaitingRows`).
 */
export const lossMs = 1_000
/** How long an answer waits for its row, in ms. Then the audit counts as away. */
export const answerMs = 5_000
/** Between two tries to write, in ms. */
const againMs = 1_000
/** Between two looks for what is too old, in ms; the first comes soon. */
const sweepMs = 3_600_000
const firstSweepMs = 5_000

export function createAudit(parts: AuditParts): Audit {
  return new ChainAudit(parts)
}

class ChainAudit implements Audit {
  private readonly parts: AuditParts
  private readonly chain: string
  private readonly queue = new Queue()
  private readonly refusals: Refusals
  private readonly anchoring: Anchoring
  private seq = 0
  private hash: string
  private lost = 0
  private wrong: StoreFault | undefined
  private writing: Promise<void> | undefined
  private armed = false
  /** Of the batch before. */
  private lastRows = 0
  private linger: Timer | undefined
  private watch: Timer | undefined
  private underWay: Batch | undefined
  private sweep: Timer | undefined
  private ended = false
  private gaveUp = false
  private wake: (() => void) | undefined

  constructor(parts: AuditParts) {
    this.parts = parts
    this.chain = Buffer.from(parts.random.bytes(8)).toString('hex')
    this.hash = beginning(this.chain)
    this.refusals = new Refusals(parts.clock, (row, at) => this.put(row, at), parts.encoder)
    this.anchoring = new Anchoring({ ...parts, put: (row, at) => this.put(row, at) })
  }

  start(): void {
    this.sweepLater(firstSweepMs)
    this.run()
  }

  read(queries: readonly AuditQuery[]): ReturnType<AuditRead['read']> {
    return this.parts.store.read(queries)
  }

  refusal(readOnly: boolean): Fault | undefined {
    if (this.wrong === undefined || !this.withholds(readOnly)) return undefined
    return fault('store_unavailable', { what: 'the audit' })
  }

  settled(call: SettledCall): Promise<boolean> | undefined {
    const batch = this.put(this.parts.encoder.call(call), call.atMs)
    if (this.parts.mode === 'buffered' || !this.withholds(call.readOnly)) return undefined
    if (batch === undefined || this.wrong !== undefined) return unkept
    return batch.kept
  }

  closed(record: CallRecord): void {
    const { delivery, fault: failed } = record
    const how = failed?.kind === 'store_unavailable' && delivery === 'delivered' ? 'withheld' : delivery
    if (how === 'delivered') return
    const now = this.parts.clock.now()
    this.put(this.parts.encoder.delivery(record, how, now), now)
  }

  unclaimed(record: CallRecord): void {
    this.put(this.parts.encoder.call(record), record.atMs)
    this.closed(record)
  }

  refused(record: CallRecord): void {
    this.refusals.add(record)
  }

  note(decision: Decision): void {
    if (decision.fromAnybody === true) this.refusals.decided(decision)
    else this.put(this.parts.encoder.decision(decision), decision.atMs)
  }

  trouble(): StoreFault | undefined {
    return this.wrong
  }

  waiting(): number {
    return this.queue.rows + (this.underWay?.count ?? 0)
  }

  async end(): Promise<void> {
    const { clock, encoder, store, report } = this.parts
    this.sweep?.cancel()
    this.refusals.end()
    if (this.seq > 0 || !this.queue.isEmpty) this.put(encoder.own('stop', clock.now(), 'audit', 'The gateway ended'), clock.now())
    this.ended = true
    this.wake?.()
    this.write()
    while (this.writing !== undefined) await this.writing
    const left = this.queue.rows
    if (left > 0) {
      report.counters.add('audit_rows_lost', {}, left)
      report.log('error', 'Rows of the audit were lost, since its store was away at the end', { rows: left })
    } else if (this.seq > 0) await this.anchoring.last(this.head())
    await store.close()
  }

  private withholds(readOnly: boolean): boolean {
    return this.parts.onLoss === 'closed' || (this.parts.onLoss === 'writes' && !readOnly)
  }

  private put(row: string, at: number): Batch | undefined {
    const { clock, report, mode } = this.parts
    const batch = this.ended ? undefined : this.queue.add(row, at, clock.mono())
    if (batch === undefined) {
      this.lost += 1
      report.counters.add('audit_rows_lost', {})
      return undefined
    }
    if (this.writing === undefined && !this.armed) {
      if (mode === 'durable' || this.queue.hasFull) this.gather()
      else this.linger ??= clock.timer(lingerMs, () => this.write())
    }
    if (mode === 'durable') this.watch ??= clock.timer(answerMs, () => this.late())
    return batch
  }

  /**
   * All rows of this turn of the loop go together. Under load those of the next turns do too, as long as each brings some: a commit costs the
   * same for one row and for fifty, and calls that are under way use the time.
   */
  private gather(): void {
    this.armed = true
    const { clock } = this.parts
    const since = clock.mono()
    let rows = 0
    let quietTurns = 0
    const turn = (): void => {
      quietTurns = this.queue.rows > rows ? 0 : quietTurns + 1
      rows = this.queue.rows
      const isBusy = this.lastRows >= busyRows && quietTurns < mostQuietTurns && rows < enoughRows && clock.mono() - since < gatherMs
      if (isBusy) afterReads(turn)
      else this.write()
    }
    afterReads(turn)
  }

  private write(): void {
    this.armed = false
    this.linger?.cancel()
    this.linger = undefined
    if (this.writing === undefined && !this.queue.isEmpty) this.run()
  }

  private run(): void {
    this.writing = this.writeAll()
      .catch((bug: unknown) => reportBug(this.parts.report, 'audit', bug))
      .finally(() => this.written())
  }

  /** What came meanwhile. */
  private written(): void {
    this.writing = undefined
    if (this.queue.isEmpty || this.gaveUp) return
    if (this.ended || this.queue.hasFull) this.write()
    else if (this.parts.mode === 'durable') this.gather()
    else this.linger ??= this.parts.clock.timer(lingerMs, () => this.write())
  }

  /** The first row says which chains there are, so that one that is taken away whole is missed by the next. */
  private async begin(): Promise<boolean> {
    const { store, clock, encoder, program } = this.parts
    const heads = await store.heads(mostHeads)
    if (!heads.ok) this.failed(heads.fault)
    const now = clock.now()
    const others = heads.ok ? heads.value.filter(({ chain }) => chain !== this.chain) : undefined
    const row = encoder.own(
      'start',
      now,
      program,
      JSON.stringify({ heads: others?.map(({ chain, seq, hash }) => [chain, seq, hash]) ?? null }),
    )
    if (!(await this.append(row, 1, now))) return false
    this.anchoring.due(this.head(), true)
    return true
  }

  private async writeAll(): Promise<void> {
    const { clock } = this.parts
    if (this.seq === 0 && !(await this.begin())) return
    while (!this.queue.isEmpty) {
      const lost = this.lost
      const batch = this.queue.take() as Batch
      if (lost > 0) {
        const now = clock.now()
        batch.add(this.parts.encoder.own('lost', now, 'store', `${lost} rows were lost, since the store was away`), now)
      }
      this.underWay = batch
      this.lastRows = batch.count
      const kept = await this.append(batch.text, batch.count, batch.atMin)
      this.underWay = undefined
      batch.settle(kept)
      if (!kept) {
        this.parts.report.counters.add('audit_rows_lost', {}, batch.count)
        return
      }
      this.lost -= lost
      this.anchoring.due(this.head(), false)
      if (!this.queue.hasFull && !this.ended) return
    }
  }

  /** Tries until it is kept, the very same batch each time; false where the gateway ends before that. */
  private async append(text: string, count: number, atMinMs: number): Promise<boolean> {
    const { store, clock, committed } = this.parts
    const first = this.seq
    for (;;) {
      const batch = { chain: this.chain, first, count, atMs: clock.now(), atMinMs, lines: encoder.encode(text), prev: this.hash }
      const done = await store.append(batch)
      if (done.ok) {
        this.seq += count
        this.hash = done.value.hash
        this.parts.report.counters.add('audit_rows', {}, count)
        committed?.(done.value.ms, count)
        this.mended()
        return true
      }
      this.failed(done.fault)
      if (this.ended) {
        this.gaveUp = true
        return false
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve
        clock.timer(againMs, resolve)
      })
    }
  }

  private failed(wrong: StoreFault): void {
    this.parts.report.counters.add('audit_store_faults', { kind: wrong.kind })
    if (this.wrong === undefined) {
      const { onLoss } = this.parts
      this.parts.report.log('error', 'The audit cannot be written; it is tried again', { reason: wrong.message, kind: wrong.kind, onLoss })
    }
    this.wrong = wrong
    this.underWay?.settle(false)
    for (const batch of this.queue.all) batch.settle(false)
  }

  private mended(): void {
    if (this.wrong === undefined) return
    this.wrong = undefined
    this.parts.report.log('info', 'The audit is written again', { waiting: this.queue.rows, lost: this.lost })
  }

  /** A store that does not answer is as good as none. */
  private late(): void {
    this.watch = undefined
    const { clock } = this.parts
    const oldest = this.underWay ?? this.queue.all[0]
    if (oldest === undefined) return
    const leftMs = answerMs - (clock.mono() - oldest.since)
    if (leftMs > 0) this.watch = clock.timer(leftMs, () => this.late())
    else if (this.wrong === undefined)
      this.failed({ kind: 'unavailable', message: `The store of the audit did not answer within ${answerMs} ms` })
  }

  private head(): ChainHead {
    return { chain: this.chain, seq: this.seq - 1, hash: this.hash }
  }

  private sweepLater(ms: number): void {
    this.sweep = this.parts.clock.timer(ms, () => {
      expire(this.parts)
        .catch((bug: unknown) => reportBug(this.parts.report, 'audit', bug))
        .finally(() => {
          if (!this.ended) this.sweepLater(sweepMs)
        })
    })
  }
}

const encoder = new TextEncoder()
const unkept = Promise.resolve(false)
/** Chains that the first row of another names. */
const mostHeads = 64
