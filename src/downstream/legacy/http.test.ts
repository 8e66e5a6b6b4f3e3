import { describe, expect, it } from 'vitest'
import { send } from '../../../test/doubles/downstream/http-peer.ts'
import { imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { closedAfterEach, events, init, type Message, request, session } from '../../../test/doubles/downstream/legacy-http-peer.ts'
import { until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'

const { start } = closedAfterEach()

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
