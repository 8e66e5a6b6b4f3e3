// Places at one upstream: so many calls at once, so many more in a queue, first come first served. A caller that goes away leaves the queue.
// While an operator has paused the upstream all wait, more of them than the queue would take, and go on in order when it is resumed.

import type { Signal } from './signal.ts'

export interface BulkheadLimits {
  /** Calls at the upstream at once. */
  readonly concurrency: number
  /** Calls that may wait. */
  readonly queue: number
}

/** What an operator does with an upstream: `paused` holds calls, `drained` refuses those that come and lets those that are here go on. */
export type Closure = 'paused' | 'drained'

/** Calls that are held at most while an upstream is paused, where the queue takes no more. */
const mostHeld = 1_024

/** How a wait ended. */
export type Admittance = 'admitted' | 'ended'

interface Waiter {
  readonly settle: (admittance: Admittance) => void
}

export class Bulkhead {
  private limits: BulkheadLimits
  private closed: Closure | undefined
  private taken = 0
  /** Waiters that were held and are still here: the queue is counted behind them. */
  private backlog = 0
  /** In insertion order, so that the first is the one that waits longest. */
  private readonly waiters = new Set<Waiter>()

  constructor(limits: BulkheadLimits) {
    this.limits = limits
  }

  get inFlight(): number {
    return this.taken
  }

  get closure(): Closure | undefined {
    return this.closed
  }

  /** `undefined` opens it again: who waited goes on in order. */
  close(closure: Closure | undefined): void {
    if (this.closed === 'paused') this.backlog = this.waiters.size
    this.closed = closure
    this.admitWaiters()
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
    if (this.closed !== undefined || this.taken >= this.limits.concurrency || this.waiters.size > 0) return false
    this.taken += 1
    return true
  }

  /** Waits for a place; undefined where there is none to wait for. */
  wait(signal: Signal): Promise<Admittance> | undefined {
    if (this.closed === 'drained' || this.waiters.size >= this.mostWaiting()) return undefined
    if (signal.aborted) return Promise.resolve('ended')
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (admittance) => {
          signal.removeEventListener('abort', leave)
          resolve(admittance)
        },
      }
      const leave = (): void => {
        this.remove(waiter)
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

  private mostWaiting(): number {
    const { queue } = this.limits
    return this.closed === 'paused' ? Math.max(queue, mostHeld) : queue + this.backlog
  }

  private remove(waiter: Waiter): void {
    this.waiters.delete(waiter)
    if (this.backlog > 0) this.backlog -= 1
  }

  private admitWaiters(): void {
    if (this.closed === 'paused') return
    for (const waiter of this.waiters) {
      if (this.taken >= this.limits.concurrency) return
      this.remove(waiter)
      this.taken += 1
      waiter.settle('admitted')
    }
  }
}
