import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import type { OpenDoor } from '../../../test/doubles/downstream/http-peer.ts'
import { modernRig, progress, serving, until, untilEnd } from '../../../test/doubles/downstream/modern-rig.ts'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { modernRevision } from '../../core/protocol/names.ts'

const { start } = modernRig()
const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

async function sdk(at: OpenDoor): Promise<Client> {
  const client = new Client({ name: 'sdk', version: '2.4' }, { versionNegotiation: { mode: { pin: modernRevision } } })
  clients.push(client)
  await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
  return client
}

describe('an SDK client of today', () => {
  it('discovers, lists and calls', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [{ type: 'text', text: 'hi' }] })))
    const client = await sdk(at)
    expect(client.getServerVersion()).toMatchObject({ name: 'signalbox-test' })
    expect((await client.listTools()).tools.map((each) => each.name)).toEqual(['echo'])
    expect((await client.callTool({ name: 'echo', arguments: { a: 1 } })).content).toEqual([{ type: 'text', text: 'hi' }])
    await until(() => gateway.calls.every((each) => each.delivery === 'delivered'))
    const { caller, params } = gateway.calls.at(-1)?.call ?? {}
    expect(caller).toMatchObject({ client: { name: 'sdk' }, arrival: { transport: 'http', revision: modernRevision } })
    expect(params?.json()).toEqual({ name: 'echo', arguments: { a: 1 } })
  })

  it('sees progress under its own token, in order, and then the result', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        for (let n = 1; n <= 5; n += 1) exchange.sink.emit(progress(n))
        return completed({ content: [] })
      }),
    )
    const client = await sdk(at)
    const seen: number[] = []
    await client.callTool({ name: 'echo' }, { onprogress: ({ progress: n }) => void seen.push(n) })
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('cancels its call by going away', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    const client = await sdk(at)
    const abort = new AbortController()
    const call = client.callTool({ name: 'echo' }, { signal: abort.signal })
    await until(() => gateway.calls.at(-1)?.call.method === 'tools/call')
    abort.abort()
    await expect(call).rejects.toThrow()
    await until(() => gateway.calls.at(-1)?.delivery === 'client_gone')
    expect(gateway.calls.at(-1)?.exchange.signal.reason).toBe('client_gone')
  })

  it('answers the questions of a multi-round-trip request', async () => {
    const question = {
      method: 'elicitation/create',
      params: { mode: 'form', message: 'Name?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
    }
    const { at } = await start(
      serving((call): Outcome => {
        const params = call.params.json() as { inputResponses?: Record<string, unknown>; requestState?: string }
        if (params.requestState === undefined) {
          return {
            kind: 'input_required',
            requests: payloadOf({ inputRequests: { q: question } }),
            continuation: { kind: 'relayed', inner: undefined },
            sealed: 'sealed!',
          }
        }
        return completed({ content: [{ type: 'text', text: JSON.stringify([params.requestState, params.inputResponses]) }] })
      }),
    )
    const client = new Client(
      { name: 'sdk', version: '2.4' },
      { versionNegotiation: { mode: { pin: modernRevision } }, capabilities: { elicitation: { form: {} } } },
    )
    clients.push(client)
    client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { name: 'Ada' } }))
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
    const result = await client.callTool({ name: 'echo' })
    expect(JSON.stringify(result.content)).toContain('sealed!')
    expect(JSON.stringify(result.content)).toContain('Ada')
  })

  it('listens for changes', async () => {
    let exchange: Exchange | undefined
    const { at, context } = await start(
      serving(async (call, its) => {
        const { notifications } = call.params.json() as { notifications: Record<string, unknown> }
        exchange = its
        its.sink.emit({ kind: 'acknowledged', notifications })
        await untilEnd(its)
        return failed(fault('cancelled', { reason: 'over' }))
      }),
    )
    const client = new Client(
      { name: 'sdk', version: '2.4' },
      { versionNegotiation: { mode: { pin: modernRevision } }, listChanged: { tools: { autoRefresh: false, onChanged: () => changed() } } },
    )
    let changed = (): void => {}
    const heard = new Promise<void>((resolve) => {
      changed = resolve
    })
    clients.push(client)
    await client.connect(new StreamableHTTPClientTransport(new URL(at.url)))
    await until(() => exchange !== undefined)
    exchange?.sink.emit({ kind: 'changed', list: 'tools' })
    await heard
    expect(context.counted.get('events_dropped')).toBeUndefined()
  })
})
