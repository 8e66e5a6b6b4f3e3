import { once } from 'node:events'
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
import { describe, expect, it } from 'vitest'
import { asks, form, imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { closedAfterEach, openResponses } from '../../../test/doubles/downstream/legacy-http-peer.ts'
import { everything, until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'

const { open, start, client } = closedAfterEach()

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

  it('may refuse: a parked server hears the error itself, a modern one, which knows no errors, nothing', async () => {
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
    expect(await one.callTool({ name: 'one' })).toMatchObject({
      isError: true,
      content: [{ text: 'one needs input that this client cannot give: elicitation/create (no).' }],
    })
    const [block] = (await one.callTool({ name: 'parked' })).content as { text: string }[]
    expect(block?.text).toBe(
      'true|{"s":{"signalbox.dev/error":{"code":-32603,"message":"never"}},' +
        '"f":{"signalbox.dev/error":{"code":-32603,"message":"no"}}}',
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
  }, 180_000)
})
