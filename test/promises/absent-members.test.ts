// Null is how many serialisers write a member that is not there: no door takes it for a value, and no server is sent it.
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect } from 'vitest'
import { startGateway } from '../../src/assembly/index.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { openSession, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

interface Under {
  readonly base: string
  readonly servers: Record<string, unknown>
}

const eras = ['legacy', 'modern'] as const
const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { sampling: null, elicitation: { form: {}, url: null } },
  'io.modelcontextprotocol/clientInfo': null,
  'io.modelcontextprotocol/logLevel': null,
  progressToken: null,
}

async function start(era: (typeof eras)[number], result: unknown = textResult('yes')): Promise<{ up: Scripted; gateway: Under }> {
  const up = await startScripted({
    era,
    tools: [plainTool('echo')],
    resources: [{ uri: 'x://a', name: 'a' }],
    call: (arrived) => arrived.answer(result),
  })
  open.push(up.close)
  const servers = { up: { url: up.url, era } }
  const { base, stop } = await startUnderTest({ servers })
  open.push(stop)
  return { up, gateway: { base, servers } }
}

/** Sends the params as they are given, in the era and by the door that is named. */
type Client = (gateway: Under, method: string, params: unknown) => Promise<{ result?: Record<string, unknown>; error?: unknown }>

const session: Client = async (gateway, method, params) => {
  const headers = await openSession(gateway.base, { mount: '/up' })
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return (await send(`${gateway.base}/mcp/up`, 'POST', body, { headers })).message
}

const stateless: Client = async (gateway, method, params) => {
  const { name, uri } = params as { name?: string; uri?: string }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...(params as object), _meta: envelope } })
  const named = name ?? uri
  const headers = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(named === undefined ? {} : { 'mcp-name': named }),
  }
  return (await send(`${gateway.base}/mcp/up`, 'POST', body, { headers })).message
}

const stdio: Client = async ({ servers }, method, params) => {
  const input = new PassThrough()
  const output = new PassThrough()
  const settings = settingsSchema.parse({ servers, log: { level: 'silent' }, drain: { graceMs: 500 } })
  const parts = { stdio: { input, output, mount: 'up' }, source: 'test', baseDir: root }
  const running = await startGateway(settings, parts)
  const answers = new Map<unknown, Record<string, unknown>>()
  let rest = ''
  const answered = new Promise<void>((resolve) =>
    output.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const message = JSON.parse(line)
        answers.set(message.id, message)
        if (message.id === 2) resolve()
      }
    }),
  )
  const say = (message: unknown): boolean => input.write(`${JSON.stringify(message)}\n`)
  const hello = {
    protocolVersion: '2025-06-18',
    capabilities: { roots: null, experimental: null },
    clientInfo: { name: 'x', version: '1' },
  }
  say({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello })
  say({ jsonrpc: '2.0', id: null, method: 'notifications/initialized', params: null })
  say({ jsonrpc: '2.0', id: 2, method, params })
  await answered
  input.end()
  await running.ended
  return answers.get(2) ?? {}
}

const clients: Record<string, Client> = { 'a session over HTTP': session, 'a stateless client': stateless, 'a session over stdio': stdio }

describe.each(eras)('in front of a %s server', (era) => {
  for (const [who, client] of Object.entries(clients)) {
    promise('R2', `${who} may write null for arguments, _meta and what else is optional`, async () => {
      const { up, gateway } = await start(era)
      const nulls = { name: 'echo', arguments: null, task: null, inputResponses: null, requestState: null, _meta: null }
      expect((await client(gateway, 'tools/call', nulls)).result).toMatchObject({ content: [{ text: 'yes' }] })
      const sent = up.seen.find(({ method }) => method === 'tools/call')?.params
      expect(Object.keys(sent).filter((key) => key !== '_meta')).toEqual(['name'])
      expect(Object.values(sent._meta ?? {})).not.toContain(null)
      const capabilities = sent._meta?.['io.modelcontextprotocol/clientCapabilities']
      if (era === 'modern') expect(JSON.stringify(capabilities)).not.toContain('null')
    })

    promise('R2', `${who} may write null or nothing for a cursor`, async () => {
      const { gateway } = await start(era)
      for (const cursor of [null, '']) {
        for (const method of ['tools/list', 'resources/list', 'resources/templates/list']) {
          expect(await client(gateway, method, { cursor, _meta: null }), `${method} ${cursor}`).toMatchObject({ result: {} })
        }
      }
      expect(await client(gateway, 'tools/list', { cursor: 'x' })).toMatchObject({ error: { code: -32602 } })
    })

    promise('R2', `${who} may write null beside the URI of a resource`, async () => {
      const { up, gateway } = await start(era)
      expect(await client(gateway, 'resources/read', { uri: 'x://a', _meta: null, arguments: null })).toMatchObject({ result: {} })
      expect(up.seen.find(({ method }) => method === 'resources/read')?.params).not.toHaveProperty('arguments')
    })
  }

  for (const [who, client] of Object.entries({ 'over HTTP': session, 'over stdio': stdio })) {
    promise('R2', `a session ${who} may write null for params`, async () => {
      const { gateway } = await start(era)
      for (const method of ['ping', 'tools/list', 'resources/list', 'resources/templates/list']) {
        expect(await client(gateway, method, null), method).toMatchObject({ result: {} })
      }
    })
  }

  promise('R2', 'a result may write null for what it has not', async () => {
    const { gateway } = await start(era, { ...textResult('yes'), structuredContent: null, resultType: null, _meta: null, isError: null })
    const { result } = await session(gateway, 'tools/call', { name: 'echo' })
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'yes' }] })
    expect(result).not.toHaveProperty('structuredContent')
    const answer = await stateless(gateway, 'tools/call', { name: 'echo' })
    expect(answer).toMatchObject({ result: { resultType: 'complete', content: [{ text: 'yes' }] } })
  })
})
