// The stage that judges results, with its own histories and alerts, on a clock of the test.
import type { RoutedCall, TargetedCall } from '../../../src/core/call/call.ts'
import type { Exchange } from '../../../src/core/call/exchange.ts'
import type { Held } from '../../../src/core/call/gates.ts'
import type { Item } from '../../../src/core/call/item.ts'
import { type Outcome, unscanned } from '../../../src/core/call/outcome.ts'
import { payload, payloadOf } from '../../../src/core/call/payload.ts'
import { type ToolQuality, unconfigured } from '../../../src/core/call/tool-settings.ts'
import type { Durable } from '../../../src/core/ports/durable.ts'
import type { Report } from '../../../src/core/ports/report.ts'
import { createSchemaGate } from '../../../src/gateway/policy/schema-gate.ts'
import { Episodes, JudgedTools, KeptHistories, QualityOperators, results, taskResults } from '../../../src/gateway/quality/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { aCall, anExchange, anItem } from './samples.ts'

export interface Line {
  readonly severity: string
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

export interface Sent {
  readonly args?: unknown
  readonly item?: Partial<Item>
  /** In ms; the clock goes on by it. */
  readonly takesMs?: number
  /** In ms, until the next call. */
  readonly thenMs?: number
}

export interface Polled {
  /** As its client has it. */
  readonly id: string
  readonly asked?: number
  readonly item?: Partial<Item>
  readonly method?: 'tasks/get' | 'tasks/cancel'
  /** The id is of before ids told their tool. */
  readonly origin?: 'unknown'
  /** In ms, until the next call. */
  readonly thenMs?: number
}

export interface JudgingOptions {
  readonly clock?: ManualClock
  readonly annotate?: boolean
  readonly sensitivity?: 'normal' | 'low'
  readonly quality?: Partial<ToolQuality>
  readonly durable?: Durable
}

export const usualQuality: ToolQuality = { rows: undefined, emptyIsNormal: false, payload: undefined, ignore: [], onSuspect: 'annotate' }

export function judging({
  clock = new ManualClock(),
  annotate = true,
  sensitivity = 'normal',
  quality = {},
  durable,
}: JudgingOptions = {}) {
  const lines: Line[] = []
  const counted: string[] = []
  const report: Report = {
    log: (severity, event, fields = {}) => void lines.push({ severity, event, fields }),
    counters: { add: (name, labels) => void counted.push(`${name} ${JSON.stringify(labels)}`) },
  }
  const judged: ToolQuality = { ...usualQuality, ...quality }
  const tools = new JudgedTools({ sensitivity, qualityOf: () => judged })
  const episodes = new Episodes({ report, ownerOf: () => 'team-data' })
  const kept = durable === undefined ? undefined : new KeptHistories({ durable, clock, report, tools, episodes })
  const gate = createSchemaGate()
  const served = { version: '1.0.0' as string | undefined, digest: 'c1:aa', compiled: 0 }
  const compile = (schema: unknown) => {
    served.compiled += 1
    return gate(schema)
  }
  const parts = { clock, report, tools, episodes, annotate, compile, versionOf: () => served.version }
  const stage = results(parts)
  const ofTasks = taskResults(parts)
  const definition = payloadOf({ name: 'find' })
  let calls = 0
  let last: Exchange | undefined

  function tool(item: Partial<Item>): Item {
    return anItem({
      name: 'find',
      definition,
      traits: { readOnly: true, destructive: false, idempotent: true },
      settings: { ...unconfigured, quality: judged },
      contract: { digest: served.digest } as Item['contract'],
      ...item,
    })
  }

  function callOf(args: unknown, item = tool({})): RoutedCall {
    const params = payloadOf({ name: item.name, arguments: args })
    return { ...aCall({ id: `call-${calls}`, params }), item, upstream: item.upstream }
  }

  /** What `tasks/get` answers: as the server does, and as its client is given it. */
  async function poll(task: unknown, { id, asked, item = {}, method = 'tasks/get', origin, thenMs = 0 }: Polled): Promise<Outcome> {
    calls += 1
    const made = tool(item)
    const call: TargetedCall = {
      ...aCall({ id: `call-${calls}`, method, target: id, params: payloadOf({ taskId: 'up-1' }) }),
      upstream: made.upstream,
      origin: origin === 'unknown' ? undefined : { tool: made, asked },
    }
    const { exchange } = anExchange(clock)
    last = exchange
    const held = (await ofTasks.enter(call, exchange)) as Held
    const result = task instanceof Uint8Array ? payload(task) : payloadOf(task)
    const outcome: Outcome = { kind: 'complete', result, facts: unscanned(result.size), annotations: [] }
    held.leave(outcome, call)
    const amended = held.amend?.(outcome) ?? outcome
    if (thenMs > 0) await clock.advance(thenMs)
    return amended
  }

  /** `result`: a value, or its bytes. */
  async function send(result: unknown, { args = {}, item = {}, takesMs = 0, thenMs = 0 }: Sent = {}): Promise<Outcome> {
    calls += 1
    const made = tool(item)
    const call = callOf(args, made)
    const { exchange } = anExchange(clock)
    last = exchange
    const held = (await stage.enter(call, exchange)) as Held
    if (takesMs > 0) await clock.advance(takesMs)
    const bytes = result instanceof Uint8Array ? payload(result) : payloadOf(result)
    const facts = unscanned(bytes.size, (result as { isError?: boolean }).isError === true)
    const outcome: Outcome = { kind: 'complete', result: bytes, facts, annotations: [] }
    held.leave(outcome, call)
    const amended = held.amend?.(outcome) ?? outcome
    if (thenMs > 0) await clock.advance(thenMs)
    return amended
  }

  return {
    clock,
    send,
    poll,
    /** What the record is told of the last result. */
    seen: () => last?.fact('seen'),
    callOf,
    served,
    counted,
    lines,
    stage,
    tools,
    episodes,
    kept,
    operators: new QualityOperators({ clock, tools, episodes }),
    /** What people were told: `warn` where an episode begins, `info` where it ends. */
    alerts: () => lines.filter(({ fields }) => fields.alert !== undefined),
  }
}

export const structured = (structuredContent: unknown) => ({ content: [], structuredContent })
export const inText = (value: unknown) => ({ content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] })

/** As an agent reads it. */
export function read(outcome: Outcome): { readonly texts: readonly string[]; readonly suspect: readonly { kind: string; rule: string }[] } {
  if (outcome.kind !== 'complete') throw new Error(`It is ${outcome.kind}`)
  const value = outcome.result.json() as {
    content?: { text?: string }[]
    _meta?: Record<string, { reasons: { kind: string; rule: string }[] }>
  }
  return {
    texts: (value.content ?? []).map(({ text }) => text ?? ''),
    suspect: value._meta?.['signalbox.dev/suspect']?.reasons ?? [],
  }
}

/** So many rows as JSON in a text. */
export const rowsOf = (count: number) => inText({ rows: Array.from({ length: count }, (_, id) => ({ id, name: `n${id}` })) })
