// Short streams in memory: each keeps its last entries, and each entry knows the one before it, so that a reader learns of a gap.
import type { TenantKey } from '../../../core/call/tenant-key.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { Cursor, StreamEntry, StreamPage } from '../../../core/ports/ephemeral.ts'
import { ExpiringMap, type MapBounds } from './expiring-map.ts'

interface Linked extends StreamEntry {
  readonly previous: Cursor | undefined
}

interface Stream {
  readonly entries: Linked[]
  bytes: number
  last: Cursor | undefined
}

export class Streams {
  private readonly clock: Clock
  private readonly streams: ExpiringMap<Stream>
  private lastMs = 0
  private count = 0

  constructor(clock: Clock, bounds: MapBounds, evicted: () => void) {
    this.clock = clock
    this.streams = new ExpiringMap(clock, bounds, evicted)
  }

  append(key: TenantKey, value: Uint8Array, ttlMs: number, most: number): Cursor {
    const stream = this.streams.get(key) ?? { entries: [], bytes: 0, last: undefined }
    const cursor = this.nextCursor()
    stream.entries.push({ cursor, value, previous: stream.last })
    stream.bytes += value.length
    stream.last = cursor
    while (stream.entries.length > Math.max(1, most)) stream.bytes -= stream.entries.shift()?.value.length ?? 0
    this.streams.set(key, stream, ttlMs, stream.bytes)
    return cursor
  }

  read(key: TenantKey, after: Cursor | undefined, most: number): StreamPage {
    const stream = this.streams.get(key)
    if (stream === undefined) return { entries: [], missed: after !== undefined }
    const from = after === undefined ? 0 : stream.entries.findIndex((entry) => entry.cursor > after)
    const first = from < 0 ? undefined : stream.entries[from]
    if (first === undefined) return { entries: [], missed: after !== stream.last }
    const entries = stream.entries.slice(from, from + most).map(({ cursor, value }) => ({ cursor, value }))
    return { entries, missed: first.previous !== after }
  }

  /** By the time of day, and of fixed width, so that a cursor from before a restart or an expiry never looks like one that is to come. */
  private nextCursor(): Cursor {
    const now = Math.floor(this.clock.now())
    this.count = now > this.lastMs ? 0 : this.count + 1
    this.lastMs = Math.max(now, this.lastMs)
    return `${String(this.lastMs).padStart(15, '0')}-${String(this.count).padStart(9, '0')}`
  }
}
