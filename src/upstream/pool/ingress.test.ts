// An ingress in front of a server says what it likes while it reloads. None of it is a verdict on the server, and none of it ends a call
// that is on its way; where the server itself did change, old connections finish their calls first.
import { describe, expect, onTestFinished, test } from 'vitest'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { startIngress } from '../../../test/doubles/upstream/ingress.ts'
import { legacyServer, modernServer, type Reply, type Request, type Script } from '../../../test/doubles/upstream/scripted-http.ts'
import { startSessionServer } from '../../../test/doubles/upstream/session-server.ts'
import { faultKind, makeCall, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import { openExchange } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import { metaKey } from '../../core/protocol/names.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'

const never = new AbortController().signal
const done: Reply = { result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }] } }
const quick = (options = {}) => makeCall('tools/call', { name: 'quick' }, options)
const readOnly = { item: { traits: { readOnly: true, destructive: false, idempotent: true } } }

/** Calls of the tool `slow` are answered when the test says so. */
function slowCalls() {
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const script: Script = ({ body }) =>
    body.method === 'tools/call' && body.params?.name === 'slow' ? released.then(() => done) : undefined
  return { release, script }
}

/** Two calls in flight, a write and a read, that the server has. */
async function inFlight(upstream: Parameters<typeof send>[0], requests: readonly Request[], owner = {}) {
  const legs = [makeCall('tools/call', { name: 'slow' }, owner), makeCall('tools/call', { name: 'slow' }, { ...owner, ...readOnly })].map(
    (call) => start(upstream, call),
  )
  const before = requests.filter(({ body }) => body.params?.name === 'slow').length
  await expect.poll(() => requests.filter(({ body }) => body.params?.name === 'slow').length).toBe(before + 2)
  return legs
}

describe('an ingress that blinks in front of a modern server', () => {
  const blinks: [string, Reply | 'reset'][] = [
    ['404', { status: 404 }],
    ['404 with a page', { status: 404, raw: '<html>default backend</html>', headers: { 'content-type': 'text/html' } }],
    ['405', { status: 405 }],
    ['400', { status: 400 }],
    ['502', { status: 502 }],
    ['reset', 'reset'],
  ]

  test.each(blinks)('with %s ends no call in flight and is no verdict', async (_what, blink) => {
    const slow = slowCalls()
    const server = modernServer(slow.script)
    let blinking = false
    const ingress = await peer((request) => (blinking ? blink : server(request)))
    const { upstream } = upstreamAt({ url: ingress.url })
    expect(await upstream.ready(never)).toBeUndefined()
    const legs = await inFlight(upstream, ingress.requests)
    blinking = true
    for (const outcome of await Promise.all([send(upstream, quick()), send(upstream, quick(readOnly))])) {
      expect(['upstream_http_error', 'outcome_unknown', 'upstream_unavailable']).toContain(faultKind(outcome))
    }
    blinking = false
    expect(textOf(await send(upstream, quick()))).toBe('done')
    slow.release()
    for (const leg of legs) expect(textOf(await leg.outcome)).toBe('done')
    expect(upstream.describe().revision).toBe('2026-07-28')
    expect(upstream.health()).toMatchObject({ state: 'ready', restarts: 0 })
  })

  test('is not asked again by every call: the doubt is one for all, and rests for a while', async () => {
    const server = modernServer(() => undefined)
    let blinking = false
    const ingress = await peer((request) => (blinking ? { status: 404 } : server(request)))
    const { upstream } = upstreamAt({ url: ingress.url, transport: 'streamable-http' })
    expect(await upstream.ready(never)).toBeUndefined()
    blinking = true
    await Promise.all(Array.from({ length: 10 }, () => send(upstream, quick())))
    await send(upstream, quick())
    const asked = ingress.requests.map(({ body }) => body.method)
    // One at the start, one in doubt; and only its own answer to initialize could have made it a server of the older kind.
    expect(asked.filter((method) => method === 'server/discover')).toHaveLength(2)
    expect(asked.filter((method) => method === 'initialize')).toHaveLength(1)
  })
})

