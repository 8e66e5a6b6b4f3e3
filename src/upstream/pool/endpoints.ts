// The endpoints of one server, which are replicas of each other: whose turn it is, and which are left out for a while because no
// connection to them could be had (Envoy: outlier detection by local-origin failures).
import type { Fault } from '../../core/faults/fault.ts'
import type { Context } from '../context.ts'
import type { Greeted } from '../legacy/session-check.ts'
import type { Dial } from '../wire/dial.ts'

/** How long an endpoint is left out after its first failure, in ms; it doubles with each in a row. */
const firstEjectionMs = 1_000
const longestEjectionMs = 30_000

function ejectionMs(failures: number): number {
  return Math.min(longestEjectionMs, firstEjectionMs * 2 ** Math.min(failures - 1, 10))
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
  failures: number
  /** Monotonic ms until which it is left out. */
  ejectedUntil: number
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
      failures: 0,
      ejectedUntil: 0,
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

  /** Takes turns among those that are not left out; where all are, among all. */
  next(): Endpoint {
    const now = this.context.clock.mono()
    for (let step = 1; step <= this.all.length; step += 1) {
      const at = (this.turn + step) % this.all.length
      const endpoint = this.all[at] as Endpoint
      if (endpoint.ejectedUntil > now) continue
      this.turn = at
      return endpoint
    }
    this.turn = (this.turn + 1) % this.all.length
    return this.all[this.turn] as Endpoint
  }

  reached(endpoint: Endpoint): void {
    if (endpoint.failures > 0 && this.count > 1) this.tell('info', 'An endpoint of an upstream is reached again', endpoint, {})
    endpoint.failures = 0
    endpoint.ejectedUntil = 0
  }

  /** No connection to it could be had. */
  failed(endpoint: Endpoint, found: Fault): void {
    endpoint.failures += 1
    endpoint.ejectedUntil = this.context.clock.mono() + ejectionMs(endpoint.failures)
    if (endpoint.failures > 1 || this.count === 1) return
    this.tell('warn', 'An endpoint of an upstream cannot be reached; others take its calls', endpoint, { reason: found.message })
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
      this.reached(endpoint)
      endpoint.failedGreetings = 0
      endpoint.greetAgainAt = 0
    }
  }

  private tell(severity: 'info' | 'warn', event: string, { address }: Endpoint, more: Readonly<Record<string, unknown>>): void {
    this.context.report.log(severity, event, { upstream: this.context.id, endpoint: new URL(address).origin, ...more })
  }
}
