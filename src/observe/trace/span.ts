// One span as the serialiser of OpenTelemetry reads it: made when all of it is known.
import {
  type Attributes,
  createTraceState,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanStatus,
  TraceFlags,
} from '@opentelemetry/api'
import type { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { TraceContext } from '../../core/call/call.ts'

export type ReadableSpan = Parameters<typeof ProtobufTraceSerializer.serializeRequest>[0][number]
export type Resource = ReadableSpan['resource']
type Event = ReadableSpan['events'][number]

/** As `SpanKind` of the API, which is loaded for its values by nothing else. */
export const kinds = { internal: 0, server: 1, client: 2 } as const
/** As `SpanStatusCode`. */
export const statuses = { unset: 0, error: 2 } as const

/** What all spans of a gateway share; the resource is known when it exports. */
export interface SpanOrigin {
  resource: Resource | undefined
  readonly scope: { readonly name: string; readonly version: string }
}

export interface SpanMade {
  readonly name: string
  readonly kind: (typeof kinds)[keyof typeof kinds]
  readonly spanId: string
  readonly parent: SpanContext | undefined
  /** Ms since the epoch, with fractions. */
  readonly from: number
  readonly to: number
  readonly attributes: Attributes
  readonly status: SpanStatus
  readonly events: Event[]
  readonly links: Link[]
}

const unset: SpanStatus = { code: statuses.unset }
export const noEvents: Event[] = []
export const noLinks: Link[] = []

export class RecordedSpan implements ReadableSpan {
  readonly name: string
  readonly kind: ReadableSpan['kind']
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly links: Link[]
  readonly events: Event[]
  readonly ended = true
  readonly droppedAttributesCount = 0
  readonly droppedEventsCount = 0
  readonly droppedLinksCount = 0
  readonly instrumentationScope: SpanOrigin['scope']
  readonly parentSpanContext?: SpanContext
  private readonly context: SpanContext
  private readonly origin: SpanOrigin

  constructor(origin: SpanOrigin, trace: TraceContext, made: SpanMade) {
    this.origin = origin
    this.context = contextOf(trace, made.spanId)
    this.name = made.name
    this.kind = made.kind
    this.startTime = hrTime(made.from)
    this.endTime = hrTime(Math.max(made.from, made.to))
    this.status = made.status
    this.attributes = made.attributes
    this.links = made.links
    this.events = made.events
    this.instrumentationScope = origin.scope
    if (made.parent !== undefined) this.parentSpanContext = made.parent
  }

  get resource(): Resource {
    return this.origin.resource as Resource
  }

  get duration(): HrTime {
    return hrTime((this.endTime[0] - this.startTime[0]) * 1_000 + (this.endTime[1] - this.startTime[1]) / 1e6)
  }

  spanContext(): SpanContext {
    return this.context
  }
}

/** `tracestate` of what cannot be read as one is left out. */
export function contextOf({ traceId, sampled, tracestate }: TraceContext, spanId: string, isRemote = false): SpanContext {
  const context: SpanContext = { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote }
  if (tracestate !== undefined) context.traceState = createTraceState(tracestate)
  return context
}

/** Of ms since the epoch. */
export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1_000) * 1e6))]
}

export { unset }
