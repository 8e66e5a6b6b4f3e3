// `GET /admin/v1/events`: what happens, as it happens, as server-sent events: calls that end, alerts, changes of the state of servers. Nothing is
// kept: who comes later, or reads too slowly, asks the lists.
import { z } from 'zod'
import type { Principal } from '../../../core/call/principal.ts'
import type { CallRecord } from '../../../core/call/record.ts'
import { readSelector, selects } from '../../../core/call/selector.ts'
import type { Timer } from '../../../core/ports/clock.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { redactedArguments } from '../../../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../../../core/secrets/redaction.ts'
import { EventStreams, type OperatorStream } from '../event-streams.ts'
import { iso } from '../operations.ts'
import type { Resource, ResourceTools } from '../resource.ts'
import { includes } from '../role.ts'
import type { Incidents } from './alerts.ts'
import type { UpstreamStatus } from './upstreams.ts'

const kinds = ['call', 'alert', 'upstream'] as const

type Kind = (typeof kinds)[number]

export interface EventParts {
  readonly alerts: Pick<Incidents, 'all'>
  /** Tells of each call that ends, until what it gave is called. */
  readonly calls: { listen(listener: (record: CallRecord) => void): () => void }
  /** Of what is shown of calls. */
  readonly redaction: Redaction
  upstreams(): readonly UpstreamStatus[]
}

/** How often alerts and states of servers are looked at while somebody listens, in ms. */
const lookMs = 1_000

const query = z.object({
  types: z
    .string()
    .regex(/^(call|alert|upstream)(,(call|alert|upstream))*$/, { error: 'are some of call, alert, upstream, with commas between' })
    .optional()
    .describe('Which events, with commas between: `call`, `alert`, `upstream`. Default: all.'),
  tool: z
    .string()
    .min(1)
    .max(1_200)
    .optional()
    .describe('Calls of what this selector names (`server`, `server/name`, `server/start*`) alone.'),
  run: z.string().min(1).max(200).optional().describe('Calls of this run alone.'),
  principal: z.string().min(1).max(1_000).optional().describe('Calls of this subject alone.'),
})

type Wanted = z.infer<typeof query>

interface Listening {
  readonly stream: OperatorStream
  readonly kinds: ReadonlySet<Kind>
}

export const events: Resource<EventParts> = (app, parts) => {
  let streams: EventStreams | undefined
  const watch = new Watch(parts)
  app.addHook('preClose', async () => streams?.end())
  app.get(
    '/admin/v1/events',
    {
      // A HEAD would open a stream that nobody reads.
      exposeHeadRoute: false,
      config: { role: 'viewer' },
      schema: {
        summary: 'What happens, as it happens: calls that end, alerts, states of servers (server-sent events)',
        description:
          'Events `call`, `alert` and `upstream`, each with JSON as data. Calls have metadata; for `auditor` and `admin` arguments too, without secrets. The stream ends with the door, or where it is not read.',
        querystring: query,
        response: { 200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      streams ??= new EventStreams(parts.clock, parts.report)
      streams.checkRoom()
      const { types, ...wanted } = request.query
      const chosen = new Set((types === undefined ? kinds : (types.split(',') as Kind[])) satisfies readonly Kind[])
      const full = includes(request.operator.role, 'auditor')
      const fits = chosen.has('call') ? fitting(wanted) : undefined
      let stop = (): void => undefined
      reply.hijack()
      const stream = streams.begin(reply.raw, () => {
        stop()
        watch.leave(listening)
      })
      const listening: Listening = { stream, kinds: chosen }
      if (fits !== undefined) {
        stop = parts.calls.listen((record) => {
          if (fits(record)) stream.send('call', shownCall(record, full ? parts.redaction : undefined))
        })
      }
      watch.join(listening)
    },
  )
}

/** Looks at alerts and states while somebody wants to know, and tells what is another than at the last look. */
class Watch {
  private readonly parts: EventParts & ResourceTools
  private readonly listening = new Set<Listening>()
  private states = new Map<string, string>()
  private alerts = new Map<string, string>()
  private timer: Timer | undefined

  constructor(parts: EventParts & ResourceTools) {
    this.parts = parts
  }

  join(one: Listening): void {
    if (!one.kinds.has('alert') && !one.kinds.has('upstream')) return
    if (this.listening.size === 0) this.look(true)
    this.listening.add(one)
  }

  leave(one: Listening): void {
    this.listening.delete(one)
    if (this.listening.size > 0) return
    this.timer?.cancel()
    this.timer = undefined
  }

  private look(isFirst: boolean): void {
    const { clock } = this.parts
    const states = new Map<string, string>()
    for (const { name, state, reason } of this.parts.upstreams()) {
      const before = this.states.get(name)
      states.set(name, state)
      if (!isFirst && before !== state) this.tell('upstream', { at: iso(clock.now()), name, state, before, reason })
    }
    const alerts = new Map<string, string>()
    for (const alert of this.parts.alerts.all()) {
      const { id, state, severity, text, reopened = 0, conditions } = alert
      const now = JSON.stringify([state, severity, text, reopened, conditions.length])
      alerts.set(id, now)
      if (!isFirst && this.alerts.get(id) !== now) this.tell('alert', alert)
    }
    this.states = states
    this.alerts = alerts
    this.timer = clock.timer(lookMs, () => this.look(false))
  }

  private tell(kind: Kind, data: object): void {
    for (const { stream, kinds: wanted } of this.listening) if (wanted.has(kind)) stream.send(kind, data)
  }
}

function fitting({ tool, run, principal }: Omit<Wanted, 'types'>): (record: CallRecord) => boolean {
  const selector = tool === undefined ? undefined : readSelector(tool)
  return (record) =>
    (selector === undefined ||
      (selector.server === undefined && selector.name === undefined) ||
      (record.upstream !== undefined && selects(selector, record.upstream, record.item ?? record.target ?? ''))) &&
    (run === undefined || record.run?.id === run) &&
    (principal === undefined || record.caller.principal?.sub === principal)
}

/** `redaction`: arguments are shown, after it. */
function shownCall(record: CallRecord, redaction: Redaction | undefined): object {
  const { caller, run, fault } = record
  const { principal } = caller
  return {
    id: record.id,
    at: iso(record.atMs),
    ms: Math.round(record.durationMs * 100) / 100,
    method: record.method,
    server: record.upstream,
    item: record.item,
    version: record.version,
    principal: principal === undefined ? undefined : namesOf(principal),
    client: caller.client?.name,
    transport: caller.arrival.transport,
    run: run?.id,
    turn: run?.turn,
    outcome: record.outcome,
    fault: fault === undefined ? undefined : { kind: fault.kind, category: fault.category },
    found: record.found,
    suspect: record.suspect,
    attempts: record.attempts,
    delivery: record.delivery,
    ended: record.termination,
    bytes: { in: record.bytesIn, out: record.bytesOut },
    ...(redaction === undefined
      ? {}
      : { why: run?.why === undefined ? undefined : redaction.text(run.why), arguments: argumentsOf(record, redaction) }),
  }
}

function namesOf({ iss, sub }: Principal): { readonly issuer: string; readonly subject: string } {
  return { issuer: iss, subject: sub }
}

/** Undefined where there are none. */
function argumentsOf({ params }: CallRecord, redaction: Redaction): unknown {
  const value = params?.json()
  const given = isObject(value) ? (value.arguments ?? value.uri) : undefined
  return given === undefined ? undefined : JSON.parse(redactedArguments(Buffer.from(JSON.stringify(given)), redaction))
}
