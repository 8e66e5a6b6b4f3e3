// What is counted of calls, from their records: durations by the OpenTelemetry conventions for MCP and by our own names, faults, streams, waits
// and bytes.
import { Counter, type Registry } from 'prom-client'
import type { AttemptRecord, CallRecord } from '../../core/call/record.ts'
import { errorOfAttempt, errorOfCall } from '../error-type.ts'
import { Histogram, type Measured } from './histogram.ts'
import { ItemLabels, methodLabel, namedItem, revisionLabel } from './labels.ts'
import { addUsage, UsageSums } from './usage.ts'

/** OpenTelemetry's boundaries for MCP durations, in seconds. */
export const durationBounds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
const byteBounds = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304]
/** Servers' ids that are labels of their own without the number of calls. */
const network = { http: 'tcp', sse: 'tcp', stdio: 'pipe' } as const

export class CallMetrics {
  private readonly items = new ItemLabels()
  private readonly bytes = { in: 0, out: 0 }
  private readonly usage = new UsageSums()
  private readonly server: Histogram
  private readonly client: Histogram
  private readonly seconds: Histogram
  private readonly results: Histogram
  private readonly firstEvent: Histogram
  private readonly eventGap: Histogram
  private readonly phases: Histogram
  private readonly faults: Counter
  private readonly refusals: Counter
  private readonly coerced: Counter
  private readonly events: Counter
  private readonly ends: Counter

  constructor(registry: Registry) {
    const registers = [registry]
    const histogram = (name: string, help: string, labels: readonly string[], bounds: readonly number[] = durationBounds): Histogram => {
      const made = new Histogram({ name, help, labels, bounds })
      registry.registerMetric(made as unknown as Counter)
      return made
    }
    this.server = histogram(
      'mcp_server_operation_duration_seconds',
      'Duration of a request or notification of a client, from door to delivery (OpenTelemetry `mcp.server.operation.duration`).',
      [...common, 'gen_ai_prompt_name', 'gen_ai_operation_name'],
    )
    this.client = histogram(
      'mcp_client_operation_duration_seconds',
      'Duration of one attempt of a call at its server (OpenTelemetry `mcp.client.operation.duration`).',
      [...common, 'gen_ai_prompt_name', 'server_address', 'server_port', 'signalbox_upstream'],
    )
    this.seconds = histogram('signalbox_call_seconds', 'Duration of calls, from door to delivery.', [
      'method',
      'upstream',
      'item',
      'outcome',
    ])
    this.results = histogram('signalbox_result_bytes', 'Size of results.', ['upstream', 'item'], byteBounds)
    this.firstEvent = histogram('signalbox_first_event_seconds', 'Time to the first event of a call that had any before its answer.', item)
    this.eventGap = histogram('signalbox_event_gap_seconds', 'The longest time between two events of a call that had several.', item)
    this.phases = histogram(
      'signalbox_wait_seconds',
      'How long calls waited, of those that did: for a place (`queue`), the store of limits (`limits`), a credential, a connection (`connect`), between two attempts (`pause`), their user (`park`).',
      ['upstream', 'phase'],
    )
    this.faults = new Counter({
      name: 'signalbox_faults_total',
      help: 'Faults by kind; each has exactly one category.',
      labelNames: ['category', 'kind', 'upstream'],
      registers,
    })
    this.refusals = new Counter({
      name: 'signalbox_refusals_total',
      help: 'Requests turned away at the door, before they became a call.',
      labelNames: ['transport', 'revision', 'kind'],
      registers,
    })
    this.coerced = new Counter({
      name: 'signalbox_coerced_arguments_total',
      help: 'Arguments of calls that were given the type of their schema, so that they fit it.',
      labelNames: ['upstream', 'item'],
      registers,
    })
    this.events = new Counter({
      name: 'signalbox_call_events_total',
      help: 'Events that calls had before their answer: progress, log messages and the like.',
      labelNames: ['upstream', 'item'],
      registers,
    })
    this.ends = new Counter({
      name: 'signalbox_call_ends_total',
      help: 'Calls by the two letters that say who ended them and what they were at (operations.md#how-a-call-ended).',
      labelNames: ['upstream', 'ended'],
      registers,
    })
    addUsage(registry, this.usage)
    const { bytes } = this
    new Counter({
      name: 'signalbox_call_bytes_total',
      help: 'Bytes of params in and results out.',
      labelNames: ['direction'],
      registers,
      collect() {
        this.reset()
        this.inc({ direction: 'in' }, bytes.in)
        this.inc({ direction: 'out' }, bytes.out)
      },
    })
  }

