// Every door, every way to be turned away: the gateway is told who it was, how it came in and in which revision.
import { afterEach, describe, expect, it } from 'vitest'
import { envelope, modernBody, modernHeaders, type Sending, send } from '../../test/doubles/downstream/http-peer.ts'
import { type Imitation, imitation } from '../../test/doubles/downstream/imitation.ts'
import { overStdio, type Rig, rig } from '../../test/doubles/downstream/legacy-rig.ts'
import { fault } from '../core/faults/catalogue.ts'
import type { Gateway } from '../core/ports/gateway.ts'

let at: Rig
let gateway: Imitation
afterEach(() => at?.close())

const alice = { authorization: 'alice' }
const modern = '2026-07-28'
const legacy = (revision: string) => ({ ...alice, 'mcp-protocol-version': revision })
const bare = { 'content-type': undefined, accept: undefined }
const json = (method: string, params: unknown, id: unknown = 1) => JSON.stringify({ jsonrpc: '2.0', id, method, params })
const init = (revision: string) =>
  json('initialize', { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'raw', version: '0' } }, 0)

async function session(revision: string): Promise<Record<string, string>> {
  const { headers } = await send(at.port, { headers: alice, body: init(revision) })
  return { ...alice, 'mcp-session-id': String(headers['mcp-session-id']) }
}

const overHttp: readonly (readonly [string, string, string | undefined, Sending])[] = [
  [
    'a mount that is not served',
    'unknown_mount',
    modern,
    { path: '/mcp/no', headers: { ...modernHeaders('tools/list'), ...alice }, body: '{}' },
  ],
  ['a verb', 'method_not_allowed', '2025-06-18', { method: 'PUT', headers: legacy('2025-06-18') }],
  ['what is accepted', 'not_acceptable', modern, { headers: { ...legacy(modern), accept: 'text/html' }, body: '{}' }],
  ['a media type', 'unsupported_media', modern, { headers: { ...legacy(modern), 'content-type': 'text/plain' }, body: '{}' }],
  ['a size', 'body_too_large', modern, { headers: legacy(modern), body: 'x'.repeat(5_000) }],
  ['no JSON', 'parse_error', modern, { headers: legacy(modern), body: '{' }],
  ['a doubled key', 'invalid_request', modern, { headers: alice, body: modernBody('tools/list').replace('"id"', '"x":1,"x":2,"id"') }],
  [
    'an id',
    'invalid_request',
    modern,
    { headers: { ...modernHeaders('tools/list'), ...alice }, body: modernBody('tools/list', {}, {}, null) },
  ],
  ['a header', 'header_mismatch', modern, { headers: { ...modernHeaders('tools/call'), ...alice }, body: modernBody('tools/list') }],
  ['a method', 'method_not_found', modern, { headers: { ...modernHeaders('no/such'), ...alice }, body: modernBody('no/such') }],
  ['no session', 'invalid_request', '2025-11-25', { headers: legacy('2025-11-25'), body: json('tools/list', {}) }],
  [
    'a lost session',
    'session_unknown',
    '2025-06-18',
    { headers: { ...legacy('2025-06-18'), 'mcp-session-id': 'x' }, body: json('ping', {}) },
  ],
  ['a revision', 'unsupported_revision', '2020-01-01', { headers: legacy('2020-01-01'), body: json('tools/list', {}) }],
  ['a stream', 'not_acceptable', '2025-06-18', { method: 'GET', headers: { ...legacy('2025-06-18'), ...bare, accept: 'text/html' } }],
  [
    'the end of a session',
    'session_unknown',
    '2025-11-25',
    { method: 'DELETE', headers: { ...legacy('2025-11-25'), 'mcp-session-id': 'x' } },
  ],
]

