// What a caller shows and how long it holds, at every door: what ran, streamed or waited ends with the credential that it was begun with,
// and a refusal says what to bring instead.
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { modernBody, modernHeaders, open as openRequest, send } from '../../test/doubles/downstream/http-peer.ts'
import { type Imitation, imitation } from '../../test/doubles/downstream/imitation.ts'
import { type Rig, rig, rigContext, until } from '../../test/doubles/downstream/legacy-rig.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../test/doubles/principal.ts'
import { fault } from '../core/faults/catalogue.ts'
import { makeFault } from '../core/faults/fault.ts'
import type { Identified, Presented } from '../core/ports/gateway.ts'
import { serveStdio } from './stdio/door.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** The bearer token is the moment, in ms from the start, at which it expires. */
function setting() {
  const clock = new ManualClock()
  const begun = clock.now()
  const identify = ({ headers }: Presented): Identified => {
    const token = headers.get('authorization')?.[0]
    return { principal: aPrincipal(token === undefined ? {} : { expiresAt: begun + Number(token) }) }
  }
  return { clock, gateway: imitation({}, { identify }) }
}

async function start(gateway: Imitation, clock: ManualClock): Promise<Rig> {
  const at = await rig(gateway, { clock })
  closers.push(() => at.close())
  return at
}

const request = (method: string, params: unknown = {}, id: unknown = 1) => JSON.stringify({ jsonrpc: '2.0', id, method, params })
const initialize = request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } }, 0)

