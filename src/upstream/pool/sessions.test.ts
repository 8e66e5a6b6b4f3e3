// What a server keeps for a client lives as long as that client's session: not less, and not longer.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { memoryDial } from '../../../test/doubles/upstream/memory-wire.ts'
import { startSessionServer } from '../../../test/doubles/upstream/session-server.ts'
import { makeCall, makeUpstream, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import type { CallEvent } from '../../core/call/exchange.ts'
import { payloadOf } from '../../core/call/payload.ts'

const minute = 60_000
async function sessionServer(clock = new ManualClock()) {
  const server = await startSessionServer()
  onTestFinished(() => server.stop())
  const made = makeUpstream({ settings: { url: server.url, transport: 'streamable-http', era: 'legacy' }, clock })
  const count = (owner = {}) => send(made.upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', ...owner }))
  return { ...made, server, clock, count }
}

describe('a session of a server', () => {
  test('outlives any pause of the client session that owns it', async () => {
    const { clock, count, server } = await sessionServer()
    expect(textOf(await count({ affinity: 's-1' }))).toBe('1')
    await clock.advance(29 * minute)
    expect(textOf(await count({ affinity: 's-1' }))).toBe('2')
    await clock.advance(29 * minute)
    expect(textOf(await count({ affinity: 's-1' }))).toBe('3')
    expect(server.deleted()).toBe(0)
  })

  test('is ended at once with the client session, and no other with it', async () => {
    const { upstream, count, server } = await sessionServer()
    await count({ affinity: 's-1' })
    await count({ affinity: 's-2' })
    // Home is the third.
    expect(server.open()).toBe(3)
    upstream.sessionEnded?.('s-1')
    await expect.poll(() => server.deleted()).toBe(1)
    expect(upstream.health().connections).toBe(2)
    expect(textOf(await count({ affinity: 's-2' }))).toBe('2')
  })

  test('that no client session owns is ended after five idle minutes', async () => {
    const { clock, count, server } = await sessionServer()
    await count()
    await clock.advance(4 * minute)
    expect(textOf(await count())).toBe('2')
    await clock.advance(5 * minute)
    await expect.poll(() => server.deleted()).toBe(1)
    expect(textOf(await count())).toBe('1')
  })

  test('whose owner ended while it was opened is ended, too', async () => {
    const { upstream, count, server } = await sessionServer()
    await upstream.ready(new AbortController().signal)
    const leg = start(upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', affinity: 's-1' }))
    leg.exchange.end('client_gone')
    upstream.sessionEnded?.('s-1')
    await leg.outcome
    await expect.poll(() => [server.open(), upstream.health().connections]).toEqual([1, 1])
    expect(textOf(await count({ affinity: 's-2' }))).toBe('1')
  })
})

describe('a client session that ends before anything is known of the server', () => {
  test('leaves no session there, neither for its call nor for what it wanted to hear', async () => {
    const { upstream, server, count } = await sessionServer()
    const owner = { principal: aPrincipal({ sub: 'ann' }), affinity: 's-1' }
    const watch = upstream.watch({ toolsListChanged: true }, () => undefined, owner)
    const leg = start(upstream, makeCall('tools/call', { name: 'count' }, owner))
    leg.exchange.end('client_gone')
    watch.close()
    upstream.sessionEnded?.('s-1')
    await leg.outcome
    expect(await upstream.ready(new AbortController().signal)).toBeUndefined()
    expect(textOf(await count({ affinity: 's-2' }))).toBe('1')
    // Home and the other client's.
    expect([server.open(), upstream.health().connections]).toEqual([2, 2])
  })
})

function talkative() {
  const servers: McpServer[] = []
  const dial = memoryDial(() => {
    const server = new McpServer({ name: 'talkative', version: '1.0.0' }, { capabilities: { logging: {} } })
    server.registerTool('now', {}, async () => ({ content: [{ type: 'text', text: 'now' }] }))
    servers.push(server)
    return server
  })
  return { servers, dial }
}

describe('the pool', () => {
  test('takes no room from client sessions: who comes when it is full hears so, until one has ended', async () => {
    const { dial } = talkative()
    const { upstream } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, wires: dial, clock: new ManualClock() })
    const call = (n: number) => send(upstream, makeCall('tools/call', { name: 'now' }, { principal: `p${n}`, affinity: `s-${n}` }))
    for (let n = 1; n < 256; n += 1) expect((await call(n)).kind).toBe('complete')
    expect(await call(256)).toMatchObject({ kind: 'fault', fault: { kind: 'overloaded', retryAfterMs: 1_000 } })
    upstream.sessionEnded?.('s-7')
    expect((await call(256)).kind).toBe('complete')
    expect(upstream.health().connections).toBe(256)
  })
})

describe('a child that several sessions use one after the other', () => {
  function child() {
    const { dial, servers } = talkative()
    const heard: [string, CallEvent['kind']][] = []
    const asked: string[] = []
    const made = makeUpstream({
      settings: { command: 'in-process', era: 'legacy' },
      wires: dial,
      outside: {
        event: (session, event) => void heard.push([session, event.kind]),
        ask: async (session) => {
          asked.push(session)
          return payloadOf({ roots: [{ uri: `file:///${session}` }] })
        },
      },
    })
    onTestFinished(() => made.close())
    const call = (affinity: string) =>
      send(made.upstream, makeCall('tools/call', { name: 'now' }, { principal: 'ann', affinity, logLevel: 'debug' }))
    // The first is the home connection.
    const server = () => servers[1] as McpServer
    return { ...made, call, heard, asked, server }
  }

  test('is heard by the one that uses it now: questions and log messages are for that', async () => {
    const { upstream, call, server, asked, heard } = child()
    await call('s-1')
    upstream.sessionEnded?.('s-1')
    await call('s-2')
    expect(await server().server.listRoots()).toEqual({ roots: [{ uri: 'file:///s-2' }] })
    await server().sendLoggingMessage({ level: 'info', data: 'x' })
    await expect.poll(() => heard).toEqual([['s-2', 'log']])
    expect(asked).toEqual(['s-2'])
  })

  test('asks nobody while two use it, and the one that is left again', async () => {
    const { upstream, call, server, asked } = child()
    await call('s-1')
    await call('s-2')
    await expect(server().server.listRoots()).rejects.toThrow('no call is in flight')
    upstream.sessionEnded?.('s-2')
    expect(await server().server.listRoots()).toEqual({ roots: [{ uri: 'file:///s-1' }] })
    expect(asked).toEqual(['s-1'])
  })

  test('however many those were: the hundredth is heard like the first', async () => {
    const { upstream, call, server, asked } = child()
    for (let n = 1; n <= 100; n += 1) await call(`s-${n}`)
    for (let n = 1; n < 100; n += 1) upstream.sessionEnded?.(`s-${n}`)
    await server().server.listRoots()
    expect(asked).toEqual(['s-100'])
  })

  test('is kept while one of them is open, and no longer than any other afterwards', async () => {
    const { dial } = talkative()
    const clock = new ManualClock()
    const { upstream } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, wires: dial, clock })
    await send(upstream, makeCall('tools/call', { name: 'now' }, { principal: 'ann', affinity: 's-1' }))
    await clock.advance(60 * minute)
    expect(upstream.health().connections).toBe(2)
    upstream.sessionEnded?.('s-1')
    await clock.advance(2 * minute)
    expect(upstream.health().connections).toBe(1)
  })
})
