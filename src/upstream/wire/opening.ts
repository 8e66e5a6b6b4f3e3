// The wires that one attempt to connect opens. When nobody wants its connection any more they are closed under it, so that whatever it waits
// for is over at once, and it opens no others.
import type { Signal } from '../../core/call/signal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Dial, isFault } from './dial.ts'
import type { HttpWire, Wire } from './wire.ts'

export class Opening implements Dial {
  private readonly dial: Dial
  private readonly signal: Signal
  private readonly report: Report
  private readonly opened: Wire[] = []
  private readonly onAbort = (): void => {
    for (const wire of this.opened) this.close(wire)
  }

  /** `signal`: nobody wants the connection any more. */
  constructor(dial: Dial, signal: Signal, report: Report) {
    this.dial = dial
    this.signal = signal
    this.report = report
    signal.addEventListener('abort', this.onAbort)
  }

  async stdio(): Promise<Wire | Fault> {
    if (this.signal.aborted) return unwanted()
    return this.taken(await this.dial.stdio())
  }

  http(resume: boolean, lease?: CredentialLease): HttpWire {
    return this.kept(this.dial.http(resume, lease))
  }

  async sse(lease: CredentialLease, guess?: boolean): Promise<Wire | Fault> {
    if (this.signal.aborted) return unwanted()
    return this.taken(await this.dial.sse(lease, guess, this.signal))
  }

  /** The attempt is over: what it made belongs to others. */
  over(): void {
    this.signal.removeEventListener('abort', this.onAbort)
  }

  private taken(opened: Wire | Fault): Wire | Fault {
    return isFault(opened) ? opened : this.kept(opened)
  }

  private kept<W extends Wire>(wire: W): W {
    this.opened.push(wire)
    if (this.signal.aborted) this.close(wire)
    return wire
  }

  private close(wire: Wire): void {
    inBackground(this.report, 'connection', wire.close())
  }
}

function unwanted(): Fault {
  return fault('cancelled', { reason: 'nobody waits' }, { evidence: evidence.ended_unsent })
}
