// What an agent, an operator and a program learn of a failure, and of a call that went well, without anything being set up for it.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { catalogue } from '../../src/core/faults/catalogue.ts'
import type { Result } from '../peers/clients.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { type Answer, metric, modern, send, upstreamsOf } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const strict = { name: 'strict', inputSchema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } }
let upstream: Scripted
let gateway: GatewayProcess

beforeAll(async () => {
  upstream = await startScripted({
    tools: [plainTool('cut'), plainTool('mute'), plainTool('hang'), plainTool('fine'), plainTool('wrong'), strict],
    call: ({ name, res, answer, fail }) => {
      if (name === 'cut') res.destroy()
      else if (name === 'wrong') fail(-32_000, 'the database is away')
      else if (name !== 'mute' && name !== 'hang') answer(textResult('fine'))
    },
  })
  gateway = await startProcess({
    servers: {
      up: { url: upstream.url, era: 'legacy', timeouts: { call: 400, connect: 300 } },
      away: { command: 'no-such-program-anywhere' },
      everything,
    },
  })
})
afterAll(async () => {
  await gateway.end('SIGTERM')
  await upstream.close()
})

const call = (name: string, args: unknown = {}): Promise<Answer> => modern(gateway.base, 'tools/call', { name, arguments: args })

function faultIn(message: Result): Result {
  const holder = message.error?.data ?? message.result?._meta
  return holder?.['signalbox.dev/fault'] ?? Object.values(holder ?? {}).find((value) => (value as Result)?.kind !== undefined)
}

describe('every failure', () => {
  const provoked: [kind: string, provoke: () => Promise<Answer>][] = [
    ['invalid_arguments', () => call('up__strict', { n: 'one' })],
    ['unknown_tool', () => call('up__none')],
    ['outcome_unknown', () => call('up__cut')],
    ['upstream_timeout', () => call('up__mute')],
    ['upstream_error', () => call('up__wrong')],
    ['unknown_mount', () => modern(gateway.base, 'tools/list', {}, { mount: '/none' })],
    ['method_not_found', () => modern(gateway.base, 'tools/forget')],
    ['header_mismatch', () => modern(gateway.base, 'tools/list', {}, { headers: { 'mcp-method': 'prompts/list' } })],
    ['host_refused', () => modern(gateway.base, 'tools/list', {}, { headers: { host: 'evil.example' } })],
    ['parse_error', () => send(`${gateway.base}/mcp`, 'POST', '{"jsonrpc":')],
  ]

  promise(
    ['R101', 'R70'],
    'says kind, category, retryable, side effect and correlation id, and is counted and logged as the same',
    async () => {
      for (const [kind, provoke] of provoked) {
        const answer = await provoke()
        const fault = faultIn(answer.message ?? JSON.parse(answer.text))
        expect(fault, `${kind}: ${answer.text}`).toMatchObject({
          kind,
          category: catalogue[kind as keyof typeof catalogue].category,
          retryable: expect.any(Boolean),
          side_effect: expect.stringMatching(/^(none|unknown|applied)$/),
          correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        })
        expect(await eventually(() => gateway.log().includes(fault.correlation_id)), `${kind} in the log`).toBe(true)
        const line = gateway
          .log()
          .split('\n')
          .find((one) => one.includes(fault.correlation_id))
        expect(JSON.parse(line ?? '{}'), kind).toMatchObject({ fault: kind, category: fault.category })
      }
      const counted = await metric(gateway.admin, 'signalbox_faults_total')
      const categories = new Set(Object.values(catalogue).map((entry) => entry.category))
      expect(categories.size).toBe(5)
      for (const [kind] of provoked) {
        const rows = [...counted.keys()].filter((labels) => labels.includes(`kind="${kind}"`))
        expect(rows.length, kind).toBeGreaterThan(0)
        for (const labels of rows) expect(labels).toContain(`category="${catalogue[kind as keyof typeof catalogue].category}"`)
      }
    },
  )

  promise('R101', 'that can be tried again says after how long, where that is known', async () => {
    let open: Result
    for (let n = 0; n < 8 && open?.kind !== 'circuit_open'; n += 1) open = faultIn((await call('up__mute')).message)
    expect(open).toMatchObject({ kind: 'circuit_open', category: expect.any(String), retryable: true, side_effect: 'none' })
    expect(open.retry_after_ms).toBeGreaterThan(0)
  })

  promise(
    'R99',
    'of one tool in a row opens the circuit of that tool: shown, answered at once, and the others of its server go on',
    async () => {
      const tools = async () => (await metric(gateway.admin, 'signalbox_tool_circuit_state')).get('upstream="up",item="mute"')
      expect(await tools()).toBe(2)
      expect((await metric(gateway.admin, 'signalbox_circuit_state')).get('upstream="up"')).toBe(0)
      const before = upstream.count('tools/call')
      const fault = faultIn((await call('up__mute')).message)
      expect(fault).toMatchObject({ kind: 'circuit_open', detail: { scope: 'tool', tool: 'mute' } })
      expect(fault.tell_user).toContain('What else up offers is not affected')
      expect(upstream.count('tools/call')).toBe(before)
      expect((await call('up__fine')).message.result.content[0].text).toBe('fine')
      const shown = (await upstreamsOf(gateway.admin)).find(({ name }) => name === 'up')
      expect(shown).toMatchObject({ itemCircuits: [{ kind: 'tool', item: 'mute', circuit: 'open' }] })
      expect(await eventually(() => gateway.log().includes('The circuit of a tool opened'))).toBe(true)
    },
  )

  promise('R99', 'of a server in a row opens its circuit: shown in the metrics, answered at once, and nobody else suffers', async () => {
    const state = async (name: string) => (await metric(gateway.admin, 'signalbox_circuit_state')).get(`upstream="${name}"`)
    for (const name of ['cut', 'cut', 'cut', 'hang', 'hang']) await call(`up__${name}`)
    expect(await state('up')).toBe(2)
    expect(await state('everything')).toBe(0)
    const before = upstream.count('tools/call')
    expect(faultIn((await call('up__fine')).message)).toMatchObject({ kind: 'circuit_open', detail: { scope: 'upstream' } })
    expect(upstream.count('tools/call')).toBe(before)
    expect((await upstreamsOf(gateway.admin)).find(({ name }) => name === 'up')).toMatchObject({ circuit: 'open' })
    expect((await call('everything__echo', { message: 'x' })).message.result.content[0].text).toBe('Echo: x')
  })
})

