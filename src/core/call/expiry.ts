// The end of a credential, for what must not outlive it: exchanges, streams, calls that wait for their user. An entry in the deadline
// queue, and none where the credential has no end.

import type { Clock } from '../ports/clock.ts'
import { DeadlineQueue, type QueuedDeadline } from './deadline-queue.ts'
import type { ListEntry } from './intrusive-list.ts'
import type { Principal } from './principal.ts'

/** What something was begun with. A session's moves when a later request brings a newer one. */
export interface Credential {
  /** Milliseconds since the epoch; undefined where it has no end. */
  readonly expiresAt: number | undefined
  /** Of a session: as its last request showed it. A principal is a credential itself. */
  readonly principal?: Principal
}

export const endless: Credential = { expiresAt: undefined }

export class Expiry implements QueuedDeadline {
  dueAt: number
  private readonly clock: Clock
  private readonly credential: Credential
  private readonly expire: () => void
  private readonly queue: DeadlineQueue
  private place: ListEntry<QueuedDeadline> | undefined

  private constructor(clock: Clock, credential: Credential, expire: () => void) {
    this.clock = clock
    this.credential = credential
    this.expire = expire
    this.queue = DeadlineQueue.of(clock)
    this.dueAt = this.end()
    this.place = this.queue.enter(this)
  }

  /** Runs `expire` once, at the credential's end as it stands then. Undefined where it has none. */
  static of(clock: Clock, credential: Credential, expire: () => void): Expiry | undefined {
    return credential.expiresAt === undefined ? undefined : new Expiry(clock, credential, expire)
  }

  /** Ends at once what was begun with credentials of such principals, as if they had expired. What has no end is not found. */
  static endWhere(clock: Clock, of: (principal: Principal) => boolean): void {
    for (const queued of DeadlineQueue.of(clock).waiting()) {
      if (!(queued instanceof Expiry)) continue
      const { credential } = queued
      const principal = credential.principal ?? (isPrincipal(credential) ? credential : undefined)
      if (principal === undefined || !of(principal)) continue
      queued.close()
      queued.expire()
    }
  }

  close(): void {
    if (this.place !== undefined) this.queue.leave(this.place)
    this.place = undefined
  }

  due(): void {
    // It was renewed meanwhile, or the wall clock was set back.
    this.dueAt = this.end()
    if (this.clock.mono() < this.dueAt) {
      this.queue.sooner(this)
      return
    }
    this.close()
    this.expire()
  }

  /** Monotonic ms. */
  private end(): number {
    const { expiresAt } = this.credential
    return expiresAt === undefined ? Number.POSITIVE_INFINITY : this.clock.mono() + expiresAt - this.clock.now()
  }
}

function isPrincipal(credential: Credential): credential is Principal {
  return 'sub' in credential
}
