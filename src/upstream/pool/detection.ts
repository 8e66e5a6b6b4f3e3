// What is known of a server before it is spoken to: its era, its transport, and whether it has sessions. Only a connection that was made
// changes that. An answer that raises doubt makes the server be asked anew, once for all who doubt; what an outage or a proxy says in its
// place proves nothing. A verdict that no answer to the probe confirmed is looked at again beside the calls that run by it.

import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { dayMs } from '../../core/text/duration.ts'
import { type Connected, type Detected, legacyHoldsMs } from './connect.ts'

/** A doubt is looked into at most this often, in ms. */
const doubtEveryMs = 10_000
/** When a provisional verdict is looked at, in ms after it was made; fourfold after each look that settled nothing. */
const firstLookMs = 5_000
const longestLookMs = dayMs

export class Detection {
  /** The era turned out another than it was. Set once. */
  onTurned: (era: Detected['era']) => void = () => {}
  /** Asks the server, on no connection that is in use, whether it speaks the modern revision. Set once. */
  onLook: () => Promise<'modern' | 'legacy' | 'unknown'> = () => Promise.resolve('unknown')
  /** Resolves with the first verdict. */
  readonly first: Promise<void>

  private readonly clock: Clock
  private readonly report: Report
  private verdict: Detected | undefined
  private settle: () => void = () => {}
  private doubtedAt = Number.NEGATIVE_INFINITY
  private looking: Promise<boolean> | undefined
  private lookAfterMs = firstLookMs
  private nextLook: Timer | undefined
  private closed = false

  constructor({ clock, report }: { readonly clock: Clock; readonly report: Report }) {
    this.clock = clock
    this.report = report
    this.first = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  /** Undefined until a connection was made. */
  get current(): Detected | undefined {
    return this.verdict
  }

  /** What a connection begins with; undefined where it has to find out. */
  get believed(): Detected | undefined {
    return this.verdict !== undefined && this.clock.mono() < this.verdict.expiresAt ? this.verdict : undefined
  }

  /** A connection was made. */
  learned(detected: Detected): void {
    const before = this.verdict
    this.verdict = detected
    this.settle()
    this.lookLater()
    if (before !== undefined && before.era !== detected.era) this.onTurned(detected.era)
  }

  /** The next connection finds out anew. */
  doubt(): void {
    if (this.verdict !== undefined) this.verdict = { ...this.verdict, expiresAt: Number.NEGATIVE_INFINITY }
  }

  /** No connection could be made: the next is begun with what every server takes, since another server may stand there now. */
  failed(): void {
    if (this.verdict?.declaration === undefined) return
    const { declaration: _, ...rest } = this.verdict
    this.verdict = rest
  }

  /** The server was away and is back: a provisional verdict is looked at soon, whatever came of earlier looks. */
  reconnected(): void {
    this.stopLooking()
    this.lookLater()
  }

  close(): void {
    this.closed = true
    this.stopLooking()
  }

  /** Asks the server anew by a connection that `attempt` makes without a verdict; true where the era is no longer `era`. */
  reconsider(era: Detected['era'], attempt: () => Promise<Connected>): Promise<boolean> {
    if (this.verdict !== undefined && this.verdict.era !== era) return Promise.resolve(true)
    if (this.looking !== undefined) return this.looking
    const now = this.clock.mono()
    if (now - this.doubtedAt < doubtEveryMs) return Promise.resolve(false)
    this.doubtedAt = now
    this.looking = this.look(era, attempt).finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private async look(era: Detected['era'], attempt: () => Promise<Connected>): Promise<boolean> {
    const connected = await attempt()
    if ('fault' in connected) return false
    inBackground(this.report, 'connection', connected.connection.close())
    this.learned(connected.detected)
    return connected.detected.era !== era
  }

  private lookLater(): void {
    if (this.verdict?.provisional !== true) this.stopLooking()
    else if (this.nextLook === undefined && !this.closed) {
      this.nextLook = this.clock.timer(this.lookAfterMs, () => inBackground(this.report, 'connection', this.lookAgain()))
    }
  }

  private stopLooking(): void {
    this.nextLook?.cancel()
    this.nextLook = undefined
    this.lookAfterMs = firstLookMs
  }

  private async lookAgain(): Promise<void> {
    const { nextLook } = this
    const found = await this.onLook()
    const { verdict } = this
    if (verdict?.provisional !== true || this.closed || nextLook !== this.nextLook) return
    if (found === 'unknown') {
      this.nextLook = undefined
      this.lookAfterMs = Math.min(longestLookMs, this.lookAfterMs * 4)
      this.lookLater()
    } else if (found === 'legacy') {
      this.learned({ ...verdict, provisional: false, expiresAt: this.clock.mono() + legacyHoldsMs })
    } else {
      this.learned({ era: 'modern', transport: verdict.transport, sessionful: false, expiresAt: Number.POSITIVE_INFINITY })
    }
  }
}
