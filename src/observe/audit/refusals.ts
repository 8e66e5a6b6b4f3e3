// Rows of requests that became no call, or were turned away by the admin door. Anybody can send such, as many as the wire takes, so that they could fill a disk: of each kind a
// bucket of rows is kept one by one, and what is beyond it is one row that says how many.
import type { CallRecord } from '../../core/call/record.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import type { Encoder } from './encode.ts'

/** Rows of a kind at once, and how many more each second. */
export const refusalBurst = 100
export const refusalsPerSecond = 5
/** How often those beyond are told, in ms. */
const toldMs = 10_000
/** Kinds of faults are few; rules of the admin door too. */
const mostKinds = 64

interface Kind {
  left: number
  at: number
  beyond: number
  since: number
}

export class Refusals {
  private readonly clock: Clock
  private readonly put: (row: string, at: number) => unknown
  private readonly encoder: Encoder
  private readonly kinds = new Map<string, Kind>()
  private timer: Timer | undefined

  constructor(clock: Clock, put: (row: string, at: number) => unknown, encoder: Encoder) {
    this.clock = clock
    this.put = put
    this.encoder = encoder
  }

  add(record: CallRecord): void {
    const about = record.fault?.category === 'authentication' ? 'authenticate' : 'refused'
    if (this.hasRoom(record.fault?.kind ?? '', record.atMs)) this.put(this.encoder.refused(record, about), record.atMs)
  }

  decided(decision: Decision): void {
    if (this.hasRoom(decision.rule, decision.atMs)) this.put(this.encoder.decision(decision), decision.atMs)
  }

  end(): void {
    this.tell()
  }

  /** Whether this one has a row of its own; else it is counted. */
  private hasRoom(name: string, atMs: number): boolean {
    const kind = this.kindOf(name)
    const now = this.clock.mono()
    kind.left = Math.min(refusalBurst, kind.left + ((now - kind.at) / 1_000) * refusalsPerSecond)
    kind.at = now
    if (kind.left >= 1) {
      kind.left -= 1
      return true
    }
    if (kind.beyond === 0) kind.since = atMs
    kind.beyond += 1
    this.timer ??= this.clock.timer(toldMs, () => this.tell())
    return false
  }

  private kindOf(name: string): Kind {
    const known = this.kinds.get(name) ?? (this.kinds.size >= mostKinds ? this.kinds.get('') : undefined)
    if (known !== undefined) return known
    const kind = { left: refusalBurst, at: this.clock.mono(), beyond: 0, since: 0 }
    this.kinds.set(name, kind)
    return kind
  }

  private tell(): void {
    this.timer?.cancel()
    this.timer = undefined
    const now = this.clock.now()
    for (const [name, kind] of this.kinds) {
      if (kind.beyond === 0) continue
      const from = new Date(kind.since).toISOString()
      this.put(this.encoder.own('refused', now, name, `${kind.beyond} more requests were refused like this since ${from}`), now)
      kind.beyond = 0
    }
  }
}
