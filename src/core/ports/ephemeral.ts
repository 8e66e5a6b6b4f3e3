// The store of what may be lost: sessions, limits, leases, short streams and topics. In memory where there is one process; later shared by
// replicas. Each operation is one step for everybody who shares the store. test/contracts/ephemeral-contract.ts is the contract.
import type { TenantKey } from '../call/tenant-key.ts'

export interface Versioned {
  readonly value: Uint8Array
  readonly version: number
}

/** A bucket of the generic cell rate algorithm (GCRA): up to `burst` units at once, then one each `intervalMs`. */
export interface Bucket {
  readonly key: TenantKey
  /** Milliseconds in which one unit comes back; may have a fraction, is above 0. */
  readonly intervalMs: number
  /** Most units that can be there. */
  readonly burst: number
  /** Units to take, 0 or more. */
  readonly cost: number
}

export type Taken =
  | { readonly ok: true }
  /** Nothing was taken from any bucket. */
  | {
      readonly ok: false
      /** Position, in the list that was asked for, of the bucket that takes longest. */
      readonly bucket: number
      /** Milliseconds until that bucket would give, if nobody else takes; `Infinity` where the cost is above its burst. */
      readonly waitMs: number
    }

/**
 * Something that at most one holder has. A holder that stalls does not notice that its time is over, so it guards itself twice: it stops
 * well before `ttlMs` after the last renewal was *sent*, by its own monotonic clock, and it hands `fence` to whatever it changes, which
 * refuses a lower one than it has seen.
 */
export interface FencedLease {
  /** Higher than that of every holder before. */
  readonly fence: number
  /** Holds it for `ttlMs` from now; false where it is lost. */
  renew(ttlMs: number): Promise<boolean>
  /** Gives it back; without effect where it is lost. */
  release(): Promise<void>
}

/** Where a reader of a stream stands. Opaque: only the store compares two of them. */
export type Cursor = string

export interface StreamEntry {
  readonly cursor: Cursor
  readonly value: Uint8Array
}

export interface StreamPage {
  /** In the order in which they were appended. */
  readonly entries: readonly StreamEntry[]
  /** True where what stood between the cursor and the first entry may be gone: dropped for the bound, expired, or lost with the store. */
  readonly missed: boolean
}

export type Unsubscribe = () => void

export interface Ephemeral {
  get(key: TenantKey): Promise<Versioned | undefined>
  /** False where `ifVersion` does not hold. `ttlMs` starts anew. */
  put(key: TenantKey, value: Uint8Array, options: { readonly ttlMs: number; readonly ifVersion?: number | 'absent' }): Promise<boolean>
  delete(key: TenantKey): Promise<void>
  /** From all buckets or from none. A key that stands twice pays twice. */
  take(buckets: readonly Bucket[]): Promise<Taken>
  /** Undefined while another holder has it. */
  lease(key: TenantKey, ttlMs: number): Promise<FencedLease | undefined>
  /** Puts an entry at the end and keeps the last `most`. `ttlMs` is the stream's, and starts anew. */
  append(key: TenantKey, value: Uint8Array, options: { readonly ttlMs: number; readonly most: number }): Promise<Cursor>
  /** Up to `most` entries after a cursor; undefined reads from the oldest that is kept. */
  read(key: TenantKey, after: Cursor | undefined, most: number): Promise<StreamPage>
  /** At most once, to whoever listens now. */
  publish(topic: TenantKey, message: Uint8Array): Promise<void>
  /** A listener that throws harms neither the publisher nor another listener. */
  subscribe(topic: TenantKey, on: (message: Uint8Array) => void): Promise<Unsubscribe>
}
