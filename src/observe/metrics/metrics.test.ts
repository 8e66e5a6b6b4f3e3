import { describe, expect, it } from 'vitest'
import { aRecord } from '../../../test/doubles/record.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { asPrometheus, takesOpenMetrics } from './exposition.ts'
import { mostCells } from './histogram.ts'
import { createMetrics } from './metrics.ts'

const none = () => []
const openMetrics = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3'

function measured(...records: readonly CallRecord[]) {
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
  for (const record of records) metrics.observe(record)
  return metrics
}

async function lines(name: string, ...records: readonly CallRecord[]): Promise<readonly string[]> {
  const { text } = await measured(...records).text()
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

const notFound = { kind: 'unknown_tool', category: 'tool', sideEffect: 'none', message: '', code: -32602, answered: -32602 } as const
const late = {
  kind: 'upstream_timeout',
  category: 'transport',
  sideEffect: 'unknown',
  message: '',
  code: -32603,
  answered: undefined,
} as const

describe('durations have the names and attributes of the conventions', () => {
  it('of a request of a client', async () => {
    expect(await lines('mcp_server_operation_duration_seconds_count', aRecord())).toEqual([
      'mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="weather",error_type="",rpc_response_status_code="",network_transport="tcp",mcp_protocol_version="2026-07-28",gen_ai_prompt_name="",gen_ai_operation_name="execute_tool"} 1',
    ])
  })

  it.each([
    ['tool_error', '', aRecord({ outcome: 'tool_error' })],
    ['tool_error', '', aRecord({ outcome: 'fault', fault: late })],
    ['', '-32602', aRecord({ outcome: 'fault', fault: notFound })],
    ['-32603', '-32603', aRecord({ method: 'prompts/get', itemKind: 'prompt', outcome: 'fault', fault: { ...late, answered: -32603 } })],
  ])('with error.type %s', async (type, code, record) => {
    const [line] = await lines('mcp_server_operation_duration_seconds_count', record)
    expect(line).toContain(`error_type="${type}",rpc_response_status_code="${code}"`)
  })

  it('of each attempt at a server, by where it went', async () => {
    const sentOn = { transport: 'streamable-http', revision: '2025-11-25', address: 'tools.example', port: 443 } as const
    const attempt = { number: 1, requestId: 1, from: 0, to: 20, sentOn, fault: undefined, isError: false, events: 0 }
    const fault = { kind: 'upstream_error', evidence: 'error_answer', answered: -32000, status: undefined }
    const record = aRecord({
      attempted: [
        { ...attempt, fault },
        { ...attempt, number: 2 },
      ],
      attempts: 2,
    })
    const found = await lines('mcp_client_operation_duration_seconds_count', record)
    expect(found).toHaveLength(2)
    expect(found[0]).toContain(
      'error_type="-32000",rpc_response_status_code="-32000",network_transport="tcp",mcp_protocol_version="2025-11-25"',
    )
    expect(found[0]).toContain('server_address="tools.example",server_port="443",signalbox_upstream="up"')
    expect(found[1]).toContain('error_type="",')
  })

  it('and the boundaries of the conventions', async () => {
    const found = await lines('mcp_server_operation_duration_seconds_bucket', aRecord({ durationMs: 300 }))
    expect(found.map((line) => [/le="([^"]+)"/.exec(line)?.[1], line.split(' ').at(-1)])).toEqual(
      ['0.01', '0.02', '0.05', '0.1', '0.2', '0.5', '1', '2', '5', '10', '30', '60', '120', '300', '+Inf'].map((le) => [
        le,
        Number(le) < 0.3 ? '0' : '1',
      ]),
    )
  })
})

describe('clients and servers make up no series', () => {
  it('by names of tools that are none', async () => {
    const made = Array.from({ length: 100 }, (_, n) => aRecord({ item: undefined, itemKind: undefined, target: `made-up-${n}` }))
    expect(await lines('mcp_server_operation_duration_seconds_count', ...made)).toHaveLength(1)
  })

  it('beyond a bound, over which they count together', async () => {
    const made = Array.from({ length: mostCells + 500 }, (_, n) =>
      aRecord({ upstream: `up${n % 50}`, item: `t${n}`, outcome: n % 2 === 0 ? 'complete' : 'task' }),
    )
    const found = await lines('signalbox_call_seconds_count', ...made)
    expect(found.length).toBeLessThanOrEqual(mostCells + 1)
    expect(found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(made.length)
  })
})

describe('exemplars lead from a bucket to a trace', () => {
  it('in OpenMetrics, of calls that are sampled', async () => {
    const sampled = aRecord({ durationMs: 40 })
    const trace = sampled.trace === undefined ? undefined : { ...sampled.trace, sampled: false }
    const { text, type } = await measured(sampled, aRecord({ durationMs: 4_000, trace })).text(openMetrics)
    expect(type).toContain('application/openmetrics-text')
    const found = text.split('\n').filter((line) => line.startsWith('signalbox_call_seconds_bucket') && line.includes(' # {'))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/le="0.05".* 1 # \{trace_id="1{32}",span_id="2{16}"\} 0.04 1$/)
    expect(text.endsWith('# EOF\n')).toBe(true)
    expect(text).toMatch(/^# TYPE signalbox_faults counter$/m)
  })

  it('and the older format has the same values without them', async () => {
    const metrics = measured(aRecord(), aRecord({ outcome: 'fault', fault: late }))
    metrics.counters.add('retries', { upstream: 'a } 1 # {b', evidence: 'x' })
    const { text, type } = await metrics.text('text/plain')
    expect(type).toContain('version=0.0.4')
    expect(text).not.toContain('trace_id')
    expect(text).not.toContain('# EOF')
    expect(text).toMatch(/^# HELP signalbox_faults_total .*\n# TYPE signalbox_faults_total counter\nsignalbox_faults_total\{/m)
    expect(text).toContain('signalbox_retries_total{upstream="a } 1 # {b",evidence="x"} 1')
    const again = await metrics.text(openMetrics)
    const withoutMemory = (one: string): string => one.replace(/^signalbox_resident_bytes .*$/m, '')
    expect(withoutMemory(asPrometheus(again.text))).toBe(withoutMemory(text))
  })

  it.each([
    [openMetrics, true],
    ['application/openmetrics-text; version=1.0.0', true],
    ['application/openmetrics-text;q=0', false],
    ['text/plain', false],
    ['*/*', false],
    [undefined, false],
  ])('takes %s for %s', (accept, takes) => {
    expect(takesOpenMetrics(accept)).toBe(takes)
  })
})

describe('streams and waits are told', () => {
  it('by time to the first event, the longest gap, and how many', async () => {
    const record = aRecord({ stream: { events: 3, bytes: 90, firstMs: 150, lastMs: 2_000, longestGapMs: 1_500 } })
    expect(await lines('signalbox_first_event_seconds_sum', record)).toEqual([
      'signalbox_first_event_seconds_sum{upstream="up",item="weather"} 0.15',
    ])
    expect(await lines('signalbox_event_gap_seconds_sum', record)).toEqual([
      'signalbox_event_gap_seconds_sum{upstream="up",item="weather"} 1.5',
    ])
    expect(await lines('signalbox_call_events_total', record)).toEqual(['signalbox_call_events_total{upstream="up",item="weather"} 3'])
  })

  it('by what a call waited for, and how it ended', async () => {
    const phases = [
      { name: 'queue', from: 0, to: 250, attempt: 1 },
      { name: 'wait', from: 250, to: 900, attempt: 1 },
    ] as const
    const record = aRecord({ phases, termination: 'sH' })
    expect(await lines('signalbox_wait_seconds_sum', record)).toEqual(['signalbox_wait_seconds_sum{upstream="up",phase="queue"} 0.25'])
    expect(await lines('signalbox_call_ends_total', record)).toEqual(['signalbox_call_ends_total{upstream="up",ended="sH"} 1'])
  })
})