  count(record: CallRecord): void {
    const { upstream = '', fault, stream, trace, atMs } = record
    const measured = trace?.sampled === true ? trace : undefined
    const seconds = record.durationMs / 1_000
    const method = methodLabel(record)
    const name = this.items.of(upstream, record.item)
    this.ofServer(record, method, seconds, measured)
    this.seconds.observe([method, upstream, name, record.outcome], seconds, measured, atMs)
    for (const attempt of record.attempted) this.ofClient(record, attempt, method, upstream, measured)
    if (record.termination !== '--') this.ends.inc({ upstream, ended: record.termination })
    if (fault !== undefined) this.faults.inc({ category: fault.category, kind: fault.kind, upstream })
    else if (record.family === 'invoke') this.results.observe([upstream, name], record.bytesOut)
    if (record.usage !== undefined) this.usage.add(upstream, name, record.usage)
    if (record.coerced !== undefined) this.coerced.inc({ upstream, item: name }, record.coerced.length)
    if (record.family === 'refused') {
      const { transport, revision } = record.caller.arrival
      this.refusals.inc({ transport, revision: revisionLabel(revision), kind: fault?.kind ?? '' })
    }
    if (stream !== undefined && record.family !== 'listen') {
      this.events.inc({ upstream, item: name }, stream.events)
      this.firstEvent.observe([upstream, name], stream.firstMs / 1_000, measured, atMs)
      if (stream.events > 1) this.eventGap.observe([upstream, name], stream.longestGapMs / 1_000, measured, atMs)
    }
    this.waits(record, upstream)
    this.bytes.in += record.bytesIn
    this.bytes.out += record.bytesOut
  }

  private ofServer(record: CallRecord, method: string, seconds: number, measured: Measured | undefined): void {
    const { type, code } = errorOfCall(record)
    const { transport, revision } = record.caller.arrival
    const tool = namedItem(record, 'tool', this.items)
    this.server.observe(
      [
        method,
        tool,
        type,
        code,
        network[transport],
        revisionLabel(revision),
        namedItem(record, 'prompt', this.items),
        tool === '' ? '' : 'execute_tool',
      ],
      seconds,
      measured,
      record.atMs,
    )
  }

  private ofClient(record: CallRecord, attempt: AttemptRecord, method: string, upstream: string, measured: Measured | undefined): void {
    const { sentOn } = attempt
    const { type, code } = errorOfAttempt(attempt)
    this.client.observe(
      [
        method,
        namedItem(record, 'tool', this.items),
        type,
        code,
        sentOn?.transport === 'stdio' ? 'pipe' : 'tcp',
        revisionLabel(sentOn?.revision),
        namedItem(record, 'prompt', this.items),
        sentOn?.address ?? '',
        sentOn?.port === undefined ? '' : String(sentOn.port),
        upstream,
      ],
      (attempt.to - attempt.from) / 1_000,
      measured,
      record.atMs,
    )
  }

  private waits({ phases, parkedMs }: CallRecord, upstream: string): void {
    if (parkedMs !== undefined) this.phases.observe([upstream, 'park'], parkedMs / 1_000)
    for (const { name, from, to } of phases) {
      if (name !== 'wait' && name !== 'stream' && name !== 'request') this.phases.observe([upstream, name], (to - from) / 1_000)
    }
  }
}

const item = ['upstream', 'item']

const common = [
  'mcp_method_name',
  'gen_ai_tool_name',
  'error_type',
  'rpc_response_status_code',
  'network_transport',
  'mcp_protocol_version',
]
