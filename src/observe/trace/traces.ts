// Traces: what a door asks where a request comes in, and what becomes of its record when the call is over. Nothing is made of a call that is
// not exported.
import { createHmac } from 'node:crypto'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Propagation } from '../../core/ports/propagation.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Implementation } from '../../core/protocol/names.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import { type ExportEvents, ExportQueue } from '../otlp/export-queue.ts'
import { openSender } from '../otlp/open-sender.ts'
import { readResource } from '../otlp/resource.ts'
import { type Environment, type OtlpTarget, readTarget } from '../otlp/target.ts'
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
  observe(record: CallRecord): void
  /** Loads what exporting needs. Before that what is observed waits. */
  start(): Promise<void>
  /** Spans that wait for the collector. */
  queued(): number
  end(withinMs: number): Promise<void>
}

export function createTraces(parts: TracesParts): Traces {
  const { settings, env, clock, report } = parts
  const { sampling, unread } = readSampling(settings, env)
  const read = readTarget('traces', settings.otlp, env)
  for (const variable of [...unread, ...read.unread]) {
    report.log('warn', 'A variable of OpenTelemetry cannot be read and counts as absent', { variable })
  }
  const propagation = { sampled: createSampler(sampling, clock), baggage: new Set(settings.baggage) }
  const { target } = read
  return target === undefined ? new NoTraces(propagation) : new ExportedTraces(parts, propagation, target)
}

class NoTraces implements Traces {
  readonly propagation: Propagation
  readonly secrets = []

  constructor(propagation: Propagation) {
    this.propagation = propagation
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
  private readonly parts: TracesParts
  private readonly target: OtlpTarget
  private readonly origin: SpanOrigin
  private readonly spanParts: SpanParts
  private readonly tail: Tail
  private readonly queue: ExportQueue<ReadableSpan>
  private isOff = false

  constructor(parts: TracesParts, propagation: Propagation, target: OtlpTarget) {
    this.parts = parts
    this.propagation = propagation
    this.target = target
    const { headers, tls } = target
    this.secrets = [...Object.values(headers), ...(tls.key === undefined ? [] : [tls.key])]
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
    this.queue = new ExportQueue({ clock: parts.clock, random: parts.random, events: eventsOf(parts.report) })
  }

  observe(record: CallRecord): void {
    const { trace } = record
    if (trace === undefined || this.isOff) return
    const found = this.tail.keeps(record)
    const kept = found ?? (trace.sampled ? 'trace' : undefined)
    if (kept !== undefined) this.queue.add(spansOf(record, trace, kept, this.spanParts), found !== undefined)
  }

  async start(): Promise<void> {
    const { parts, target } = this
    try {
      const { spansEncoding } = await import('../otlp/encoding.ts')
      this.origin.resource = await readResource(parts.identity, parts.instance, parts.env)
      this.queue.open(await openSender(target, parts.clock, parts.proxies), spansEncoding(target.protocol))
      parts.report.log('info', 'Traces are exported', { endpoint: target.url.origin, protocol: target.protocol })
    } catch (error) {
      // Certificates that are none, a proxy that cannot be used: calls are served all the same.
      this.isOff = true
      parts.report.log('error', 'Traces are not exported: the collector cannot be spoken to as configured', { reason: String(error) })
    }
  }

  queued(): number {
    return this.queue.size
  }

  end(withinMs: number): Promise<void> {
    return this.queue.end(withinMs).catch((bug: unknown) => reportBug(this.parts.report, 'telemetry', bug))
  }
}

function eventsOf(report: Report): ExportEvents {
  return {
    taken: (spans) => report.counters.add('spans', {}, spans),
    dropped: (reason, spans) => report.counters.add('spans_dropped', { reason }, spans),
    turned: (reason) => {
      if (reason === undefined) report.log('info', 'The collector takes traces again')
      else report.log('warn', 'The collector does not take traces; they wait, as far as there is room', { reason })
    },
    bug: (bug) => reportBug(report, 'telemetry', bug),
  }
}

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
