// Traces: what a door asks where a request comes in, and what becomes of its record when the call is over. Nothing is made of a call that is
// not exported.
import { createHmac } from 'node:crypto'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { CallRecord } from '../../core/call/record.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Propagation } from '../../core/ports/propagation.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Implementation } from '../../core/protocol/names.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import type { DropReason } from '../otlp/export-queue.ts'
import { Exporter } from '../otlp/exporter.ts'
import { readResource } from '../otlp/resource.ts'
import { type Environment, type OtlpTarget, readTarget, secretsOf } from '../otlp/target.ts'
import type { TelemetrySettings } from '../settings.ts'
import { createSampler } from './sampler.ts'
import { readSampling } from './sampling.ts'
import type { ReadableSpan, SpanOrigin } from './span.ts'
import { type SpanParts, spansOf } from './spans.ts'
import { type SlowerThan, Tail } from './tail.ts'

export interface TracesParts {
  readonly settings: TelemetrySettings
  readonly env: Environment
  readonly identity: Implementation
  /** Of this replica. */
  readonly instance: string
  /** With it principals and sessions are told apart in spans, and by nobody who does not have it. */
  readonly key: Uint8Array
  readonly redaction: Redaction
  readonly objective: SlowerThan
  readonly proxies: Pick<Proxies, 'find'> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
}

export interface Traces {
  readonly propagation: Propagation
  /** Values of the environment that must never be written anywhere. */
  readonly secrets: readonly string[]
  /** Variables that cannot be read. */
  readonly unread: readonly string[]
  observe(record: CallRecord): void
  /** Loads what exporting needs. Before that what is observed waits. */
  start(): Promise<void>
  /** Spans that wait for the collector. */
  queued(): number
  end(withinMs: number): Promise<void>
}

export function createTraces(parts: TracesParts): Traces {
  const { settings, env, clock } = parts
  const { sampling, unread } = readSampling(settings, env)
  const read = readTarget('traces', settings.otlp, env)
  const all = [...unread, ...read.unread]
  const propagation = { sampled: createSampler(sampling, clock), baggage: new Set(settings.baggage) }
  const { target } = read
  return target === undefined ? new NoTraces(propagation, all) : new ExportedTraces(parts, propagation, all, target)
}

class NoTraces implements Traces {
  readonly propagation: Propagation
  readonly secrets = []
  readonly unread: readonly string[]

  constructor(propagation: Propagation, unread: readonly string[]) {
    this.propagation = propagation
    this.unread = unread
  }

  observe(): void {}
  queued(): number {
    return 0
  }
  async start(): Promise<void> {}
  async end(): Promise<void> {}
}

class ExportedTraces implements Traces {
  readonly propagation: Propagation
  readonly secrets: readonly string[]
  readonly unread: readonly string[]
  private readonly parts: TracesParts
  private readonly target: OtlpTarget
  private readonly origin: SpanOrigin
  private readonly spanParts: SpanParts
  private readonly tail: Tail
  private readonly exporter: Exporter<ReadableSpan>

  constructor(parts: TracesParts, propagation: Propagation, unread: readonly string[], target: OtlpTarget) {
    this.parts = parts
    this.propagation = propagation
    this.unread = unread
    this.target = target
    this.secrets = secretsOf(target)
    this.origin = { resource: undefined, scope: { name: parts.identity.name, version: parts.identity.version } }
    const digest = keyed(parts.key)
    this.spanParts = {
      origin: this.origin,
      digest,
      principal: ofPrincipals(digest),
      redaction: parts.redaction,
      lastClient: { name: '', version: '', told: { name: '', version: '' } },
      contents: parts.settings.arguments === 'redacted',
    }
    this.tail = new Tail(parts.objective)
    const { proxies, clock, random, report } = parts
    const { counters } = report
    const counted = {
      taken: (items: number) => counters.add('spans', {}, items),
      dropped: (reason: DropReason, items: number) => counters.add('spans_dropped', { reason }, items),
    }
    this.exporter = new Exporter({ target, counted, mostQueued, proxies, clock, random, report })
  }

  observe(record: CallRecord): void {
    const { trace } = record
    if (trace === undefined || this.exporter.isOff) return
    const found = this.tail.keeps(record)
    const kept = found ?? (trace.sampled ? 'trace' : undefined)
    if (kept !== undefined) this.exporter.add(spansOf(record, trace, kept, this.spanParts), found !== undefined)
  }

  start(): Promise<void> {
    return this.exporter.start(async () => {
      const { parts, target } = this
      const { spansEncoding } = await import('../otlp/encoding.ts')
      this.origin.resource = await readResource(parts.identity, parts.instance, parts.env)
      return spansEncoding(target.protocol)
    })
  }

  queued(): number {
    return this.exporter.size
  }

  end(withinMs: number): Promise<void> {
    return this.exporter.end(withinMs)
  }
}

/** Spans that wait at most. */
const mostQueued = 4_096

/** 16 hex digits: enough to tell apart what one gateway sees. */
function keyed(key: Uint8Array): (text: string) => string {
  return (text) => createHmac('sha256', key).update(text).digest('hex').slice(0, 16)
}

function ofPrincipals(digest: (text: string) => string): (principal: Principal) => string {
  const known = new WeakMap<Principal, string>()
  return (principal) => {
    let made = known.get(principal)
    if (made === undefined) {
      made = digest(principalKey(principal))
      known.set(principal, made)
    }
    return made
  }
}
