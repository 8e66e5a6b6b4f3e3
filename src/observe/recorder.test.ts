import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { aRecord } from '../../test/doubles/record.ts'
import { payloadOf } from '../core/call/payload.ts'
import { anonymous } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { Redaction } from '../core/secrets/redaction.ts'
import { createInventory } from './inventory.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createRecorder } from './recorder.ts'

function refused(method: string, revision: string | undefined): CallRecord {
  const caller = { principal: anonymous, client: undefined, arrival: { transport: 'sse', revision } } as const
  const fault = {
    kind: 'parse_error',
    category: 'tool',
    sideEffect: 'none',
    message: 'It is no JSON.',
    code: -32700,
    answered: -32700,
  } as const
  const none = { target: undefined, upstream: undefined, item: undefined, run: undefined, trace: undefined }
  return aRecord({ ...none, family: 'refused', method, caller, outcome: 'fault', fault })
}

function observed(...records: CallRecord[]) {
  return observedWith('none', ...records)
}

function observedWith(
  args: 'none' | 'redacted',
  ...records: CallRecord[]
): { lines: Record<string, unknown>[]; text: () => Promise<string> } {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const log = createLog({ format: 'json', level: 'info' }, (line) => line, new ManualClock(), { write })
  const none = () => []
  const metrics = createMetrics({
    upstreams: none,
    sessions: none,
    clients: none,
    tools: none,
    alerts: none,
    results: none,
    incidents: none,
    objectives: none,
    stages: none,
    auditWaiting: () => 0,
    spansQueued: () => 0,
  })
  const recorder = createRecorder(log, metrics, createInventory(), { observe: () => {} }, new Redaction({ keys: [], patterns: [] }), {
    calls: true,
    arguments: args,
  })
  for (const record of records) recorder.record(record)
  return { lines, text: async () => (await metrics.text()).text }
}

describe('a refusal that is observed', () => {
  it('names principal, transport and revision in its line', () => {
    expect(observed(refused('ping', '2025-06-18')).lines).toMatchObject([
      { event: 'refused', method: 'ping', transport: 'sse', revision: '2025-06-18', sub: 'anonymous', fault: 'parse_error' },
    ])
  })

  it('is counted by transport, revision and kind; what a client makes up makes no series', async () => {
    const made = Array.from({ length: 100 }, (_, n) => refused(`made/up${n}`, `20${n}`))
    const text = await observed(refused('ping', '2025-06-18'), refused('', undefined), ...made).text()
    expect(text).toContain('signalbox_refusals_total{transport="sse",revision="2025-06-18",kind="parse_error"} 1')
    expect(text).toContain('signalbox_refusals_total{transport="sse",revision="",kind="parse_error"} 1')
    expect(text).toContain('signalbox_refusals_total{transport="sse",revision="_OTHER",kind="parse_error"} 100')
    expect(text).not.toContain('made/up')
    expect(text).toContain('signalbox_call_seconds_count{method="_OTHER",upstream="",item="",outcome="fault"} 100')
  })
})

describe('a call that told something before its answer', () => {
  it('says so in its line: how often, how much, when first, and how long it was silent', () => {
    const stream = { events: 3, bytes: 90, firstMs: 150.126, lastMs: 2_000, longestGapMs: 1_500 }
    expect(observed(aRecord({ stream, termination: 'SD' })).lines).toMatchObject([
      { event: 'call', ended: 'SD', events: 3, eventBytes: 90, firstEventMs: 150.13, eventGapMs: 1500 },
    ])
    expect(Object.keys(observed(aRecord()).lines[0] ?? {})).not.toContain('events')
  })
})

it('texts that others said stand in the line of a call without what is to be written down nowhere', () => {
  const fault = {
    kind: 'tool_failed',
    category: 'tool',
    sideEffect: 'none',
    message: 'no anna@example.org in c1:aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jLaZ3kQ9xV7bN',
  } as unknown as CallRecord['fault']
  const why = 'to write to anna@example.org with aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL'
  const { lines } = observed(
    aRecord({ fault, run: { id: 'r', source: 'made', turn: undefined, why, team: undefined }, target: 'anna@example.org' }),
  )
  expect(lines[0]).toMatchObject({
    target: '[redacted:email]',
    message: 'no [redacted:email] in c1:aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jLaZ3kQ9xV7bN',
    why: 'to write to [redacted:email] with [redacted:high_entropy]',
  })
})

describe('the arguments of a call of a tool', () => {
  const params = payloadOf({ name: 'up_weather', arguments: { city: 'Oslo', password: 'hunter22', days: [1, 2] } })
  const result = payloadOf({ content: [], structuredContent: { days: [{ rain: 3 }, { rain: 4 }] } })

  it('stand in its line without what is secret, and the shape of its result beside them, where that is wanted', () => {
    expect(observedWith('redacted', aRecord({ params, result })).lines).toMatchObject([
      { arguments: { city: 'Oslo', password: '[redacted:password]', days: [1, 2] }, shape: '{days:[{rain:n}×2]}' },
    ])
  })

  it('the shape as it was seen where the result was judged, with the rows', () => {
    const seen = { rows: 2, shape: '{days:[{rain:n}]}' }
    expect(observedWith('redacted', aRecord({ params, result, seen })).lines).toMatchObject([{ shape: '{days:[{rain:n}]}', rows: 2 }])
  })

  it('and nowhere else', () => {
    const [line] = observed(aRecord({ params, result })).lines
    expect(Object.keys(line ?? {})).not.toContain('arguments')
    expect(Object.keys(line ?? {})).not.toContain('shape')
  })
})
