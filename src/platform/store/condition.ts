// What is wrong with a store, told once where it begins and once where it is mended, and for how long nothing is tried again. For any engine.
import type { Clock } from '../../core/ports/clock.ts'
import type { StoreFault } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'

export type StoreMode = 'read' | 'write'

export interface ConditionOptions {
  readonly clock: Clock
  readonly report: Report
  /** After a failure nothing is tried for so long, in ms. */
  readonly pauseMs: number
  /** What happened, where, and what to do. */
  readonly sentence: (fault: StoreFault) => string
}

export class StoreCondition {
  private readonly options: ConditionOptions
  /** From the operation that met it to the one that shows it mended. */
  private wrong: StoreFault | undefined
  /** Until then what failed is not tried again, by the monotonic clock. */
  private pausedUntil = Number.NEGATIVE_INFINITY

  constructor(options: ConditionOptions) {
    this.options = options
  }

  get trouble(): StoreFault | undefined {
    return this.wrong
  }

  /** What is answered without a try; undefined where the store is tried. One that only cannot be written is still read, if it is open. */
  paused(mode: StoreMode, open: boolean): StoreFault | undefined {
    const { wrong } = this
    if (wrong?.kind === 'newer') return wrong
    if (this.options.clock.mono() >= this.pausedUntil) return undefined
    if (mode === 'read' && wrong?.kind !== 'unavailable' && open) return undefined
    return wrong ?? { kind: 'unavailable', message: 'The store failed a moment ago' }
  }

  succeeded(mode: StoreMode): void {
    if (this.wrong === undefined || (mode === 'read' && this.wrong.kind !== 'unavailable')) return
    this.wrong = undefined
    this.options.report.log('info', 'The store answers again')
  }

  failed(fault: StoreFault): { readonly ok: false; readonly fault: StoreFault } {
    if (fault.kind === 'conflict') return { ok: false, fault }
    const { report, clock, pauseMs, sentence } = this.options
    report.counters.add('store_faults', { kind: fault.kind })
    if (fault === this.wrong || fault.kind === 'corrupt') return { ok: false, fault }
    const told: StoreFault = { kind: fault.kind, message: sentence(fault) }
    if (fault.kind === 'unavailable' || fault.kind === 'locked') this.pausedUntil = clock.mono() + pauseMs
    if (this.wrong?.kind !== fault.kind) report.log(fault.kind === 'newer' ? 'error' : 'warn', told.message)
    this.wrong = told
    return { ok: false, fault: told }
  }
}