async function session(at: Rig, authorization: string): Promise<Record<string, string>> {
  const { headers } = await send(at.port, { headers: { authorization }, body: initialize })
  return { 'mcp-session-id': String(headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' }
}

/** An open stream: what it said so far, and whether it has ended. */
function stream(port: number, path: string, headers: Record<string, string>) {
  const seen = { text: '', ended: false, status: 0 }
  const req = openRequest(port, { method: 'GET', path, headers: { ...headers, accept: 'text/event-stream' } })
  req.on('response', (res: IncomingMessage) => {
    seen.status = res.statusCode ?? 0
    res.setEncoding('utf8')
    res.on('data', (text: string) => {
      seen.text += text
    })
    res.on('close', () => {
      seen.ended = true
    })
  })
  req.on('error', () => {})
  req.end()
  closers.push(async () => req.destroy())
  return seen
}

const waiting = { name: 'wait', arguments: { tag: 'w' } }
const expiredFault = { kind: 'credential_expired', category: 'authentication', side_effect: 'unknown', retryable: false }

describe('what was begun with a credential ends with it', () => {
  it('a call of 2026-07-28: the agent reads why, and no 401 lets its client send it again', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const answer = send(at.port, {
      headers: { ...modernHeaders('tools/call', 'wait'), authorization: '4000' },
      body: modernBody('tools/call', waiting),
    })
    await until(() => gateway.waiting.has('w'))
    await clock.advance(3_999)
    expect(gateway.ended).toEqual([])
    await clock.advance(1)
    const { status, text } = await answer
    expect(status).toBe(200)
    expect(text).toContain('expired before wait answered. It may or may not have been executed')
    expect(text).toContain('"kind":"credential_expired"')
    expect(gateway.ended).toEqual(['w:expired'])
  })

  it('a listen of 2026-07-28: it ends with the reason, not in order', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const listen = modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } })
    const answer = send(at.port, { headers: { ...modernHeaders('subscriptions/listen'), authorization: '4000' }, body: listen })
    await until(() => gateway.listening.length === 1)
    await clock.advance(4_000)
    const { text } = await answer
    expect(text).toContain('"code":-32603')
    expect(text).toContain('"kind":"credential_expired"')
  })

  it('a call, the stream and the subscriptions of a session, which itself goes on with another', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const headers = await session(at, '4000')
    const heard = stream(at.port, '/mcp', { ...headers, authorization: '4000' })
    await until(() => gateway.listening.length === 1)
    const answer = send(at.port, { headers: { ...headers, authorization: '4000' }, body: request('tools/call', waiting) })
    await until(() => gateway.waiting.has('w'))
    await clock.advance(4_000)
    expect(JSON.parse((await answer).text.split('data: ').at(-1) ?? '')).toMatchObject({
      result: { isError: true, _meta: { 'signalbox.dev/fault': expiredFault } },
    })
    await until(() => heard.ended && gateway.listening.length === 0)
    await clock.advance(60_000)
    expect(gateway.listening).toEqual([])
    const renewed = { ...headers, authorization: '90000' }
    expect((await send(at.port, { headers: renewed, body: request('ping') })).json).toMatchObject({ result: {} })
    await until(() => gateway.listening.length === 1)
    const again = stream(at.port, '/mcp', renewed)
    await until(() => again.status === 200)
    await clock.advance(25_000)
    expect(again.ended).toBe(false)
    await clock.advance(1_000)
    await until(() => again.ended)
  })

  it('but not where a later request of the session brought a newer one in time', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const headers = await session(at, '4000')
    const heard = stream(at.port, '/mcp', { ...headers, authorization: '4000' })
    await until(() => heard.status === 200)
    const answer = send(at.port, { headers: { ...headers, authorization: '4000' }, body: request('tools/call', waiting) })
    await until(() => gateway.waiting.has('w'))
    await send(at.port, { headers: { ...headers, authorization: '4500' }, body: request('ping', {}, 2) })
    await clock.advance(4_499)
    expect([heard.ended, gateway.ended]).toEqual([false, []])
    await clock.advance(1)
    expect((await answer).text).toContain('"kind":"credential_expired"')
    await until(() => heard.ended)
  })

  it('a question to the user of a session: nobody is asked in the name of a caller who is gone', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const capable = initialize.replace('"capabilities":{}', '"capabilities":{"elicitation":{},"sampling":{}}')
    const opened = await send(at.port, { headers: { authorization: '4000' }, body: capable })
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']), authorization: '4000' }
    const answer = send(at.port, { headers, body: request('tools/call', { name: 'parked' }) })
    await until(() => gateway.calls.length === 2)
    await clock.advance(4_000)
    const { text } = await answer
    expect(text).toContain('notifications/cancelled')
    expect(text).toContain('"kind":"credential_expired"')
    expect(gateway.ended).toEqual(['parked:expired'])
  })

  it('a stream of HTTP+SSE, once what ran is answered; a message with a newer one keeps it', async () => {
    const { clock, gateway } = setting()
    const at = await start(gateway, clock)
    const heard = stream(at.port, '/sse', { authorization: '4000' })
    await until(() => heard.text.includes('endpoint'))
    const path = /data: (\S+)/.exec(heard.text)?.[1] ?? ''
    const post = (authorization: string, body: string) => send(at.port, { path, headers: { authorization }, body })
    await post('4000', initialize)
    await post('4000', request('tools/call', waiting))
    await until(() => gateway.waiting.has('w'))
    await post('4500', request('ping', {}, 7))
    await clock.advance(4_499)
    expect(heard.ended).toBe(false)
    await clock.advance(1)
    await clock.advance(1_000)
    await until(() => heard.ended)
    expect(heard.text).toContain('"kind":"credential_expired"')
  })

  it('a connection over stdio, which cannot show another', async () => {
    const clock = new ManualClock()
    const gateway = imitation({}, { identify: () => ({ principal: aPrincipal({ expiresAt: clock.now() + 4_000 }) }) })
    const [input, output] = [new PassThrough(), new PassThrough()]
    const served = serveStdio(rigContext(gateway, { clock }), { input, output, mount: '' })
    let text = ''
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    input.write(`${initialize}\n${request('tools/call', waiting)}\n`)
    input.write(`${modernBody('tools/call', { name: 'wait', arguments: { tag: 'm' } }, {}, 5)}\n`)
    await until(() => gateway.waiting.size === 2)
    await clock.advance(4_000)
    await until(() => text.split('credential_expired').length === 3)
    input.write(`${request('tools/call', { name: 'echo' }, 9)}\n`)
    await until(() => text.includes('"id":9'))
    expect(text).toContain('that of this connection has expired')
    expect(gateway.calls.some(({ call }) => call.target === 'echo')).toBe(false)
    input.end()
    await served
  })
})

describe('each call of a session acts as its own request showed', () => {
  it('with the groups and scopes of that credential, not of the one that opened it', async () => {
    const clock = new ManualClock()
    const identify = ({ headers }: Presented): Identified => ({
      principal: aPrincipal({ scopes: headers.get('authorization')?.[0]?.split(' ') ?? [] }),
    })
    const gateway = imitation({}, { identify })
    const at = await start(gateway, clock)
    const headers = await session(at, 'read')
    for (const authorization of ['read write', 'read']) {
      await send(at.port, { headers: { ...headers, authorization }, body: request('tools/call', { name: 'echo' }) })
    }
    expect(gateway.calls.slice(-2).map(({ call }) => call.caller.principal.scopes)).toEqual([['read', 'write'], ['read']])
  })
})

