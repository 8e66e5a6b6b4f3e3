import { readFileSync } from 'node:fs'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, it } from 'vitest'
import { read, traceRequest } from '../../../test/doubles/otlp/protobuf.ts'
import { type Span, spansIn } from '../../../test/doubles/otlp/receiver.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRecord } from '../../../test/doubles/record.ts'
import { aRun } from '../../../test/doubles/run.ts'
import type { TraceContext } from '../../core/call/call.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { AttemptRecord, CallRecord } from '../../core/call/record.ts'
import { Redaction } from '../../core/secrets/redaction.ts'
import { spansOf } from './spans.ts'

const origin = { resource: resourceFromAttributes({ 'service.name': 'signalbox' }), scope: { name: 'signalbox', version: '1' } }
const parts = {
  origin,
  principal: () => 'p1',
  digest: (text: string) => `digest of ${text.length}`,
  redaction: new Redaction({ keys: ['ssn'], patterns: [] }),
  lastClient: { name: '', version: '', told: { name: '', version: '' } },
  contents: true,
}
const trace: TraceContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  sampled: true,
  tracestate: 'a=1',
  link: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true },
  baggage: undefined,
}

/** What a collector reads of the spans of a record. */
function told(change: Partial<CallRecord> = {}, own: Partial<typeof parts> = {}): Span[] {
  const spans = spansOf(aRecord(change), change.trace ?? trace, 'trace', { ...parts, ...own })
  return spansIn(read(ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array, traceRequest))
}

const server = (change: Partial<CallRecord> = {}) => told(change).find(({ kind }) => kind === 'server') as Span
const sentOn = { transport: 'streamable-http', revision: '2025-11-25', address: 'tools.example', port: 443 } as const
const attempt: AttemptRecord = { number: 1, requestId: 7, from: 5, to: 30, sentOn, fault: undefined, isError: false, events: 0 }
const fault = { kind: 'upstream_error', category: 'integration', sideEffect: 'none', message: 'It failed.', code: -32603 } as const

/** A record of every kind that has spans of its own. */
const records: readonly (readonly [string, Partial<CallRecord>])[] = [
  ['a call of a tool', { attempted: [attempt] }],
  [
    'one in a session',
    { caller: { ...aRecord().caller, affinity: 'session-secret', arrival: { transport: 'sse', revision: '2024-11-05' } } },
  ],
  ['one over stdio', { caller: { ...aRecord().caller, arrival: { transport: 'stdio', revision: '2026-07-28' } } }],
  ['a prompt', { method: 'prompts/get', target: 'up_greet', item: 'greet', itemKind: 'prompt', requestId: '"a"', attempted: [attempt] }],
  ['a resource', { method: 'resources/read', target: 'file:///a', item: 'file:///a', itemKind: 'resource', attempted: [attempt] }],
  ['a list', { method: 'tools/list', family: 'list', target: undefined, item: undefined, itemKind: undefined, upstream: undefined }],
  [
    'an initialize',
    { method: 'server/discover', askedAs: 'initialize', family: 'discover', target: undefined, item: undefined, itemKind: undefined },
  ],
  ['an error of a tool', { outcome: 'tool_error', attempted: [{ ...attempt, isError: true }] }],
  [
    'a fault in a result',
    {
      outcome: 'fault',
      fault: { ...fault, answered: undefined },
      result: undefined,
      termination: 'SH',
      attempted: [
        { ...attempt, fault: { kind: 'upstream_error', evidence: 'error_answer', answered: -32000, status: undefined } },
        {
          ...attempt,
          number: 2,
          from: 40,
          to: 41,
          fault: { kind: 'upstream_unavailable', evidence: 'refused', answered: undefined, status: 503 },
        },
      ],
    },
  ],
  ['an error', { method: 'prompts/get', itemKind: 'prompt', outcome: 'fault', fault: { ...fault, answered: -32603 }, result: undefined }],
  [
    'a bad request',
    { family: 'refused', method: 'made/up', outcome: 'fault', fault: { ...fault, answered: -32601 }, run: undefined, item: undefined },
  ],
  ['one that its client gave up', { outcome: 'fault', fault: { ...fault, kind: 'cancelled', answered: undefined }, termination: 'CH' }],
  [
    'one with all that can be known',
    {
      run: aRun({ id: 'r', turn: 't', why: 'because', team: 'support' }),
      usage: { sent: 3, got: 4, cost: 0.5 },
      version: 2,
      found: 'empty',
      suspect: ['empty', 'rows'],
      stream: { events: 2, bytes: 20, firstMs: 10, lastMs: 20, longestGapMs: 10 },
      coerced: ['/a'],
      masked: { jwt: 2 },
      delivery: 'client_gone',
      decided: { allowed: true, rule: 'access.0', from: 1, to: 2 },
      arrived: { at: -5, identifiedAt: -1 },
      parkedMs: 1_000,
      phases: [
        { name: 'queue', from: 3, to: 4, attempt: 1 },
        { name: 'wait', from: 4, to: 9, attempt: 1 },
      ],
      attempted: [attempt],
    },
  ],
]