describe('what is turned away keeps who, how and in which revision', () => {
  it.each(overHttp)('over HTTP: %s', async (_, kind, revision, sending) => {
    gateway = imitation()
    at = await rig(gateway, { http: { bodyBytes: 2_000 } })
    await send(at.port, sending)
    expect(gateway.refusals).toMatchObject([{ fault: { kind }, transport: 'http', revision, principal: { sub: 'alice' } }])
  })

  it.each(['2025-03-26', '2025-11-25'])('over HTTP in a session of %s, whether or not the client repeats it', async (revision) => {
    gateway = imitation()
    at = await rig(gateway)
    const own = await session(revision)
    await send(at.port, { headers: own, body: json('no/such', {}) })
    await send(at.port, { headers: own, body: `[${'{"jsonrpc":"2.0","method":"x"},'.repeat(101)}{"jsonrpc":"2.0","method":"x"}]` })
    await send(at.port, { method: 'GET', headers: { ...own, accept: 'text/event-stream', 'last-event-id': '7-7' } })
    const known = { transport: 'http', revision, principal: { sub: 'alice' } }
    expect(gateway.refusals).toMatchObject([known, known, known])
  })

  it('over HTTP+SSE: verbs, sessions, bodies', async () => {
    gateway = imitation()
    at = await rig(gateway)
    await send(at.port, { method: 'PUT', path: '/sse', headers: alice })
    await send(at.port, { path: '/message?sessionId=x', headers: alice, body: json('ping', {}) })
    await send(at.port, { path: '/message?sessionId=x', headers: alice, body: '{' })
    expect(gateway.refusals.map(({ transport, principal }) => [transport, principal?.sub])).toEqual(Array(3).fill(['sse', 'alice']))
  })

  it('where `initialize` holds more than a session keeps: over HTTP and over stdio', async () => {
    gateway = imitation()
    at = await rig(gateway)
    const large = json('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: { experimental: { pad: { text: 'x'.repeat(262_144) } } },
      clientInfo: { name: 'raw', version: '0' },
    })
    const answer = await send(at.port, { headers: alice, body: large })
    expect([answer.status, answer.headers['mcp-session-id'], (answer.json as { error?: { code: number } }).error?.code]).toEqual([
      200,
      undefined,
      -32602,
    ])
    expect(await overStdio(gateway, large)).toMatchObject([{ id: 1, error: { code: -32602 } }])
    const known = { method: 'initialize', fault: { kind: 'invalid_params' }, revision: '2025-06-18' }
    expect(gateway.refusals).toMatchObject([
      { ...known, transport: 'http', principal: { sub: 'alice' } },
      { ...known, transport: 'stdio', principal: { sub: 'nobody' } },
    ])
    expect(gateway.calls).toEqual([])
  })

  it('over HTTP where a bug of ours ends it', async () => {
    gateway = imitation()
    const begun: string[] = []
    const handle: Gateway['handle'] = (call) => {
      begun.push(call.id)
      return Promise.reject(new Error('a bug'))
    }
    at = await rig(Object.assign(gateway, { handle }))
    await send(at.port, { headers: { ...modernHeaders('tools/list'), ...alice }, body: modernBody('tools/list') })
    expect(gateway.refusals).toMatchObject([{ fault: { kind: 'internal' }, revision: modern, principal: { sub: 'alice' } }])
    // The call may have its record already.
    expect(begun).toHaveLength(1)
    expect(begun).not.toContain(gateway.refusals[0]?.id)
  })

  it('over stdio, of both eras and barred', async () => {
    gateway = imitation()
    await overStdio(gateway, modernBody('no/such'))
    await overStdio(gateway, modernBody('tools/list').replace('"id"', '"x":1,"x":2,"id"'))
    await overStdio(gateway, init('2025-06-18'), json('no/such', {}), json('ping', {}, null), 'no json')
    const barred = { ...gateway, identify: async () => ({ fault: fault('unauthenticated', { reason: 'no token' }) }) }
    await overStdio(barred, init('2025-06-18'))
    await overStdio(barred, json('tools/list', { _meta: envelope }))
    expect(gateway.refusals.map(({ transport, revision, principal }) => [transport, revision, principal?.sub])).toEqual([
      ['stdio', modern, 'nobody'],
      ['stdio', modern, 'nobody'],
      ...Array(3).fill(['stdio', '2025-06-18', 'nobody']),
      ['stdio', '2025-06-18', undefined],
      ['stdio', modern, undefined],
    ])
  })
})
