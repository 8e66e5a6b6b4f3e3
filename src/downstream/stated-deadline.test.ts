// Every door reads how long its client says that it waits.
import { afterEach, describe, expect, it } from 'vitest'
import { modernBody, modernHeaders, send } from '../../test/doubles/downstream/http-peer.ts'
import { type Imitation, imitation } from '../../test/doubles/downstream/imitation.ts'
import { connect, overStdio, type Rig, rig } from '../../test/doubles/downstream/legacy-rig.ts'

let at: Rig
let gateway: Imitation
afterEach(() => at?.close())

const echo = { name: 'echo', arguments: {} }
const stating = (stated: unknown) => ({ 'signalbox.dev/deadline_ms': stated })
/** What is stated, and what it is worth. */
const cases: readonly (readonly [unknown, number | undefined])[] = [
  [2_500, 2_500],
  [0.5, 0.5],
  [0, undefined],
  [-5, undefined],
  ['10', undefined],
  [null, undefined],
  [{}, undefined],
]

function heard(): readonly (number | undefined)[] {
  return gateway.calls.filter(({ call }) => call.method === 'tools/call').map(({ call }) => call.deadlineMs)
}

describe('how long a client waits', () => {
  it('is read of a modern one over HTTP', async () => {
    gateway = imitation()
    at = await rig(gateway)
    const headers = modernHeaders('tools/call', 'echo')
    for (const [stated] of cases) await send(at.port, { headers, body: modernBody('tools/call', echo, stating(stated)) })
    await send(at.port, { headers, body: modernBody('tools/call', echo) })
    expect(heard()).toEqual([...cases.map(([, worth]) => worth), undefined])
  })

  it.each(['http', 'sse'] as const)('is read of a session over %s', async (over) => {
    gateway = imitation()
    at = await rig(gateway)
    const { client } = await connect(at, { over })
    for (const [stated] of cases) await client.callTool({ ...echo, _meta: stating(stated) })
    await client.callTool(echo)
    expect(heard()).toEqual([...cases.map(([, worth]) => worth), undefined])
    await client.close()
  })

  it('is read over stdio, of both eras', async () => {
    gateway = imitation()
    const init = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } }
    await overStdio(
      gateway,
      modernBody('tools/call', echo, stating(1_000)),
      JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'initialize', params: init }),
      JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { ...echo, _meta: stating(2_000) } }),
      JSON.stringify({ jsonrpc: '2.0', id: 4, method: 'tools/call', params: echo }),
    )
    expect(heard()).toEqual([1_000, 2_000, undefined])
  })
})