describe('spans are those of the OpenTelemetry conventions for MCP', () => {
  const conventions = JSON.parse(readFileSync(new URL('../../../test/fixtures/mcp-conventions.json', import.meta.url), 'utf8'))

  it.each(records)('%s: each attribute has a name and type of the model, or is ours', (_what, change) => {
    const spans = told(change)
    for (const { kind, name, attributes, error } of spans) {
      const own = kind === 'client' ? conventions.client : kind === 'server' ? conventions.server : {}
      const known: Record<string, string> = kind === 'internal' ? {} : { ...conventions.common, ...own, ...conventions.alsoKnown }
      for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith('signalbox.')) continue
        expect([name, key, typeOf(value)]).toEqual([name, key, known[key]])
        const values: string[] | undefined = conventions.values[key]
        if (values !== undefined) expect(values).toContain(value)
      }
      if (kind === 'internal') continue
      for (const key of conventions.required) expect(attributes).toHaveProperty([key])
      // Status ERROR if and only if the operation failed, which error.type tells of.
      expect(error).toBe(attributes['error.type'] !== undefined)
      expect(attributes['gen_ai.operation.name'] !== undefined).toBe(attributes['mcp.method.name'] === 'tools/call')
    }
    expect(spans.filter(({ kind }) => kind === 'server')).toHaveLength(1)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([trace.traceId]))
    const ids = new Set([...spans.map(({ spanId }) => spanId), trace.parentSpanId])
    expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([])
  })

  it.each([
    ['tools/call up_weather', {}],
    ['tools/call', { item: undefined, itemKind: undefined, outcome: 'fault', fault: { ...fault, answered: -32602 } }],
    ['resources/read', { method: 'resources/read', item: 'file:///a', itemKind: 'resource', target: 'file:///a' }],
    ['tools/list', { method: 'tools/list', family: 'list', item: undefined, target: undefined }],
    ['initialize', { method: 'server/discover', askedAs: 'initialize', item: undefined, target: undefined }],
    ['_OTHER', { method: 'x'.repeat(100), family: 'refused', item: undefined }],
    ['_OTHER', { method: '', family: 'refused', item: undefined }],
  ] as [string, Partial<CallRecord>][])('a request is called %s: names of clients make no names of spans', (name, change) => {
    expect(server(change).name).toBe(name)
  })

  it.each([
    [{ outcome: 'tool_error' }, 'tool_error', undefined, true],
    [{ outcome: 'fault', fault: { ...fault, answered: undefined } }, 'tool_error', undefined, true],
    [{ outcome: 'fault', fault: { ...fault, answered: -32603 } }, '-32603', '-32603', true],
    [{ outcome: 'fault', fault: { ...fault, answered: -32001 } }, '-32001', '-32001', true],
    [{ outcome: 'fault', fault: { ...fault, answered: -32602 } }, undefined, '-32602', false],
    [{ outcome: 'fault', fault: { ...fault, answered: -32700 } }, undefined, '-32700', false],
    [{ outcome: 'fault', fault: { ...fault, kind: 'cancelled', answered: undefined }, termination: 'CH' }, 'cancelled', undefined, true],
    [{}, undefined, undefined, false],
  ] as [Partial<CallRecord>, string | undefined, string | undefined, boolean][])(
    'a call that ended so (%#) has error.type %s and the code %s',
    (change, type, code, isError) => {
      const { attributes, error } = server(change)
      expect([attributes['error.type'], attributes['rpc.response.status_code'], error]).toEqual([type, code, isError])
    },
  )
})

