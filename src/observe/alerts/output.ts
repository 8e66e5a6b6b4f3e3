// Where messages about incidents go. Each output has taken, of each incident, what was told up to a sequence; what is due is the rest, so that
// nothing queues but the incidents themselves, which are bounded, and of what changed while a receiver was away only the last is told.
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Incident, Notice } from './incident.ts'
import type { ShownIncident } from './shown.ts'
import type { Claim, Claimed } from './tellings.ts'

/** `again`: later; `refused`: the receiver will not take this one. */
export type Delivered = 'sent' | 'again' | 'refused'

export interface Message {
  /** The same for each try. */
  readonly id: string
  readonly event: Notice['what']
  readonly atMs: number
  readonly incident: ShownIncident
}

/** How a message is written for one kind of receiver. */
export interface Output {
  /** `webhook`, `slack`, `webhook-2`: for metrics and for what is kept. */
  readonly name: string
  /** Without what is secret in it, for people. */
  readonly address: string
  /** `nowMs`: of this try, since the epoch. */
  send(message: Message, fetch: GuardedFetch, nowMs: number): Promise<Delivered>
}

export interface SenderParts {
  readonly output: Output
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly report: Report
  /** What is due to be told, the oldest first. */
  readonly due: (output: string) => Incident | undefined
  /** Who else tells it is asked first. */
  readonly claim: (incident: Incident, notice: Notice, output: string) => Promise<Claimed>
  readonly shown: (incident: Incident, notice: Notice, claim: Claim) => Message
  /** A message was taken, or will never be. */
  readonly settled: (incident: Incident) => void
}

const firstAgainMs = 2_000
const mostAgainMs = 300_000
/** After so many refusals a message is given up: the receiver is there and does not want it. */
const mostRefusals = 5
/** How long an end waits for a message that is on its way, in ms. */
const endMs = 1_000

export class Sender {
  readonly name: string
  readonly address: string
  /** Tries in a row that failed. */
  failing = 0
  private readonly parts: SenderParts
  private readonly stop = new AbortController()
  private readonly fetch: GuardedFetch
  private timer: Timer | undefined
  private sending: Promise<void> | undefined
  private ended = false
  private refusals = 0

  constructor(parts: SenderParts) {
    this.parts = parts
    this.name = parts.output.name
    this.address = parts.output.address
    this.fetch = (url, init) => parts.fetch(url, { ...init, signal: this.stop.signal })
  }

  /** Sends what is due, one after the other, unless it waits for the receiver. */
  wake(): void {
    if (this.sending !== undefined || this.ended || this.timer !== undefined) return
    const incident = this.parts.due(this.name)
    if (incident?.notice === undefined) return
    this.sending = this.send(incident, incident.notice).then((wait) => {
      this.sending = undefined
      if (this.ended) return
      if (wait === undefined) this.wake()
      else {
        this.timer = this.parts.clock.timer(wait, () => {
          this.timer = undefined
          this.wake()
        })
      }
    })
  }

  /** Waits a little for what is on its way: what was taken is not sent again after the start that follows. */
  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    const limit = this.parts.clock.timer(endMs, () => this.stop.abort())
    await this.sending
    limit.cancel()
  }

  /** How long to wait until the next try, in ms; undefined: not at all. */
  private async send(incident: Incident, notice: Notice): Promise<number | undefined> {
    const { output, clock, report, shown } = this.parts
    const claim = await this.parts.claim(incident, notice, this.name)
    if (claim === 'later') return undefined
    if ('told' in claim) {
      if (claim.told !== incident.id) incident.toldAs = claim.told
      this.done(incident, notice)
      return undefined
    }
    let delivered: Delivered
    try {
      delivered = await output.send(shown(incident, notice, claim), this.fetch, clock.now())
    } catch {
      // What a receiver does, or that it is not there; its address may be a secret, so nothing of the error is told.
      delivered = 'again'
    }
    this.refusals = delivered === 'refused' ? this.refusals + 1 : 0
    await claim.ended(delivered === 'sent')
    const outcome = delivered === 'sent' ? 'sent' : delivered === 'refused' && this.refusals >= mostRefusals ? 'dropped' : 'failed'
    report.counters.add('alert_notifications', { output: this.name, outcome })
    if (outcome === 'failed') {
      this.failing += 1
      if (this.failing === 1) report.log('warn', 'A receiver of alerts takes none for now', { output: this.name, address: this.address })
      return Math.min(mostAgainMs, firstAgainMs * 2 ** Math.min(this.failing - 1, 10))
    }
    if (outcome === 'dropped') {
      this.refusals = 0
      report.log('warn', 'A message about an incident was given up: its receiver refuses it', { output: this.name, incident: incident.id })
    } else if (this.failing > 0) {
      this.failing = 0
      report.log('info', 'A receiver of alerts takes them again', { output: this.name })
    }
    if (claim.incident !== incident.id) incident.toldAs = claim.incident
    this.done(incident, notice)
    return undefined
  }

  private done(incident: Incident, { sequence }: Notice): void {
    incident.told.set(this.name, sequence)
    incident.changed = true
    this.parts.settled(incident)
  }
}

/** Of an answer, whose body nobody reads. */
export function deliveredBy({ status, body }: Response): Delivered {
  void body?.cancel().catch(() => undefined)
  if (status >= 200 && status < 300) return 'sent'
  // A receiver that is overloaded or away says so; all else it says of this message, and may be mended while it is tried again.
  return status === 408 || status === 425 || status === 429 || status >= 500 ? 'again' : 'refused'
}
