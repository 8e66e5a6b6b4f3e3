// Places at one upstream: so many calls at once, so many more in a queue, first come first served. A caller that goes away leaves the queue.

import type { Signal } from './signal.ts'

export interface BulkheadLimits {
  /** Calls at the upstream at once. */
  readonly concurrency: number
  /** Calls that may wait. */
  readonly queue: number
}

/** How a wait ended. */
export type Admittance = 'admitted' | 'ended'

interface Waiter {
  readonly settle: (admittance: Admittance) => void
}

export class Bulkhead {
  private limits: BulkheadLimits
  private taken = 0
  /** In insertion order, so that the first is the one that waits longest. */
  private readonly waiters = new Set<Waiter>()

  constructor(limits: BulkheadLimits) {
    this.limits = limits
  }

  get inFlight(): number {
    return this.taken
  }

  get queued(): number {
    return this.waiters.size
  }

  /** New limits hold at once; calls that run or wait already are left alone. */
  limit(limits: BulkheadLimits): void {
    this.limits = limits
    this.admitWaiters()
  }

  /** Takes a free place without waiting; every place taken must be left once. */
  tryEnter(): boolean {
    if (this.taken >= this.limits.concurrency || this.waiters.size > 0) return false
    this.taken += 1
    return true
  }

  /** Waits for a place; undefined where the queue is full. */
  wait(signal: Signal): Promise<Admittance> | undefined {
    if (this.waiters.size >= this.limits.queue) return undefined
    if (signal.aborted) return Promise.resolve('ended')
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (admittance) => {
          signal.removeEventListener('abort', leave)
          resolve(admittance)
        },
      }
      const leave = (): void => {
        this.waiters.delete(waiter)
        waiter.settle('ended')
      }
      signal.addEventListener('abort', leave, { once: true })
      this.waiters.add(waiter)
    })
  }

  leave(): void {
    this.taken -= 1
    this.admitWaiters()
  }

  private admitWaiters(): void {
    for (const waiter of this.waiters) {
      if (this.taken >= this.limits.concurrency) return
      this.waiters.delete(waiter)
      this.taken += 1
      waiter.settle('admitted')
    }
  }
}