describe('two tenants share nothing, though issuer and subject are the same', () => {
  it('neither sessions nor streams', async () => {
    const clock = new ManualClock()
    const identify = ({ headers }: Presented): Identified => ({
      principal: aPrincipal({ tenant: headers.get('authorization')?.[0] ?? '' }),
    })
    const at = await start(imitation({}, { identify }), clock)
    const headers = await session(at, 'acme')
    const ping = async (authorization: string) =>
      (await send(at.port, { headers: { ...headers, authorization }, body: request('ping') })).status
    expect([await ping('acme'), await ping('globex'), await ping('acme')]).toEqual([200, 404, 200])
    const beside = await rig(imitation({}, { identify }), { clock, beside: at.context })
    closers.push(() => beside.close())
    const elsewhere = async (authorization: string) =>
      (await send(beside.port, { headers: { ...headers, authorization }, body: request('ping') })).status
    expect([await elsewhere('globex'), await elsewhere('acme')]).toEqual([404, 200])
    const heard = stream(at.port, '/sse', { authorization: 'acme' })
    await until(() => heard.text.includes('endpoint'))
    const path = /data: (\S+)/.exec(heard.text)?.[1] ?? ''
    const post = async (authorization: string) => (await send(at.port, { path, headers: { authorization }, body: initialize })).status
    expect([await post('globex'), await post('acme')]).toEqual([404, 202])
  })
})

describe('a refusal says what to bring instead', () => {
  const challenge = 'Bearer error="insufficient_scope", scope="tickets:write", resource_metadata="https://gw.example/meta"'
  const entry = {
    category: 'authentication',
    status: 403,
    code: -32600,
    retryable: false,
    protocol: true,
    agent: 'More is needed: {scope}.',
    operator: '-',
  } as const
  const refused = makeFault('test_scope', entry, { challenge, detail: { scope: 'tickets:write' } })
  const inBand = { kind: 'test_scope', challenge, detail: { scope: 'tickets:write' } }

  const doors: [string, (at: Rig) => ReturnType<typeof send>][] = [
    [
      '2026-07-28',
      (at) => send(at.port, { headers: modernHeaders('tools/call', 'echo'), body: modernBody('tools/call', { name: 'echo' }) }),
    ],
    ['initialize', (at) => send(at.port, { body: initialize })],
    ['the stream of a session', (at) => send(at.port, { method: 'GET' })],
    ['the end of a session', (at) => send(at.port, { method: 'DELETE' })],
    ['HTTP+SSE', (at) => send(at.port, { method: 'GET', path: '/sse' })],
    ['a message of HTTP+SSE', (at) => send(at.port, { path: '/message?sessionId=x', body: initialize })],
  ]
  it.each(doors)('before anything was read: %s', async (_door, ask) => {
    const gateway = imitation({}, { identify: () => ({ fault: refused }) })
    const at = await start(gateway, new ManualClock())
    const { status, headers, json } = await ask(at)
    expect([status, headers['www-authenticate']]).toEqual([403, challenge])
    expect(json).toMatchObject({ error: { data: { 'signalbox.dev/fault': inBand } } })
    expect(gateway.calls).toEqual([])
    expect(gateway.refusals.map((one) => one.fault.kind)).toEqual(['test_scope'])
  })

  it('over stdio in the answer, where there are no headers', async () => {
    const gateway = imitation({}, { identify: () => ({ fault: refused }) })
    const [input, output] = [new PassThrough(), new PassThrough()]
    const served = serveStdio(rigContext(gateway), { input, output, mount: '' })
    input.end(`${initialize}\n`)
    await served
    expect(JSON.parse(String(output.read()))).toMatchObject({ error: { data: { 'signalbox.dev/fault': inBand } } })
  })

  it('of a call on its way, in head and answer, for either era; in the answer alone where a stream has begun', async () => {
    const say = (calm: boolean) =>
      imitation({
        scope: (_call, exchange) => {
          if (!calm) exchange.sink.emit({ kind: 'log', level: 'error', params: { bytes: Buffer.from('{"data":1}') } as never })
          return { kind: 'fault', fault: refused }
        },
      })
    const at = await start(say(true), new ManualClock())
    const modern = await send(at.port, { headers: modernHeaders('tools/call', 'scope'), body: modernBody('tools/call', { name: 'scope' }) })
    const headers = await session(at, 'x')
    const legacy = await send(at.port, { headers: { ...headers, authorization: 'x' }, body: request('tools/call', { name: 'scope' }) })
    for (const answer of [modern, legacy]) {
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([403, challenge])
      expect(answer.json).toMatchObject({ error: { data: { 'signalbox.dev/fault': inBand } } })
    }
    const streaming = await start(say(false), new ManualClock())
    const begun = await session(streaming, 'x')
    const late = await send(streaming.port, { headers: { ...begun, authorization: 'x' }, body: request('tools/call', { name: 'scope' }) })
    expect([late.status, late.headers['www-authenticate']]).toEqual([200, undefined])
    expect(late.text).toContain('insufficient_scope')
  })

  it('a 401 without one of its own says the scheme at least', async () => {
    const at = await start(imitation({}, { identify: () => ({ fault: fault('unauthenticated', { reason: 'none' }) }) }), new ManualClock())
    const { status, headers } = await send(at.port, { body: initialize })
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer'])
  })
})
