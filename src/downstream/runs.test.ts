// Every door hands on what a request says of its run, in `_meta` and in headers, and the session of those that have one.
import { afterEach, describe, expect, it } from 'vitest'
import { modernBody, modernHeaders, send } from '../../test/doubles/downstream/http-peer.ts'
import { type Imitation, imitation } from '../../test/doubles/downstream/imitation.ts'
import { connect, overStdio, type Rig, rig } from '../../test/doubles/downstream/legacy-rig.ts'
import type { Run } from '../core/call/run.ts'

let at: Rig
let gateway: Imitation
afterEach(() => at?.close())

const said = { 'signalbox.dev/run': 'm', 'signalbox.dev/turn': 't', 'signalbox.dev/why': 'to see' }
const headers = { 'signalbox-run': 'h', 'signalbox-turn': 'ht', baggage: 'tenant=x,run.id=b' }
const echo = { name: 'echo', arguments: {} }

function runs(): readonly Run[] {
  return gateway.calls.filter(({ call }) => call.method === 'tools/call').map(({ call }) => call.run)
}

describe('the run of a call', () => {
  it('of a modern client over HTTP', async () => {
    gateway = imitation()
    at = await rig(gateway)
    const call = (meta: Record<string, unknown>, more: Record<string, string> = {}) =>
      send(at.port, { headers: { ...modernHeaders('tools/call', 'echo'), ...more }, body: modernBody('tools/call', echo, meta) })
    await call(said)
    await call({}, headers)
    await call({}, { 'signalbox-run': 'h', 'signalbox-turn': 'ht' })
    await call({})
    await call({})
    expect(runs()).toMatchObject([
      { id: 'm', source: 'meta', turn: 't', why: 'to see' },
      { id: 'b', source: 'baggage', turn: 'ht', why: undefined },
      { id: 'h', source: 'header', turn: 'ht' },
      { source: 'made', turn: undefined },
      { source: 'made' },
    ])
    expect(runs()[3]).toBe(runs()[4])
  })

  it.each(['http', 'sse'] as const)('of a session over %s: the session where the client says nothing', async (over) => {
    gateway = imitation()
    at = await rig(gateway)
    const [one, two] = [await connect(at, { over }), await connect(at, { over })]
    await one.client.callTool(echo)
    await one.client.callTool(echo)
    await two.client.callTool(echo)
    await one.client.callTool({ ...echo, _meta: said })
    const [first, second, other, stated] = runs()
    expect(first).toMatchObject({ source: 'session', turn: undefined })
    expect(second).toBe(first)
    expect(other?.source).toBe('session')
    expect(other?.id).not.toBe(first?.id)
    expect(stated).toMatchObject({ id: 'm', source: 'meta', turn: 't', why: 'to see' })
    // Also what the session does of itself, and before the first call.
    expect(new Set(gateway.calls.map(({ call }) => call.run.id)).size).toBe(3)
    for (const { client } of [one, two]) await client.close()
  })

  it('of a session over HTTP: headers go before the session', async () => {
    gateway = imitation()
    at = await rig(gateway)
    const message = (method: string, params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const init = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '0' } }
    const opened = await send(at.port, { headers, body: message('initialize', init) })
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    await send(at.port, { headers: { ...session, ...headers }, body: message('tools/call', echo) })
    await send(at.port, { headers: session, body: message('tools/call', echo) })
    expect(gateway.calls.map(({ call }) => [call.method, call.run.source])).toEqual([
      ['server/discover', 'baggage'],
      ['tools/call', 'baggage'],
      ['tools/call', 'session'],
    ])
  })

  it('over stdio, of both eras', async () => {
    gateway = imitation()
    const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } }
    await overStdio(
      gateway,
      modernBody('tools/call', echo, said),
      modernBody('tools/call', echo, { baggage: 'run.id=b' }),
      modernBody('tools/call', echo),
      JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'initialize', params: init }),
      JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { ...echo, _meta: said } }),
      JSON.stringify({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: echo }),
    )
    expect(runs().map(({ id, source }) => [source === 'session' || source === 'made' ? '' : id, source])).toEqual([
      ['m', 'meta'],
      ['b', 'baggage'],
      ['', 'made'],
      ['m', 'meta'],
      ['', 'session'],
    ])
  })
})
