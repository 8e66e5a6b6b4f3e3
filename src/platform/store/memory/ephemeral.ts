// The ephemeral store of a single process: bounded maps whose entries expire, and topics.
import type { Clock } from '../../../core/ports/clock.ts'
import type { Ephemeral, Versioned } from '../../../core/ports/ephemeral.ts'
import type { Report } from '../../../core/ports/report.ts'
import { Buckets } from './buckets.ts'
import { ExpiringMap, type MapBounds } from './expiring-map.ts'
import { Leases } from './leases.ts'
import { Streams } from './streams.ts'
import { Topics } from './topics.ts'

/** Of each kind: values, buckets, leases, streams. */
const defaultBounds: MapBounds = { most: 100_000, mostBytes: 268_435_456 }

/** Past a bound what was written longest ago goes first, and is counted; a lease that is held never goes. */
export function createMemoryEphemeral(clock: Clock, report: Report, bounds: MapBounds = defaultBounds): Ephemeral {
  const evicted = (what: 'value' | 'bucket' | 'lease' | 'stream') => (): void => report.counters.add('store_evicted', { what })
  const values = new ExpiringMap<Versioned>(clock, bounds, evicted('value'))
  const buckets = new Buckets(clock, bounds, evicted('bucket'))
  const leases = new Leases(clock, bounds, evicted('lease'))
  const streams = new Streams(clock, bounds, evicted('stream'))
  const topics = new Topics((error) => {
    report.log('error', 'A listener of a topic failed', { stack: error instanceof Error ? error.stack : String(error) })
  })
  // One count for all keys: a version from before a deletion is never that of a later value.
  let version = 0
  return {
    async get(key) {
      return values.get(key)
    },
    async put(key, value, { ttlMs, ifVersion }) {
      const old = values.get(key)
      if (ifVersion === 'absent' ? old !== undefined : ifVersion !== undefined && old?.version !== ifVersion) return false
      version += 1
      values.set(key, { value, version }, ttlMs, value.length)
      return true
    },
    async delete(key) {
      values.delete(key)
    },
    async take(asked) {
      return buckets.take(asked)
    },
    async lease(key, ttlMs) {
      return leases.lease(key, ttlMs)
    },
    async append(key, value, { ttlMs, most }) {
      return streams.append(key, value, ttlMs, most)
    },
    async read(key, after, most) {
      return streams.read(key, after, most)
    },
    async publish(topic, message) {
      topics.publish(topic, message)
    },
    async subscribe(topic, on) {
      return topics.subscribe(topic, on)
    },
  }
}
