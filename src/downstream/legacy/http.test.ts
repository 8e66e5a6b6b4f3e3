import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Client as ClientTwo, StreamableHTTPClientTransport as TransportTwo } from '@modelcontextprotocol/client'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it } from 'vitest'
import { send } from '../../../test/doubles/downstream/http-peer.ts'
import { asks, form, type Imitation, imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { connect, everything, type Rig, type RigChange, rig, until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function start(gateway: Imitation, change: RigChange = {}): Promise<Rig> {
  const at = await rig(gateway, change)
  open.push(at)
  return at
}

async function client(at: Rig, options: Parameters<typeof connect>[1] = {}) {
  const connected = await connect(at, options)
  open.push(connected.client)
  return connected
}

function answering(tag = ''): (client: Client) => void {
  return (one) => {
    one.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ action: 'accept', content: { answer: `${tag}${params.message}` } }))
    one.setRequestHandler(CreateMessageRequestSchema, ({ params }) => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: `${tag}${params.systemPrompt ?? ''}` },
    }))
    one.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${tag}` }] }))
  }
}

const init = (revision: string, capabilities = {}) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: revision, capabilities, clientInfo: { name: 'raw', version: '0' } },
  })

async function session(at: Rig, revision = '2025-11-25', authorization = 'alice', path = '/mcp'): Promise<Record<string, string>> {
  const answer = await send(at.port, { path, headers: { authorization }, body: init(revision) })
  return { authorization, 'mcp-session-id': String(answer.headers['mcp-session-id']), 'mcp-protocol-version': revision }
}

const request = (method: string, params: unknown = {}, id: unknown = 1) => JSON.stringify({ jsonrpc: '2.0', id, method, params })

describe('an SDK 1.x client over Streamable HTTP', () => {
  it('finds the gateway under its own name, with what a legacy revision can say', async () => {
    const at = await start(imitation())
    const { client: one, transport } = await client(at)
    expect(one.getServerVersion()).toEqual({ name: 'signalbox-test', version: '1.2.3' })
    expect(one.getInstructions()).toBe('Be kind.')
    expect(one.getServerCapabilities()).toEqual({
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      completions: {},
      logging: {},
      extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html'] } },
    })
    expect((transport as StreamableHTTPClientTransport).protocolVersion).toBe('2025-11-25')
    expect(await one.ping()).toEqual({})
    expect(at.context.counted.get('sessions_opened')).toBe(1)
  })

  it('lists tools without what its revision cannot read', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at)
    const { tools } = await one.listTools()
    expect(tools).toEqual([
      { name: 'echo', inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, execution: {} },
      { name: 'count', inputSchema: { type: 'object' } },
    ])
    expect(await one.callTool({ name: 'echo', arguments: { a: 1 } })).toMatchObject({ structuredContent: { a: 1 } })
  })

  it('gets a structured value that is no object as text, digit by digit', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at)
    const result = await one.request({ method: 'tools/call', params: { name: 'count' } }, CallToolResultSchema.passthrough())
    expect(result).toEqual({ content: [{ type: 'text', text: '12345678901234567890' }], 'x-unknown': { deep: [1] } })
  })

  it('hears progress in order, under its own token', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at)
    const heard: number[] = []
    await one.callTool({ name: 'progress' }, undefined, { onprogress: ({ progress }) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
  })

  it('hears log messages from the level that it set', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at)
    const heard: string[] = []
    one.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.level))
    expect(await one.callTool({ name: 'log' })).toMatchObject({ content: [{ text: 'info' }] })
    expect(heard).toEqual(['info', 'error'])
    await one.setLoggingLevel('error')
    expect(await one.callTool({ name: 'log' })).toMatchObject({ content: [{ text: 'error' }] })
    expect(heard).toEqual(['info', 'error', 'error'])
    await expect(one.setLoggingLevel('loud' as 'info')).rejects.toMatchObject({ code: -32602 })
  })

  it('answers questions of every kind, over several rounds, with the state brought back', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at, { capabilities: everything, prepare: answering() })
    const result = await one.callTool({ name: 'ask', arguments: { tag: 'T' } })
    const [state, last] = ((result.content as { text: string }[])[0]?.text ?? '').split('|')
    expect(JSON.parse(last ?? '')).toEqual({ g: { action: 'accept', content: { answer: 'second T' } } })
    expect(JSON.parse(state?.replace('two T:', '') ?? '')).toEqual({
      f: { action: 'accept', content: { answer: 'first T' } },
      s: { role: 'assistant', model: 'm', content: { type: 'text', text: 'T' } },
      r: { roots: [{ uri: 'file:///' }] },
    })
    const legs = gateway.calls.filter(({ call }) => call.method === 'tools/call')
    expect(new Set(legs.map(({ call }) => call.id)).size).toBe(3)
    expect(legs.map(({ delivery }) => delivery)).toEqual(['delivered', 'delivered', 'delivered'])
    expect(legs[0]?.call.caller.capabilities).toEqual({ sampling: {}, elicitation: { form: {}, url: {} }, roots: {} })
  })

  it('is sent to a URL with an elicitationId that no server gave, and absent state stays absent', async () => {
    const at = await start(imitation())
    const asked: unknown[] = []
    const { client: one } = await client(at, {
      capabilities: everything,
      prepare: (c) =>
        c.setRequestHandler(ElicitRequestSchema, ({ params }) => {
          asked.push(params)
          return { action: 'accept' as const }
        }),
    })
    const result = await one.callTool({ name: 'url' })
    expect(result.content).toEqual([{ type: 'text', text: 'undefined|{"u":{"action":"accept"}}' }])
    expect(asked).toEqual([
      { mode: 'url', message: 'go', url: 'https://example.test/', elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ])
  })

  it('is never asked what it did not declare', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at, { capabilities: { elicitation: {} } })
    const result = await one.callTool({ name: 'ask', arguments: { tag: 'x' } })
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('sampling') }] })
    expect((await one.callTool({ name: 'url' })).isError).toBe(true)
  })

  it('may refuse: a modern server hears of a cancelled form, a parked one of the error itself', async () => {
    const at = await start(
      imitation({
        one: (_c, _e, p) => (p.inputResponses === undefined ? asks({ f: form('x') }, 's') : textResult(JSON.stringify(p.inputResponses))),
      }),
    )
    const { client: one } = await client(at, {
      capabilities: everything,
      prepare: (c) => {
        c.setRequestHandler(ElicitRequestSchema, () => {
          throw new Error('no')
        })
        c.setRequestHandler(CreateMessageRequestSchema, () => {
          throw new Error('never')
        })
      },
    })
    expect((await one.callTool({ name: 'one' })).content).toEqual([{ type: 'text', text: '{"f":{"action":"cancel"}}' }])
    const [block] = (await one.callTool({ name: 'parked' })).content as { text: string }[]
    expect(block?.text).toBe(
      'true|{"s":{"signalbox.dev/error":{"code":-32603,"message":"never"}},' +
        '"f":{"action":"cancel","signalbox.dev/error":{"code":-32603,"message":"no"}}}',
    )
  })

  it('waits for a task that its revision cannot, answers its question, and cancels it', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at, { capabilities: everything, prepare: answering() })
    expect((await one.callTool({ name: 'task' })).content).toEqual([
      { type: 'text', text: '{"k":{"action":"accept","content":{"answer":"go on"}}}' },
    ])
    expect(gateway.calls.filter(({ call }) => call.family === 'task').map(({ call }) => [call.method, call.target])).toEqual([
      ['tasks/get', 'T1'],
      ['tasks/get', 'T1'],
      ['tasks/update', 'T1'],
      ['tasks/get', 'T1'],
    ])
    expect(gateway.calls.every(({ delivery }) => delivery === 'delivered' || delivery === undefined)).toBe(true)
  })

  it('ends a task that it cancels', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock })
    const { client: one } = await client(at)
    const stop = new AbortController()
    const call = one.callTool({ name: 'task' }, undefined, { signal: stop.signal })
    await until(() => gateway.calls.filter(({ call: c, delivery }) => c.target === 'task' && delivery !== undefined).length === 2)
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await until(() => gateway.ended.length === 1)
    expect(gateway.ended).toEqual(['task T1'])
  })

  it('is not asked again what it has refused to a parked call', async () => {
    const parked = { kind: 'parked', park: 'p', owner: 'o', expiresAtMs: Number.MAX_SAFE_INTEGER } as const
    let legs = 0
    const stubborn = imitation({
      stubborn: () => {
        legs += 1
        return asks({ s: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } } }, 'x', parked)
      },
    })
    const at = await start(stubborn)
    const { client: one } = await client(at)
    expect(await one.callTool({ name: 'stubborn' })).toMatchObject({ isError: true })
    // The first, the refusal, and the one that gives it up.
    expect(legs).toBe(3)
  })

  it('is asked ten rounds at most', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at, { capabilities: everything, prepare: answering() })
    const result = await one.callTool({ name: 'forever' })
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('10 rounds') }] })
  })

  it('cancels a call, and gets no answer', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at)
    const stop = new AbortController()
    const call = one.callTool({ name: 'wait', arguments: { tag: 'a' } }, undefined, { signal: stop.signal, onprogress: () => {} })
    await until(() => gateway.waiting.has('a'))
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await until(() => gateway.ended.length === 1)
    expect(gateway.ended).toEqual(['a:cancelled'])
    await until(() => gateway.calls.find(({ call: c }) => c.target === 'wait')?.delivery === 'client_gone')
  })

  it('cancels between two legs: the question is taken back and a parked call is told', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const withdrawn: boolean[] = []
    let asked = 0
    const { client: one } = await client(at, {
      capabilities: everything,
      prepare: (c) => {
        c.setRequestHandler(ElicitRequestSchema, (_r, { signal }) => {
          asked += 1
          return new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              withdrawn.push(true)
              resolve({ action: 'cancel' })
            })
          })
        })
        c.setRequestHandler(CreateMessageRequestSchema, () => new Promise(() => {}))
      },
    })
    const stop = new AbortController()
    const call = one.callTool({ name: 'parked' }, undefined, { signal: stop.signal })
    await until(() => gateway.calls.some(({ call: c, delivery }) => c.target === 'parked' && delivery !== undefined))
    await until(() => asked > 0)
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await until(() => gateway.ended.length === 1 && withdrawn.length === 1)
    expect(gateway.ended).toEqual(['parked:cancelled'])
  })

  it('subscribes after the server has accepted it, hears updates once, and nothing after unsubscribing', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at)
    const heard: string[] = []
    one.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      expect(params._meta).toEqual({})
      heard.push(params.uri)
    })
    await until(() => gateway.listening.length === 1)
    expect(await one.subscribeResource({ uri: 'test://one' })).toEqual({})
    await one.subscribeResource({ uri: 'test://two' })
    expect(gateway.listening).toEqual([
      { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: ['test://one', 'test://two'] },
    ])
    gateway.updated('test://one')
    gateway.updated('test://two')
    await one.unsubscribeResource({ uri: 'test://one' })
    gateway.updated('test://one')
    gateway.updated('test://two')
    await until(() => heard.length >= 3)
    expect(heard).toEqual(['test://one', 'test://two', 'test://two'])
    await expect(one.subscribeResource({ uri: 'other://x' })).rejects.toMatchObject({ code: -32602 })
  })

  it('hears that lists changed, also after the listen behind was lost', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock })
    const { client: one } = await client(at)
    let heard = 0
    one.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      heard += 1
    })
    await until(() => gateway.listening.length === 1)
    gateway.changed('tools')
    await until(() => heard === 1)
    gateway.loseListens()
    await until(() => gateway.listening.length === 0)
    await clock.advance(2_000)
    await until(() => gateway.listening.length === 1 && heard === 2)
  })

  it('learns of a missing resource by the code of its era', async () => {
    const at = await start(imitation())
    const { client: one } = await client(at)
    await expect(one.readResource({ uri: 'test://none' })).rejects.toMatchObject({ code: -32002, data: { uri: 'test://none' } })
    expect(await one.readResource({ uri: 'test://one' })).toEqual({ contents: [{ uri: 'test://one', text: '1' }] })
    await expect(one.request({ method: 'tasks/list' }, CallToolResultSchema)).rejects.toMatchObject({ code: -32601 })
  })

  it('takes up a broken stream where it was, and its call was never cancelled', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at)
    const heard: number[] = []
    const call = one.callTool({ name: 'wait', arguments: { tag: 'r' } }, undefined, { onprogress: ({ progress }) => heard.push(progress) })
    await until(() => heard.length === 1)
    // The connection is cut under the answer.
    const cut = openResponses(at).map((res) => once(res, 'close'))
    for (const { socket } of openResponses(at)) socket?.destroy()
    await Promise.all(cut)
    gateway.waiting.get('r')?.(textResult('still here'))
    expect((await call).content).toEqual([{ type: 'text', text: 'still here' }])
    expect(gateway.ended).toEqual([])
  })
})

/** The responses that the door has not ended. */
function openResponses(at: Rig): ServerResponse[] {
  const { openRequests } = at.door as unknown as { openRequests: Iterable<{ res: ServerResponse }> }
  return [...openRequests].map(({ res }) => res)
}

describe('an SDK 2.x client that speaks a legacy revision over HTTP', () => {
  it('calls, hears progress, answers questions', async () => {
    const at = await start(imitation())
    const two = new ClientTwo({ name: 'two', version: '2' }, { capabilities: everything, versionNegotiation: { mode: 'legacy' } })
    open.push(two)
    two.setRequestHandler('elicitation/create', ({ params }) => ({ action: 'accept', content: { answer: params.message } }))
    two.setRequestHandler('sampling/createMessage', () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }))
    two.setRequestHandler('roots/list', () => ({ roots: [] }))
    await two.connect(new TransportTwo(new URL(at.url)))
    const heard: number[] = []
    await two.callTool({ name: 'progress' }, { onprogress: ({ progress }) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    const { content } = await two.callTool({ name: 'ask', arguments: { tag: 'S' } })
    expect((content as { text: string }[])[0]?.text).toContain('second S')
    expect(at.legacyDoor.sessions()).toBe(1)
  })
})

describe('a session over HTTP', () => {
  it.each(['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'])('speaks %s when asked to', async (revision) => {
    const at = await start(imitation())
    const answer = await send(at.port, { body: init(revision) })
    expect(answer.json).toMatchObject({ result: { protocolVersion: revision } })
    expect(answer.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]{20,512}$/)
  })

  it('offers the newest legacy revision where the wanted one is not served', async () => {
    const at = await start(imitation())
    expect((await send(at.port, { body: init('1999-01-01') })).json).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
  })

  it('is asked for by its id: 400 without, 404 for a false, a foreign, another mount’s or a deleted one', async () => {
    const gateway = imitation({}, { mounts: ['memory'] })
    const at = await start(gateway)
    const own = await session(at)
    const ping = request('ping')
    expect((await send(at.port, { headers: own, body: ping })).json).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    expect((await send(at.port, { headers: { ...own, 'mcp-session-id': undefined }, body: ping })).status).toBe(400)
    expect((await send(at.port, { headers: { ...own, 'mcp-session-id': 'nonsense' }, body: ping })).status).toBe(404)
    expect((await send(at.port, { headers: { ...own, authorization: 'mallory' }, body: ping })).status).toBe(404)
    expect((await send(at.port, { headers: own, body: ping, path: '/mcp/memory' })).status).toBe(404)
    expect((await send(at.port, { headers: { ...own, 'mcp-protocol-version': '1.0' }, body: ping })).status).toBe(400)
    expect((await send(at.port, { method: 'DELETE', headers: own })).status).toBe(204)
    expect((await send(at.port, { headers: own, body: ping })).status).toBe(404)
    expect((await send(at.port, { method: 'DELETE', headers: own })).status).toBe(404)
    expect((await send(at.port, { method: 'DELETE', headers: { ...own, 'mcp-session-id': undefined } })).status).toBe(400)
    expect(gateway.refusals.map(({ fault }) => fault.kind)).toContain('session_unknown')
    expect(at.legacyDoor.sessions()).toBe(0)
  })

  it('ends after its idle time, counted from the last request', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock, sessions: { idleMs: 60_000 } })
    const own = await session(at)
    await clock.advance(50_000)
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(200)
    await clock.advance(59_000)
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(200)
    await clock.advance(67_000)
    expect(at.legacyDoor.sessions()).toBe(0)
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(404)
  })

  it('makes room for a new one when it was idle longest', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock, sessions: { most: 2 } })
    const first = await session(at)
    await clock.advance(10)
    const second = await session(at)
    await clock.advance(10)
    await send(at.port, { headers: first, body: request('ping') })
    await clock.advance(10)
    const third = await session(at)
    const status = async (headers: Record<string, string>) => (await send(at.port, { headers, body: request('ping') })).status
    expect([await status(first), await status(second), await status(third)]).toEqual([200, 404, 200])
    expect(at.legacyDoor.sessions()).toBe(2)
  })

  it('is known to another replica with the same key and store, level and subscriptions included', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    await send(at.port, { headers: own, body: request('logging/setLevel', { level: 'alert' }) })
    const other = await start(gateway, { beside: at.context })
    await send(other.port, { headers: own, body: request('tools/call', { name: 'log' }) })
    expect(gateway.calls.at(-1)?.call.interest.logLevel).toBe('alert')
    expect(gateway.calls.at(-1)?.call.caller).toMatchObject({ client: { name: 'raw' }, arrival: { revision: '2025-11-25' } })
    expect((await send(other.port, { headers: { ...own, authorization: 'mallory' }, body: request('ping') })).status).toBe(404)
    await send(other.port, { method: 'DELETE', headers: own })
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(404)
  })

  it('takes an answer and a cancellation that reach another replica than the call', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const other = await start(gateway, { beside: at.context })
    const answer = await send(at.port, { headers: { authorization: 'alice' }, body: init('2025-11-25', { elicitation: {} }) })
    const own = { authorization: 'alice', 'mcp-session-id': String(answer.headers['mcp-session-id']) }
    const stream = events(at, own, request('tools/call', { name: 'forever' }, 'c'))
    const question = await stream.next(({ method }) => method === 'elicitation/create')
    const reply = JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { answer: 'x' } } })
    expect((await send(other.port, { headers: own, body: reply })).status).toBe(202)
    const second = await stream.next(({ method, id }) => method === 'elicitation/create' && id !== question.id)
    expect(second.id).not.toBe(question.id)
    const cancel = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } })
    await send(other.port, { headers: own, body: cancel })
    await stream.ended
  })

  it('never takes an answer of another session', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const opened = await send(at.port, { headers: { authorization: 'alice' }, body: init('2025-11-25', { elicitation: {} }) })
    const alice = { authorization: 'alice', 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    const bob = await session(at, '2025-11-25', 'bob')
    const stream = events(at, alice, request('tools/call', { name: 'forever' }, 'c'))
    const question = await stream.next(({ method }) => method === 'elicitation/create')
    const reply = JSON.stringify({ jsonrpc: '2.0', id: question.id, result: { action: 'accept' } })
    expect((await send(at.port, { headers: bob, body: reply })).status).toBe(202)
    expect(at.context.counted.get('events_dropped')).toBe(1)
    await send(at.port, { method: 'DELETE', headers: alice })
    await stream.ended
  })
})

interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly result?: unknown
  readonly error?: unknown
  readonly params?: Record<string, unknown>
}

/** Reads a stream event by event. */
function events(at: Rig, headers: Record<string, string>, body?: string, extra: Record<string, string> = {}) {
  const seen: Message[] = []
  const ids: string[] = []
  const raw: string[] = []
  let wake = (): void => {}
  const stop = new AbortController()
  let status = 0
  const ended = (async () => {
    const response = await fetch(`${at.origin}/mcp`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers, ...extra },
      ...(body === undefined ? {} : { body }),
      signal: stop.signal,
    })
    status = response.status
    wake()
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      raw.push(decoder.decode(chunk as Uint8Array))
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end)
        text = text.slice(end + 2)
        const id = /^id: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.+)$/m.exec(block)?.[1]
        if (id !== undefined) ids.push(id)
        if (data !== undefined) seen.push(JSON.parse(data) as Message)
        wake()
      }
    }
  })().catch(() => {})
  return {
    seen,
    ids,
    raw,
    ended,
    status: () => status,
    stop: () => stop.abort(),
    next: async (wanted: (message: Message) => boolean): Promise<Message> => {
      for (;;) {
        const found = seen.find(wanted)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

describe('the stream of a session', () => {
  it('is one: a second GET is told 409, one that resumes takes over', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const first = events(at, own)
    await until(() => first.ids.length === 1)
    expect(first.raw.join('')).toMatch(/^id: 0-0\nretry: 1000\ndata: \n\n/)
    const refused = await send(at.port, { method: 'GET', headers: { ...own, accept: 'text/event-stream' } })
    expect(refused.status).toBe(409)
    // The body of an HTTP error is a JSON-RPC error that has no id (MCP 2025-03-26 §transports and later).
    expect(refused.json).not.toHaveProperty('id')
    await until(() => gateway.listening.length === 1)
    gateway.changed('tools')
    await first.next(({ method }) => method === 'notifications/tools/list_changed')
    const second = events(at, own, undefined, { 'last-event-id': '0-0' })
    await second.next(({ method }) => method === 'notifications/tools/list_changed')
    await first.ended
    second.stop()
    await second.ended
  })

  it('keeps what came while nobody listened', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const first = events(at, own)
    await until(() => gateway.listening.length === 1)
    first.stop()
    await first.ended
    await until(() => openResponses(at).length === 0)
    gateway.changed('prompts')
    const second = events(at, own)
    await second.next(({ method }) => method === 'notifications/prompts/list_changed')
    second.stop()
    await second.ended
  })

  it('needs an Accept of its kind, and begins with no priming event before 2025-11-25', async () => {
    const at = await start(imitation())
    const own = await session(at, '2025-06-18')
    expect((await send(at.port, { method: 'GET', headers: { ...own, accept: 'application/json' } })).status).toBe(406)
    const stream = events(at, own)
    await until(() => stream.status() === 200)
    expect(stream.raw).toEqual([])
    stream.stop()
    await stream.ended
  })

  it('is kept alive by comments', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock })
    const stream = events(at, await session(at))
    await until(() => stream.ids.length === 1)
    await clock.advance(16_000)
    await until(() => stream.raw.join('').includes(':\n\n'))
    stream.stop()
    await stream.ended
  })

  it('ends in a drain with a time to come back; new sessions are refused', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock })
    const own = await session(at)
    const stream = events(at, own)
    await until(() => stream.ids.length === 1)
    at.context.drain.abort()
    await clock.advance(6_000)
    await stream.ended
    expect(stream.raw.join('')).toMatch(/retry: \d+\n\n$/)
    const refused = await send(at.port, { body: init('2025-11-25') })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(200)
  })

  it('lets a call end in a drain, and ends it when the grace is over', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock, graceMs: 1_000 })
    const own = await session(at)
    const answer = send(at.port, { headers: own, body: request('tools/call', { name: 'wait', arguments: { tag: 'd' } }) })
    await until(() => gateway.waiting.has('d'))
    at.context.drain.abort()
    await clock.advance(999)
    expect(gateway.ended).toEqual([])
    await clock.advance(1)
    expect(gateway.ended).toEqual(['d:drain'])
    expect((await answer).text).toContain('isError')
  })

  it('of a POST that is over and read to its end is answered 405, so that nobody tries again', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const stream = events(at, own, request('tools/call', { name: 'progress', _meta: { progressToken: 'p' } }))
    await stream.ended
    expect(stream.seen.map(({ params, result }) => params?.progress ?? result)).toEqual([1, 2, 3, 4, 5, expect.anything()])
    expect(stream.seen[0]?.params?.progressToken).toBe('p')
    const again = events(at, own, undefined, { 'last-event-id': String(stream.ids[3]) })
    await again.ended
    expect(again.seen).toHaveLength(3)
    const last = { ...own, accept: 'text/event-stream', 'last-event-id': String(stream.ids.at(-1)) }
    expect((await send(at.port, { method: 'GET', headers: last })).status).toBe(405)
  })

  it('is made from the start for a client that names it first', async () => {
    const at = await start(imitation())
    const own = await session(at)
    const accept = 'text/event-stream, application/json'
    const answer = await send(at.port, { headers: { ...own, accept }, body: request('tools/list') })
    expect(answer.headers['content-type']).toBe('text/event-stream')
    expect(answer.text).toMatch(/^id: \S+\nretry: \d+\ndata:/)
  })

  it('is made of a late answer, so that a client which loses the connection can come back', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock })
    const own = await session(at)
    // No progress token: nothing comes before the answer.
    const stream = events(at, own, request('tools/call', { name: 'wait', arguments: { tag: 'l' } }))
    await until(() => gateway.waiting.has('l'))
    await clock.advance(1_500)
    await until(() => stream.ids.length === 1)
    stream.stop()
    await stream.ended
    gateway.waiting.get('l')?.(textResult('late'))
    const again = events(at, own, undefined, { 'last-event-id': String(stream.ids[0]) })
    await again.next(({ result }) => result !== undefined)
    await again.ended
  })
})

describe('a batch', () => {
  const batch = (...messages: string[]) => `[${messages.join(', ')}]`

  it('of 2025-03-26 is answered as one array, in any order, notifications aside', async () => {
    const at = await start(imitation())
    const own = await session(at, '2025-03-26')
    const note = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const body = batch(
      request('ping', {}, 'a'),
      note,
      request('tools/call', { name: 'echo', arguments: { n: 1 } }, 2),
      request('nope', {}, 3),
    )
    const answer = await send(at.port, { headers: own, body })
    expect(answer.status).toBe(200)
    const byId = new Map((answer.json as Message[]).map((message) => [message.id, message]))
    expect(byId.get('a')?.result).toEqual({})
    expect(byId.get(2)?.result).toMatchObject({ structuredContent: { n: 1 } })
    expect(byId.get(3)?.error).toMatchObject({ code: -32601 })
    expect((await send(at.port, { headers: own, body: batch(note) })).status).toBe(202)
  })

  it('becomes one stream where something comes before an answer', async () => {
    const at = await start(imitation())
    const own = await session(at, '2025-03-26')
    const call = request('tools/call', { name: 'progress', _meta: { progressToken: 9 } }, 2)
    const stream = events(at, own, batch(request('ping'), call))
    await stream.ended
    expect(stream.seen.map(({ id, method }) => id ?? method)).toEqual([1, ...Array(5).fill('notifications/progress'), 2])
  })

  it('of any other revision is refused, and so is one that is too long', async () => {
    const at = await start(imitation())
    expect((await send(at.port, { headers: await session(at), body: batch(request('ping')) })).status).toBe(400)
    const long = batch(...Array.from({ length: 101 }, (_, i) => request('ping', {}, i)))
    expect((await send(at.port, { headers: await session(at, '2025-03-26'), body: long })).status).toBe(400)
  })
})

describe('bad input', () => {
  it('ends in an error and disturbs nobody', async () => {
    const at = await start(imitation())
    const own = await session(at)
    const error = async (body: string) => ((await send(at.port, { headers: own, body })).json as Message).error
    expect(await error(request('tools/call', [1]))).toMatchObject({ code: -32602 })
    expect(await error(request('tools/call', { name: 'none' }))).toMatchObject({ code: -32602 })
    expect(await error(request('resources/subscribe', {}))).toMatchObject({ code: -32602 })
    expect(await error(request('initialize', {}).replace('initialize', 'server/discover'))).toMatchObject({ code: -32601 })
    const accept = { ...own, accept: 'text/plain' }
    expect((await send(at.port, { headers: accept, body: request('ping') })).status).toBe(406)
  })

  it('an id that is in use is refused, and the first call goes on', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const first = send(at.port, { headers: own, body: request('tools/call', { name: 'wait', arguments: { tag: 'w' } }, 5) })
    await until(() => gateway.waiting.has('w'))
    const second = await send(at.port, { headers: own, body: request('tools/call', { name: 'echo' }, 5) })
    expect(second.json).toMatchObject({ id: 5, error: { code: -32600 } })
    gateway.waiting.get('w')?.(textResult('first'))
    expect((await first).text).toContain('first')
  })
})

describe('what older revisions cannot read', () => {
  const content = [
    { type: 'audio', mimeType: 'audio/wav', data: 'AA==' },
    { type: 'resource_link', uri: 'test://x', name: 'x', description: 'an x' },
  ]
  const result = async (revision: string, method: string, params: unknown) => {
    const gateway = imitation({ media: () => completed({ content }) })
    const at = await start(gateway)
    const answer = await send(at.port, { headers: await session(at, revision), body: request(method, params) })
    return (answer.json as { result: { content: unknown } }).result.content
  }
  it('is told as text', async () => {
    const call = { name: 'media' }
    const audio = { type: 'text', text: expect.stringContaining('audio/wav') }
    const link = { type: 'text', text: '[Resource link] x <test://x>: an x' }
    expect(await result('2025-11-25', 'tools/call', call)).toEqual(content)
    expect(await result('2025-06-18', 'tools/call', call)).toEqual(content)
    expect(await result('2025-03-26', 'tools/call', call)).toEqual([content[0], link])
    expect(await result('2024-11-05', 'tools/call', call)).toEqual([audio, link])
  })
})

describe('many at once', () => {
  it('1,000 interleaved dialogues of many sessions are each answered by their own client', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const count = 20
    const clients = await Promise.all(
      Array.from({ length: count }, (_, i) => client(at, { principal: `p${i}`, capabilities: everything, prepare: answering(`c${i}:`) })),
    )
    const results = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const i = n % count
        const name = n % 7 === 0 ? 'ask' : 'question'
        const { content } = (await clients[i]?.client.callTool({ name, arguments: { tag: `first ${n}` } })) ?? {}
        return { i, n, text: (content as { text: string }[])[0]?.text ?? '' }
      }),
    )
    for (const { i, n, text } of results) {
      expect(text).toContain(`c${i}:${n % 7 === 0 ? 'first ' : ''}first ${n}"`)
      if (n % 7 === 0) expect(text).toContain(`c${i}:second first ${n}"`)
      expect(text.match(/c\d+:/g)?.every((tag) => tag === `c${i}:`)).toBe(true)
    }
  }, 60_000)
})
