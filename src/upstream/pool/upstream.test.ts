// The life of connections, watches and the upstream as a whole.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { memoryDial } from '../../../test/doubles/upstream/memory-wire.ts'
import {
  everythingStdio,
  faultKind,
  makeCall,
  makeUpstream,
  send,
  serveEverything,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { startFixture } from '../../../test/peers/servers.ts'
import { type CallEvent, openExchange } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import type { Payload } from '../../core/call/payload.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'

const never = new AbortController().signal
/** Ends the calls of `slow` that run. */
let finishSlow = (): void => {}

function quietServer(): McpServer {
  const server = new McpServer({ name: 'quiet', version: '1.0.0' })
  server.registerTool('now', {}, async () => ({ content: [{ type: 'text', text: 'now' }] }))
  server.registerTool('slow', {}, async () => {
    await new Promise<void>((resolve) => {
      finishSlow = resolve
    })
    return { content: [{ type: 'text', text: 'slow' }] }
  })
  return server
}

describe('a pool', () => {
  test('closes what nobody used for five minutes, but never its home', async () => {
    const dial = memoryDial(quietServer)
    const clock = new ManualClock()
    const { upstream } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, clock, wires: dial })
    for (const principal of ['ann', 'ben']) {
      expect((await send(upstream, makeCall('tools/call', { name: 'now' }, { principal }))).kind).toBe('complete')
    }
    expect(upstream.health().connections).toBe(3)
    await clock.advance(240_000)
    await send(upstream, makeCall('tools/call', { name: 'now' }, { principal: 'ben' }))
    await clock.advance(120_000)
    expect(upstream.health().connections).toBe(2)
    await clock.advance(600_000)
    expect(upstream.health().connections).toBe(1)
  })

  test('holds at most 256: the longest unused makes room', async () => {
    const dial = memoryDial(quietServer)
    const clock = new ManualClock()
    const { upstream } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, clock, wires: dial })
    for (let i = 0; i < 260; i += 1) {
      await clock.advance(1)
      expect((await send(upstream, makeCall('tools/call', { name: 'now' }, { principal: `p${i}` }))).kind).toBe('complete')
    }
    expect(upstream.health().connections).toBe(256)
  })
})

describe('the verdict on an era', () => {
  test('is kept for a day where it says legacy, then the next connection asks again', async () => {
    const dial = memoryDial(quietServer)
    const clock = new ManualClock()
    const { upstream } = makeUpstream({ settings: { command: 'in-process' }, clock, wires: dial })
    const probes = (): number => dial.wires.flatMap((wire) => wire.sent).filter(({ method }) => method === 'server/discover').length
    const call = (principal: string) => send(upstream, makeCall('tools/call', { name: 'now' }, { principal }))
    await call('ann')
    expect(probes()).toBe(1)
    await clock.advance(86_000_000)
    await call('ben')
    expect(probes()).toBe(1)
    await clock.advance(500_000)
    await call('cid')
    expect(probes()).toBe(2)
  })
})

describe('draining', () => {
  test('lets calls end, takes no more, and ends the child', async () => {
    const { upstream, close } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, wires: memoryDial(quietServer) })
    await upstream.ready(never)
    const leg = start(upstream, makeCall('tools/call', { name: 'slow' }))
    const exchange = openExchange(systemClock, { idleMs: 5_000, totalMs: 5_000 }, { emit: () => {} }, endless)
    await new Promise((resolve) => setImmediate(resolve))
    const drained = upstream.drain(exchange.deadline)
    expect(faultKind(await send(upstream, makeCall('tools/call', { name: 'now' })))).toBe('draining')
    finishSlow()
    expect(textOf(await leg.outcome)).toBe('slow')
    await drained
    expect(upstream.health()).toMatchObject({ state: 'drained', connections: 0 })
    await close()
  })
})