describe('an ingress that blinks in front of a server with sessions', () => {
  async function counting(era: 'auto' | 'legacy') {
    const server = await startSessionServer()
    onTestFinished(() => server.stop())
    const ingress = await startIngress(server.url)
    onTestFinished(() => ingress.stop())
    const { upstream } = upstreamAt({ url: ingress.url, era })
    const count = () => send(upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', affinity: 's-ann' }))
    expect(textOf(await count())).toBe('1')
    return { server, ingress, count }
  }

  test.each([404, 400, 405, 502])('with %i costs a call, and no session its state', async (status) => {
    const { server, ingress, count } = await counting('auto')
    ingress.blink(status)
    expect(faultKind(await count())).toBe('upstream_http_error')
    ingress.blink(undefined)
    expect(textOf(await count())).toBe('2')
    expect(server.deleted()).toBe(0)
  })

  test('does not hide that the server lost its sessions: those begin anew, and the call is executed once', async () => {
    const { ingress, count } = await counting('legacy')
    const fresh = await startSessionServer()
    onTestFinished(() => fresh.stop())
    ingress.lead(fresh.url)
    expect(textOf(await count())).toBe('1')
    expect(textOf(await count())).toBe('2')
  })
})

describe('a server that changes its revision', () => {
  test('to an older one finishes the calls of the newer, and the next call is made in the older', async () => {
    const slow = slowCalls()
    const young = modernServer(slow.script)
    const old = legacyServer(() => undefined)
    let modern = true
    const server = await peer((request) => (modern ? young(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url })
    expect(await upstream.ready(never)).toBeUndefined()
    const legs = await inFlight(upstream, server.requests)
    modern = false
    expect(textOf(await send(upstream, quick()))).toBe('done')
    await expect.poll(() => upstream.describe().revision).toBe('2025-06-18')
    expect(upstream.health().connections).toBe(2)
    slow.release()
    for (const leg of legs) expect(textOf(await leg.outcome)).toBe('done')
    // The old connection is closed once its calls are over.
    await expect.poll(() => upstream.health().connections).toBe(1)
  })

  test('to the newer one finishes the calls of every session first, then ends the sessions', async () => {
    const slow = slowCalls()
    const old = legacyServer(slow.script)
    const young = modernServer(({ body, headers }) => {
      if (headers['mcp-protocol-version'] === '2026-07-28' || body.params?._meta?.[metaKey.protocolVersion] !== undefined) return undefined
      return { status: 400, error: { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2026-07-28'] } } }
    })
    let modern = false
    const server = await peer((request) => (modern && request.verb === 'POST' ? young(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url })
    const ann = { principal: 'ann', affinity: 's-ann' }
    expect(textOf(await send(upstream, quick(ann)))).toBe('done')
    const legs = await inFlight(upstream, server.requests, ann)
    expect(textOf(await send(upstream, quick({ principal: 'ben', affinity: 's-ben' })))).toBe('done')
    modern = true
    const deleted = () => server.requests.filter(({ verb }) => verb === 'DELETE').length
    expect(textOf(await send(upstream, quick({ principal: 'ben', affinity: 's-ben' })))).toBe('done')
    await expect.poll(() => upstream.describe().revision).toBe('2026-07-28')
    const before = deleted()
    slow.release()
    for (const leg of legs) expect(textOf(await leg.outcome)).toBe('done')
    await expect.poll(deleted).toBe(before + 1)
  })

  test('while it was away is found out at the next connection, although an older verdict stands', async () => {
    const old = legacyServer(() => undefined)
    const young = modernServer(({ body }) =>
      body.method === 'initialize'
        ? { status: 400, error: { code: -32022, message: 'Unsupported protocol version', data: { supported: ['2026-07-28'] } } }
        : undefined,
    )
    let modern = false
    const server = await peer((request) => (modern ? young(request) : old(request)))
    const { upstream } = upstreamAt({ url: server.url })
    expect(textOf(await send(upstream, quick({ principal: 'ann', affinity: 's-ann' })))).toBe('done')
    modern = true
    expect(textOf(await send(upstream, quick({ principal: 'ben', affinity: 's-ben' })))).toBe('done')
    await expect.poll(() => upstream.describe().revision).toBe('2026-07-28')
  })
})

describe('a call that the gateway cuts loose', () => {
  test('is not called cancelled, which nobody did: a write is unknown, a read is sent again', async () => {
    const server = await peer(modernServer(({ body }) => (body.method === 'tools/call' ? 'hang' : undefined)))
    const { upstream } = upstreamAt({ url: server.url })
    expect(await upstream.ready(never)).toBeUndefined()
    const write = start(upstream, makeCall('tools/call', { name: 'write' }))
    const read = start(upstream, makeCall('tools/call', { name: 'read' }, readOnly))
    await expect.poll(() => server.requests.filter(({ body }) => body.method === 'tools/call').length).toBe(2)
    const exchange = openExchange(systemClock, { idleMs: 1, totalMs: 1 }, { emit: () => undefined }, endless)
    await upstream.drain(exchange.deadline)
    expect(await write.outcome).toMatchObject({ kind: 'fault', fault: { kind: 'outcome_unknown', sideEffect: 'unknown' } })
    expect(await read.outcome).toMatchObject({ kind: 'fault', fault: { kind: 'draining', sideEffect: 'unknown', retryable: true } })
    expect([write.repeats, read.repeats]).toEqual([[], ['closed_here']])
  })

  test('because its child hung says so, too', async () => {
    const hanging = {
      command: process.execPath,
      args: [
        '-e',
        `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
         if(m.method==='server/discover')console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,
           result:{resultType:'complete',supportedVersions:['2026-07-28'],capabilities:{}}}));
         if(m.params?.name==='hang')for(;;);})`,
      ],
    }
    const { upstream } = upstreamAt({ ...hanging, era: 'modern' }, { timeouts: { probe: 200 } })
    expect(await upstream.ready(never)).toBeUndefined()
    const write = start(upstream, makeCall('tools/call', { name: 'wait' }))
    const read = start(upstream, makeCall('tools/call', { name: 'wait' }, readOnly))
    const hung = start(upstream, makeCall('tools/call', { name: 'hang' }), { limits: { idleMs: 50, totalMs: 50 } })
    expect(faultKind(await hung.outcome)).toBe('upstream_timeout')
    expect(faultKind(await write.outcome)).toBe('outcome_unknown')
    await expect.poll(() => read.repeats).toEqual(['closed_here'])
    read.exchange.end('client_gone')
    await read.outcome
  })
})