describe('what a span tells', () => {
  it('is where it belongs: the parent in `_meta`, the HTTP request as a link, the state of the trace', () => {
    expect(server()).toMatchObject({
      parentSpanId: trace.parentSpanId,
      links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16) }],
      traceState: 'a=1',
    })
    const { trace: own = trace } = aRecord({ trace: { ...trace, parentSpanId: undefined, link: undefined } })
    expect(told({ trace: own })[0]).toMatchObject({ parentSpanId: '', links: [] })
  })

  it('is what each attempt was sent on, and what came of it', () => {
    const [first, second] = told(Object.fromEntries(records)['a fault in a result']).filter(({ kind }) => kind === 'client')
    expect(first?.attributes).toMatchObject({
      'server.address': 'tools.example',
      'server.port': 443,
      'network.transport': 'tcp',
      'mcp.protocol.version': '2025-11-25',
      'gen_ai.tool.name': 'weather',
      'jsonrpc.request.id': '7',
      'error.type': '-32000',
      'rpc.response.status_code': '-32000',
    })
    expect(second?.attributes).toMatchObject({
      'error.type': 'upstream_unavailable',
      'http.response.status_code': 503,
      'signalbox.attempt': 2,
    })
    expect(second?.attributes).not.toHaveProperty(['rpc.response.status_code'])
    expect(first?.parentSpanId).toBe(trace.spanId)
  })

  it('is where the time went: each wait below what it belongs to', () => {
    const arrived = { at: -20, identifiedAt: -10 }
    const phases = [
      { name: 'limits', from: 1, to: 2, attempt: 0 },
      { name: 'credential', from: 6, to: 8, attempt: 1 },
      { name: 'connect', from: 8, to: 9, attempt: 1 },
      { name: 'wait', from: 9, to: 20, attempt: 1 },
      { name: 'pause', from: 30, to: 35, attempt: 1 },
      { name: 'queue', from: 35, to: 36, attempt: 2 },
    ] as const
    const decided = { allowed: false, rule: 'default', from: 0, to: 1 }
    const spans = told({ arrived, phases, decided, parkedMs: 500, attempted: [attempt], startedAt: 0, atMs: 1_000 })
    const client = spans.find(({ kind }) => kind === 'client')
    const rows = spans.filter(({ kind }) => kind === 'internal')
    expect(
      rows.map(({ name, parentSpanId, start, end }) => [
        name,
        parentSpanId === client?.spanId,
        Number(start / 1_000_000n),
        Number(end / 1_000_000n),
      ]),
    ).toEqual([
      ['authenticate', false, 980, 990],
      ['authorize', false, 1_000, 1_001],
      ['limits', false, 1_001, 1_002],
      ['credential', true, 1_006, 1_008],
      ['connect', true, 1_008, 1_009],
      ['retry pause', false, 1_030, 1_035],
      // Of an attempt that a bug ended there is no span to stand below.
      ['queue', false, 1_035, 1_036],
      ['parked', false, 500, 1_000],
    ])
    expect(rows[1]?.attributes).toEqual({ 'signalbox.access.allowed': false, 'signalbox.access.rule': 'default' })
    const own = spans.find(({ kind }) => kind === 'server')
    expect([own?.start, own?.end]).toEqual([980_000_000n, 1_042_000_000n])
  })

  it('nobody waits for who is nobody in particular, and nothing is told of what was not waited for', () => {
    const principal = aPrincipal({ method: 'anonymous' })
    const spans = told({ arrived: { at: 0, identifiedAt: 1 }, caller: { ...aRecord().caller, principal }, attempted: [attempt] })
    expect(spans.map(({ kind }) => kind)).toEqual(['server', 'client'])
  })

  it('is how a stream went', () => {
    const { attributes, events } = server({ stream: { events: 3, bytes: 90, firstMs: 10, lastMs: 35, longestGapMs: 20 } })
    expect(attributes).toMatchObject({
      'signalbox.stream.events': 3,
      'signalbox.stream.bytes': 90,
      'signalbox.stream.first_ms': 10,
      'signalbox.stream.longest_gap_ms': 20,
    })
    expect(events.map(({ name, time }) => [name, Number(time / 1_000_000n)])).toEqual([
      ['signalbox.stream.first', 1_010],
      ['signalbox.stream.last', 1_035],
    ])
  })

  it('is whose it is and why, and never the session or the principal itself', () => {
    const caller = { ...aRecord().caller, affinity: 'session-secret', principal: aPrincipal({ sub: 'ada@example.com' }) }
    const { attributes } = server({ caller, run: aRun({ id: 'r-1', turn: 't-1', why: 'to see' }) })
    expect(attributes).toMatchObject({
      'signalbox.run.id': 'r-1',
      'signalbox.turn.id': 't-1',
      'signalbox.why': 'to see',
      'signalbox.principal': 'p1',
      'mcp.session.id': 'digest of 14',
    })
    expect(JSON.stringify(attributes)).not.toMatch(/session-secret|ada/)
    expect(server({ run: aRun({ turn: undefined }) }).attributes['signalbox.turn.id']).toBe(trace.traceId)
  })

  it('is what a tool was called with and what it gave, without what is sensitive', () => {
    const params = payloadOf({ name: 'up_weather', arguments: { city: 'Oslo', ssn: '123-45-6789', password: 'hunter2hunter2' } })
    const shown = server({ params }).attributes
    expect(JSON.parse(String(shown['gen_ai.tool.call.arguments']))).toMatchObject({ city: 'Oslo' })
    expect(String(shown['gen_ai.tool.call.arguments'])).not.toMatch(/123-45|hunter2/)
    expect(shown['signalbox.result.shape']).toBe('text(4)')
    const judged = server({ params, seen: { rows: 3, shape: '{items:[{id:n}]}' } }).attributes
    expect(judged).toMatchObject({ 'signalbox.result.shape': '{items:[{id:n}]}', 'signalbox.result.rows': 3 })
    expect(server({ params, seen: { rows: undefined, shape: undefined } }).attributes).not.toHaveProperty(['signalbox.result.shape'])
    const [hidden] = told({ params }, { contents: false })
    expect(Object.keys(hidden?.attributes ?? {}).filter((key) => /arguments|shape/.test(key))).toEqual([])
    const prompt = server({ method: 'prompts/get', itemKind: 'prompt', params })
    expect(prompt.attributes).not.toHaveProperty(['gen_ai.tool.call.arguments'])
  })

  it('has no secret of a peer in its texts, and no more of a text than has room', () => {
    const token = ['ghp', 'Qx7vT2mK9pLr4WzN8sYb3HdJ6fGc1AeUiOt5'].join('_')
    const run = aRun({ why: `with ${token}` })
    const change: Partial<CallRecord> = {
      run,
      method: 'resources/read',
      target: `https://x.example/?token=${token}`,
      item: undefined,
      outcome: 'fault',
      fault: { ...fault, message: `It says ${token}. ${'x'.repeat(5_000)}`, answered: -32603 },
      requestId: JSON.stringify('i'.repeat(9_000)),
    }
    const spans = told(change)
    expect(JSON.stringify(spans, (_key, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(token)
    expect(spans[0]?.message.length).toBeLessThanOrEqual(1_100)
    expect(String(spans[0]?.attributes['jsonrpc.request.id']).length).toBe(256)
  })
})

function typeOf(value: unknown): string {
  return typeof value === 'number' ? (Number.isInteger(value) ? 'int' : 'double') : typeof value
}
