// Signatures first; the body follows.
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { HttpWire } from '../wire.ts'
import type { HttpPools } from './pools.ts'

export interface HttpWireOptions {
  /** Name of the upstream, for faults. */
  readonly upstream: string
  readonly url: string
  /** Legacy revisions: a cut answer stream is taken up again by GET with Last-Event-ID. */
  readonly resume: boolean
  readonly connectTimeoutMs: number
  /** Cap of one message of the GET stream, in bytes (answers have their own cap in each request). */
  readonly maxMessageBytes: number
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly pools: HttpPools
}

/** Opens no connection yet; the first request does. */
export function openHttpWire(_options: HttpWireOptions): HttpWire {
  throw new Error('under construction')
}
