// The endpoints of one server, which are replicas of each other: which takes the next call, and which are left out for a while (Envoy: least
// request, outlier detection). One to which no connection can be had is left out at once; one that fails calls in a row, as long as not too
// many are. When its time is over, one call tries it before others follow.
import { createHash } from 'node:crypto'
import type { Outcome } from '../../core/call/outcome.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { EndpointHealth } from '../../core/ports/upstream.ts'
import type { Context } from '../context.ts'
import type { Greeted } from '../legacy/session-check.ts'
import type { Dial } from '../wire/dial.ts'

/** How long an endpoint is left out at first, in ms; it doubles with each time. */
const firstEjectionMs = 1_000
const longestEjectionMs = 30_000
/** In service for so long, in ms, it has one time less behind it. */
const forgivenAfterMs = 30_000
/** Calls that fail in a row before an endpoint is left out for it. */
export const failuresInARow = 5

function ejectionMs(times: number): number {
  return Math.min(longestEjectionMs, firstEjectionMs * 2 ** Math.min(times - 1, 10))
}

/** Where a server is reached, and how. */
export interface Place {
  /** URL; '' for a child process. */
  readonly address: string
  readonly dial: Dial
}

export interface Endpoint extends Place {
  /** Part of the key of its connections. */
  readonly id: string
  /** The same after a restart, wherever it then stands in the configuration; tells nothing of the address. */
  readonly mark: string
  /** Calls at it now. */
  inFlight: number
  /** Its calls that failed in a row. */
  failures: number
  /** Times that it was left out, less those that are forgiven. */
  ejections: number
  /** Monotonic ms until which it is left out; 0 where it is not, or was tried since. */
  ejectedUntil: number
  /** It was left out since no connection could be had: whoever tries it risks nothing. */
  unreachable: boolean
  /** Monotonic ms since which it is in service again. */
  servingSince: number
  /** An attempt to connect that finds out whether it can be. */
  greeting: Promise<Greeted> | undefined
  /** Attempts of that kind that failed in a row, and the monotonic ms before which there is no other. */
  failedGreetings: number
  greetAgainAt: number
}

export class Endpoints {
  private readonly context: Context
  private readonly all: readonly Endpoint[]
  private turn: number

  /** At least one place. */
  constructor(context: Context, places: readonly Place[]) {
    this.context = context
    this.all = places.map((place, i) => ({
      ...place,
      id: String(i),
      mark: createHash('sha256').update(place.address).digest('hex').slice(0, 12),
      inFlight: 0,
      failures: 0,
      ejections: 0,
      ejectedUntil: 0,
      unreachable: false,
      servingSince: 0,
      greeting: undefined,
      failedGreetings: 0,
      greetAgainAt: 0,
    }))
    // The first is next.
    this.turn = this.all.length - 1
  }

  get count(): number {
    return this.all.length
  }

  /** Undefined where the configuration has it no more. */
  marked(mark: string): Endpoint | undefined {
    return this.all.find((one) => one.mark === mark)
  }

  /**
   * The one with the fewest calls of those that are not left out, in turns among equals; where all are left out, whose turn it is. `avoid`: an
   * attempt of the same call failed there. `isSafe`: the call may be executed twice, so it may be the one that tries an endpoint.
   */
  next(avoid?: string, isSafe = true): Endpoint {
    const now = this.context.clock.mono()
    const { length } = this.all
    let best: number | undefined
    let instead = (this.turn + 1) % length
    for (let step = length; step >= 1; step -= 1) {
      const at = (this.turn + step) % length
      const endpoint = this.all[at] as Endpoint
      if (endpoint.id === avoid) continue
      instead = at
      if (!mayTake(endpoint, now, isSafe)) continue
      // The nearest turn is looked at last.
      if (best === undefined || endpoint.inFlight <= (this.all[best] as Endpoint).inFlight) best = at
    }
    this.turn = best ?? instead
    return this.all[this.turn] as Endpoint
  }

  /** There is another that nothing speaks against. */
  hasOther(endpoint: Endpoint): boolean {
    return this.all.some((other) => other !== endpoint && other.ejectedUntil === 0 && other.failures === 0)
  }

  /** It is left out, and another is not. */
  isOutlier(endpoint: Endpoint): boolean {
    return endpoint.ejectedUntil !== 0 && this.all.some(({ ejectedUntil }) => ejectedUntil === 0)
  }

  /** A connection to it was made. */
  reached(endpoint: Endpoint): void {
    if (endpoint.unreachable) this.back(endpoint)
  }

  /** No connection to it could be had. */
  failed(endpoint: Endpoint, found: Fault): void {
    this.eject(endpoint, 'unreachable', found.message)
  }

