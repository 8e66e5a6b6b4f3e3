// What is known of a server before it is spoken to: its era, its transport, and whether it has sessions. Only a connection that was made
// changes that. An answer that raises doubt makes the server be asked anew, once for all who doubt; what an outage or a proxy says in its
// place proves nothing.
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Connected, Detected } from './connect.ts'

/** A doubt is looked into at most this often, in ms. */
const doubtEveryMs = 10_000

export class Detection {
  /** The era turned out another than it was. Set once. */
  onTurned: (era: Detected['era']) => void = () => {}
  /** Resolves with the first verdict. */
  readonly first: Promise<void>

  private readonly clock: Clock
  private readonly report: Report
  private verdict: Detected | undefined
  private settle: () => void = () => {}
  private doubtedAt = Number.NEGATIVE_INFINITY
  private looking: Promise<boolean> | undefined

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
    if (before !== undefined && before.era !== detected.era) this.onTurned(detected.era)
  }

  /** The next connection finds out anew. */
  doubt(): void {
    if (this.verdict !== undefined) this.verdict = { ...this.verdict, expiresAt: Number.NEGATIVE_INFINITY }
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
}
