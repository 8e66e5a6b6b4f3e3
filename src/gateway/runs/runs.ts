// Whose task a call is: what a token says of it, else what the client states, else the session, else a run that is made for the principal and
// lasts until an hour has passed without a call of it. Calls that state nothing are handed one object, and little is kept of each principal.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { Run } from '../../core/call/run.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { RunHeaders } from '../../core/ports/gateway.ts'
import { statedIn } from './stated.ts'

export interface RunsParts {
  readonly clock: Clock
  readonly random: Random
  /** Whether a text has a value in it that must not get out: it names no run. */
  readonly isSecret?: ((text: string) => boolean) | undefined
}

/** Principals whose run is kept, and sessions; of one more the least recent is made anew when it calls. */
const most = 10_000
/** Ms without a call after which the next one begins another run. */
const quietMs = 3_600_000

interface Made {
  run: Run
  /** Monotonic ms of its last call. */
  lastAt: number
}

export class Runs {
  private readonly clock: Clock
  private readonly random: Random
  private readonly isSecret: RunsParts['isSecret']
  /** What clients said last of run and turn, which was found to be no secret: calls of a run follow each other. */
  private lastSaid = ['', '']
  private readonly made = new LRUCache<TenantKey, Made>({ max: most })
  private readonly sessions = new LRUCache<TenantKey, Run>({ max: most })
  private readonly claimed = new WeakMap<Principal, Run>()

  constructor({ clock, random, isSecret }: RunsParts) {
    this.clock = clock
    this.random = random
    this.isSecret = isSecret
  }

  /** Runs that are remembered, of principals and sessions. */
  get kept(): number {
    return this.made.size + this.sessions.size
  }

  /** `session`: of a client that has one; `meta`: of the params. */
  of(
    principal: Principal,
    session: string | undefined,
    meta: Readonly<Record<string, unknown>> | undefined,
    headers: RunHeaders | undefined,
  ): Run {
    const stated = statedIn(meta, headers)
    if (stated === undefined) return this.unstated(principal, session)
    const { why } = stated
    const id = this.open(stated.id, 0)
    const turn = this.open(stated.turn, 1)
    const { team } = principal
    if (principal.run === undefined && id !== undefined) return { id, source: stated.source, turn, why, team }
    const run = this.unstated(principal, session)
    return turn === undefined && why === undefined ? run : { id: run.id, source: run.source, turn, why, team }
  }

  /** Undefined where it is a secret, as if it had not been said. */
  private open(said: string | undefined, kind: 0 | 1): string | undefined {
    if (said === undefined || said === this.lastSaid[kind]) return said
    if (this.isSecret?.(said) === true) return undefined
    this.lastSaid[kind] = said
    return said
  }

  private unstated(principal: Principal, session: string | undefined): Run {
    if (principal.run !== undefined) return this.ofClaim(principal, principal.run)
    return session === undefined ? this.ofPrincipal(principal) : this.ofSession(session, principal)
  }

  private ofClaim(principal: Principal, id: string): Run {
    let run = this.claimed.get(principal)
    if (run === undefined) {
      run = { id, source: 'claim', turn: undefined, why: undefined, team: principal.team }
      this.claimed.set(principal, run)
    }
    return run
  }

  /** Not the session's own id, which for some transports is all that its client has to show. The same on every replica. */
  private ofSession(session: string, { tenant, team }: Principal): Run {
    const key = tenantKey(tenant, session)
    let run = this.sessions.get(key)
    if (run === undefined || run.team !== team) {
      run = { id: hash('sha256', session, 'base64url').slice(0, 22), source: 'session', turn: undefined, why: undefined, team }
      this.sessions.set(key, run)
    }
    return run
  }

  private ofPrincipal(principal: Principal): Run {
    const key = principalKey(principal)
    const now = this.clock.mono()
    const made = this.made.get(key)
    if (made === undefined || now - made.lastAt >= quietMs) {
      const run: Run = { id: this.random.id(), source: 'made', turn: undefined, why: undefined, team: principal.team }
      this.made.set(key, { run, lastAt: now })
      return run
    }
    made.lastAt = now
    // Another credential of the principal may name another team.
    if (made.run.team !== principal.team) made.run = { ...made.run, team: principal.team }
    return made.run
  }
}