  /** A call at it ended; it was counted in `inFlight`. `undefined`: by a bug of ours. */
  ended(endpoint: Endpoint, outcome: Outcome | undefined): void {
    endpoint.inFlight -= 1
    const evidence = outcome?.kind === 'fault' ? outcome.fault.evidence : undefined
    const isTrial = endpoint.ejectedUntil !== 0 && endpoint.ejectedUntil <= this.context.clock.mono()
    if (outcome !== undefined && (outcome.kind !== 'fault' || evidence?.health === 'success')) {
      endpoint.failures = 0
      if (isTrial) this.back(endpoint)
      return
    }
    // That no connection can be had is told by `failed`.
    if (evidence?.health !== 'failure' || evidence.execution === 'not_sent') return
    const { message, detail, retryAfterMs = 0 } = (outcome as Extract<Outcome, { kind: 'fault' }>).fault
    // One that says when it is back is left out until then.
    const awayMs = detail.named === true ? retryAfterMs : 0
    endpoint.failures += 1
    const isOutlier = endpoint.ejectedUntil === 0 && (awayMs > 0 || endpoint.failures >= failuresInARow) && this.mayEject()
    if (isTrial || isOutlier) this.eject(endpoint, 'failures', message, awayMs)
  }

  /** An attempt to connect has found out whether it can be. One that failed is not repeated at once, whoever wants to know. */
  greeted(endpoint: Endpoint, well: boolean): void {
    endpoint.failedGreetings = well ? 0 : endpoint.failedGreetings + 1
    const wait = well ? 0 : ejectionMs(endpoint.failedGreetings)
    endpoint.greetAgainAt = this.context.clock.mono() + wait
  }

  /** What failed before says nothing of now. */
  forgive(): void {
    for (const endpoint of this.all) {
      if (endpoint.ejectedUntil !== 0) this.back(endpoint)
      endpoint.failures = 0
      endpoint.ejections = 0
      endpoint.failedGreetings = 0
      endpoint.greetAgainAt = 0
    }
  }

  health(): readonly EndpointHealth[] {
    const { clock } = this.context
    const now = clock.mono()
    return this.all.map(({ address, inFlight, ejectedUntil }) => {
      const url = shown(address)
      if (ejectedUntil === 0) return { url, state: 'ready', inFlight }
      return ejectedUntil <= now
        ? { url, state: 'trial', inFlight }
        : { url, state: 'ejected', inFlight, ejectedUntilMs: clock.now() + Math.ceil(ejectedUntil - now) }
    })
  }

  /** Where half of them fail, or more, it is not them. */
  private mayEject(): boolean {
    const out = this.all.filter(({ ejectedUntil }) => ejectedUntil !== 0).length
    return this.count > 1 && out + 1 <= Math.max(1, Math.floor(this.count / 2))
  }

  private eject(endpoint: Endpoint, why: 'unreachable' | 'failures', reason: string, awayMs = 0): void {
    const now = this.context.clock.mono()
    const isNew = endpoint.ejectedUntil === 0
    const forgiven = isNew ? Math.floor((now - endpoint.servingSince) / forgivenAfterMs) : 0
    endpoint.ejections = Math.max(0, endpoint.ejections - forgiven) + 1
    endpoint.ejectedUntil = now + Math.max(ejectionMs(endpoint.ejections), Math.min(longestEjectionMs, awayMs))
    endpoint.unreachable = why === 'unreachable'
    if (this.count === 1) return
    this.context.report.counters.add('endpoint_ejections', { upstream: this.context.id, reason: why })
    if (!isNew) return
    const what = why === 'unreachable' ? 'cannot be reached' : 'fails its calls'
    this.tell('warn', `An endpoint of an upstream ${what}; others take its calls`, endpoint, { reason })
  }

  private back(endpoint: Endpoint): void {
    if (this.count > 1) this.tell('info', 'An endpoint of an upstream takes calls again', endpoint, {})
    endpoint.failures = 0
    endpoint.ejectedUntil = 0
    endpoint.unreachable = false
    endpoint.servingSince = this.context.clock.mono()
  }

  private tell(severity: 'info' | 'warn', event: string, { address }: Endpoint, more: Readonly<Record<string, unknown>>): void {
    this.context.report.log(severity, event, { upstream: this.context.id, endpoint: shown(address), ...more })
  }
}

/** Not left out; or its time is over, and nobody tries it yet. A call that must not be executed twice waits as long again. */
function mayTake({ ejectedUntil, inFlight, unreachable, ejections }: Endpoint, now: number, isSafe: boolean): boolean {
  if (ejectedUntil === 0) return true
  if (ejectedUntil > now || inFlight > 0) return false
  return isSafe || unreachable || ejectedUntil + ejectionMs(ejections) <= now
}

/** Without what may be a secret: user, password and query. */
function shown(address: string): string {
  if (address === '') return ''
  const { origin, pathname } = new URL(address)
  return origin + pathname
}
