// What was used of limits: of rates, budgets and repetitions. In memory where there is one gateway, else shared by all gateways of a store,
// which then hands units out ahead, so that nearly every question is answered without waiting.
// test/contracts/limit-store-contract.ts is the contract.
import type { TenantKey } from '../call/tenant-key.ts'

/** At most `most` within any period of that length: also of one that begins in the middle of another. */
export interface Allowance {
  readonly key: TenantKey
  /** Above 0; calls, tokens or money. */
  readonly most: number
  /** Milliseconds, above 0. */
  readonly periodMs: number
  /** The store's own: what it keeps of this allowance, so that it is not looked up for each call. */
  slot?: unknown
}

/** `now` is the monotonic time of the turn of the event loop (`Clock.mono`), read once for all limits of a call. */
export interface LimitStore {
  /**
   * Milliseconds until `amount` more fits: 0 where it fits now, `Infinity` where it never does. A promise where the store has to be asked
   * first: ask again when it resolves, which it does soon whatever the store does. Never throws, never rejects; changes nothing.
   */
  waitMs(allowance: Allowance, amount: number, now: number): number | Promise<void>
  /**
   * Counts it, in the turn of the event loop in which `waitMs` said 0: several allowances are asked first and then counted, all or none.
   * What turns out to be more than was asked for is counted as well, and may go beyond the limit; what is less or was not used is given
   * back by a negative amount.
   */
  add(allowance: Allowance, amount: number, now: number): void
  /** As far as this gateway knows. */
  used(allowance: Allowance, now: number): number
  /** Milliseconds until some of it is given back; 0 where nothing is used. */
  resetsInMs(allowance: Allowance, now: number): number
  /** Nothing of it is used any more. */
  clear(allowance: Allowance): void
}