describe('a watch', () => {
  test('of a modern server survives its restart, and reports the lists as changed', async () => {
    const port = await freePort()
    const first = await startFixture({ PORT: String(port), FIXTURE_ERA: 'modern' })
    const made = upstreamAt({ url: `http://127.0.0.1:${port}/mcp` })
    const heard: CallEvent[] = []
    await made.upstream.ready(never)
    const watch = made.upstream.watch({}, (event) => heard.push(event))
    expect(await watch.update({ toolsListChanged: true })).toEqual({ toolsListChanged: true })
    await first.stop()
    const second = await startFixture({ PORT: String(port), FIXTURE_ERA: 'modern' })
    onTestFinished(() => second.stop())
    await expect.poll(() => heard.length, { timeout: 15_000 }).toBe(1)
    await send(made.upstream, makeCall('tools/call', { name: 'test_trigger_tool_change', arguments: {} }))
    await expect.poll(() => heard.length).toBe(2)
    watch.close()
  })

  test('opened for an owner before the era is known sits on the owner’s own session', async () => {
    const served = await serveEverything('streamableHttp')
    onTestFinished(() => served.stop())
    const made = upstreamAt({ url: `http://127.0.0.1:${served.port}/mcp` })
    const heard: CallEvent[] = []
    const owner = { principal: aPrincipal({ sub: 'ann' }), affinity: 's-ann' }
    const watch = made.upstream.watch({}, (event) => heard.push(event), owner)
    const uri = 'demo://resource/dynamic/text/2'
    expect(await watch.update({ resourceSubscriptions: [uri] })).toEqual({ resourceSubscriptions: [uri] })
    // server-everything tells only the session that subscribed, when that session asks for it.
    await send(made.upstream, makeCall('tools/call', { name: 'toggle-subscriber-updates' }, { principal: 'ann', affinity: 's-ann' }))
    await expect.poll(() => heard.map((event) => event.kind === 'updated' && event.uri), { timeout: 10_000 }).toEqual([uri])
    watch.close()
  })

  test('that is closed hears nothing more, and others go on', async () => {
    const dial = memoryDial(() => {
      const server = quietServer()
      server.registerTool('grow', {}, async () => {
        server.registerTool(`more${Math.floor(performance.now() * 1e6)}`, {}, async () => ({ content: [] }))
        return { content: [] }
      })
      return server
    })
    const { upstream } = makeUpstream({ settings: { command: 'in-process', era: 'legacy' }, wires: dial })
    const heard: string[] = []
    const one = upstream.watch({ toolsListChanged: true }, () => heard.push('one'))
    upstream.watch({ toolsListChanged: true }, () => heard.push('two'))
    upstream.watch({ promptsListChanged: true }, () => heard.push('prompts'))
    await upstream.ready(never)
    await send(upstream, makeCall('tools/call', { name: 'grow' }))
    await expect.poll(() => heard).toEqual(['one', 'two'])
    one.close()
    await send(upstream, makeCall('tools/call', { name: 'grow' }))
    await expect.poll(() => heard).toEqual(['one', 'two', 'two'])
  })
})

describe('what a server says outside any call', () => {
  test('goes to the sessions of the one principal whose connection it is', async () => {
    const events: [string, CallEvent][] = []
    const asked: [string, string][] = []
    const made = makeUpstream({
      settings: { ...everythingStdio, era: 'legacy' },
      outside: {
        event: (session, event) => void events.push([session, event]),
        ask: async (session, method): Promise<Payload | undefined> => {
          asked.push([session, method])
          return payloadOf({ roots: [{ uri: 'file:///from-outside' }] })
        },
      },
    })
    onTestFinished(() => made.close())
    await send(
      made.upstream,
      makeCall('tools/call', { name: 'echo', arguments: { message: 'x' } }, { principal: 'ann', affinity: 's-ann', logLevel: 'debug' }),
    )
    // server-everything asks for roots 350 ms after the handshake and logs that it got them.
    await expect.poll(() => asked, { timeout: 5_000 }).toEqual([['s-ann', 'roots/list']])
    await expect.poll(() => events.map(([session, event]) => `${session} ${event.kind}`)).toEqual(['s-ann log'])
    // On the home connection, which is nobody's, the same question was refused and counted.
    expect(made.report.counts.get('stray_requests up roots/list')).toBe(1)
  })
})
