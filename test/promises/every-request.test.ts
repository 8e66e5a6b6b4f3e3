// Every request that a client may send leaves its row of the audit, over each transport and in each era; `ping` is counted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { connect, type Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, metric, modern, openSession } from '../peers/raw.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-every-request-'))
let gateway: Awaited<ReturnType<typeof startProcess>>
let uri = ''

const prompt = { type: 'ref/prompt', name: 'complex_prompt' }
const inBothEras: readonly (readonly [method: string, params?: Record<string, unknown>])[] = [
  ['tools/list'],
  ['tools/call', { name: 'echo', arguments: { message: 'a' } }],
  ['prompts/list'],
  ['prompts/get', { name: 'simple-prompt' }],
  ['resources/list'],
  ['resources/templates/list'],
  ['completion/complete', { ref: prompt, argument: { name: 'temperature', value: '1' } }],
  ['tasks/get', { taskId: 'none' }],
  ['tasks/cancel', { taskId: 'none' }],
  ['no/such'],
]
const ofSessions: typeof inBothEras = [
  ['ping'],
  ['logging/setLevel', { level: 'warning' }],
  ['logging/setLevel', { level: 'loud' }],
  ['tasks/list'],
  ['tasks/result', { taskId: 'none' }],
  ['initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'twice', version: '1' } }],
]
const onResources = ['resources/subscribe', 'resources/subscribe', 'resources/unsubscribe', 'resources/read']

let rowsBefore = 0
/** What the audit has since it was asked last, without what the gateway asks for itself. */
async function since(): Promise<Result[]> {
  const { out } = await signalbox(folder, 'audit', 'query', '--json', '--most', '1000')
  const rows = out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Result]))
  return rows.filter(({ about, seq }) => (about === 'call' || about === 'refused') && seq > rowsBefore)
}

async function expectRows(asked: readonly string[], transport: string): Promise<Result[]> {
  const wanted = [...asked].sort()
  let rows: Result[] = []
  await eventually(async () => {
    rows = (await since()).filter((row) => row.transport === transport)
    return rows.filter(({ method }) => method !== 'subscriptions/listen').length >= wanted.length
  })
  rowsBefore = Math.max(...rows.map(({ seq }) => seq))
  expect(
    rows
      .map(({ method }) => method)
      .filter((method) => wanted.includes('subscriptions/listen') || method !== 'subscriptions/listen')
      .sort(),
  ).toEqual(wanted)
  return rows
}

beforeAll(async () => {
  const config = { stateDir: join(folder, 'state'), log: { level: 'silent' }, servers: { everything } }
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
  gateway = await startProcess(config)
  await eventually(async () => (await gateway.upstreams()).every(({ state }) => state === 'ready'))
  const listed = await modern(gateway.base, 'resources/list', {}, { mount: '/everything' })
  uri = String(listed.message.result.resources[0].uri)
  await expectRows(['resources/list'], 'http')
}, 60_000)
afterAll(async () => {
  await gateway.end('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

const longMs = 120_000

describe('each request of a client', () => {
  promise(
    'R29',
    'has one row, within a session over Streamable HTTP',
    async () => {
      const mount = { mount: '/everything' }
      const session = await openSession(gateway.base, mount)
      const all = [...inBothEras, ...ofSessions, ...onResources.map((method) => [method, { uri }] as const)]
      for (const [method, params] of all) await legacy(gateway.base, session, method, params, mount)
      const rows = await expectRows(['initialize', ...all.flatMap(([method]) => (method === 'ping' ? [] : [method]))], 'http')
      const levels = rows.filter(({ method }) => method === 'logging/setLevel').sort((x, y) => x.seq - y.seq)
      expect(levels).toMatchObject([
        { about: 'call', outcome: 'complete', fault: null, subject: 'anonymous', run: expect.any(String), client: 'raw' },
        { about: 'call', outcome: 'fault', fault: { kind: 'invalid_params', sideEffect: 'none' }, revision: '2025-11-25' },
      ])
      expect(rows.filter(({ method }) => method === 'resources/unsubscribe')).toMatchObject([
        { about: 'call', item: uri, itemKind: 'resource', outcome: 'complete', mount: 'everything' },
      ])
      expect((await metric(gateway.admin, 'signalbox_pings_total')).get('transport="http"')).toBe(1)
    },
    longMs,
  )

  promise(
    'R29',
    'has one row, within a session over HTTP+SSE',
    async () => {
      const client = await connect('v1 sse', { base: gateway.base, mount: '/everything' })
      const all = [...inBothEras, ...ofSessions, ...onResources.map((method) => [method, { uri }] as const)]
      for (const [method, params = {}] of all) await client.ask(method, params).catch(() => undefined)
      await expectRows(['initialize', ...all.flatMap(([method]) => (method === 'ping' ? [] : [method]))], 'sse')
      await client.close()
      expect((await metric(gateway.admin, 'signalbox_pings_total')).get('transport="sse"')).toBe(1)
    },
    longMs,
  )

  promise(
    'R29',
    'has one row, in the modern era',
    async () => {
      const mount = { mount: '/everything' }
      const all: typeof inBothEras = [
        ...inBothEras,
        ['server/discover'],
        ['resources/read', { uri }],
        ['tasks/update', { taskId: 'none' }],
        ['ping'],
      ]
      const left = (await metric(gateway.admin, 'signalbox_pings_total')).get('transport="http"') ?? 0
      for (const [method, params] of all) await modern(gateway.base, method, params, mount)
      const ended = new AbortController()
      const listening = modern(
        gateway.base,
        'subscriptions/listen',
        { notifications: { toolsListChanged: true } },
        {
          ...mount,
          signal: ended.signal,
          onText: () => ended.abort(),
        },
      )
      await listening.catch(() => undefined)
      // MCP 2026-07-28 has no ping: it is refused, as any other method that there is not, and that has its row.
      await expectRows([...all.map(([method]) => method), 'subscriptions/listen'], 'http')
      expect(left).toBe((await metric(gateway.admin, 'signalbox_pings_total')).get('transport="http"') ?? 0)
    },
    longMs,
  )
})