describe('arguments', () => {
  promise(
    ['R71', 'R2'],
    'are checked on every call against the schema that was listed, and the server hears nothing of wrong ones',
    async () => {
      const before = upstream.count('tools/call')
      for (const args of [{}, { n: 1.5 }, { n: null }, [], 'text', { n: [1] }]) {
        const { message } = await call('up__strict', args)
        const told = JSON.stringify(message)
        expect(told).toMatch(/invalid_arguments|invalid_params/)
        expect(told).toMatch(/integer|object/)
      }
      expect(upstream.count('tools/call')).toBe(before)
    },
  )
})

describe('without any set-up', () => {
  promise(
    ['R67', 'R55', 'R63', 'R66'],
    'each call is in the metrics by tool, as a histogram, and in the log as one structured line',
    async () => {
      await call('everything__echo', { message: 'measured' })
      const labels = 'method="tools/call",upstream="everything",item="echo",outcome="complete"'
      expect((await metric(gateway.admin, 'signalbox_call_seconds_count')).get(labels)).toBeGreaterThan(0)
      expect((await metric(gateway.admin, 'signalbox_call_seconds_bucket')).size).toBeGreaterThan(10)
      const line = (): string | undefined =>
        gateway
          .log()
          .split('\n')
          .find((one) => one.includes('"target":"everything__echo"'))
      expect(await eventually(() => line() !== undefined)).toBe(true)
      expect(JSON.parse(line() ?? '{}')).toMatchObject({
        event: 'call',
        method: 'tools/call',
        upstream: 'everything',
        outcome: 'complete',
        ms: expect.any(Number),
        out: expect.any(Number),
        revision: '2026-07-28',
      })
    },
  )
})
