import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { type Asked, result, type ScriptedServer, send, startScripted, until } from '../../../test/doubles/upstream/scripted-server.ts'
import {
  asksAll,
  type Made,
  makeCall,
  makeUpstream,
  questions,
  send as sendCall,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'

const json = 'application/json'
const sse = 'text/event-stream'

let server: ScriptedServer
let made: Made
/** The GET requests that wait for their answer, and those that got it. */
let held: ServerResponse[]
let opened: ServerResponse[]
/** What the server was asked to do, in order; `GET open` is the moment of its answer. */
let order: string[]

afterEach(async () => {
  for (const stream of [...held, ...opened]) stream.destroy()
  await made.close()
  await server.stop()
})

/** A server with sessions whose tool asks its user on the GET stream alone, and to nobody where none is open. */
async function serve(clock?: ManualClock): Promise<void> {
  held = []
  opened = []
  order = []
  let asking: { readonly asked: Asked; readonly response: ServerResponse } | undefined
  server = await startScripted((asked, response) => {
    if (asked.method === 'GET') {
      held.push(response)
      return
    }
    if (asked.method === 'DELETE') return void response.writeHead(200).end()
    const message = JSON.parse(asked.body) as { method?: string; result?: unknown }
    order.push(message.method ?? 'answer')
    if (message.method === 'initialize') {
      const hello = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'asks', version: '1' } }
      send(response, 200, json, result(asked.id, hello), { 'mcp-session-id': `s${order.length}` })
    } else if (message.method === 'tools/call') {
      const question = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } }
      if (opened.length === 0) send(response, 200, json, result(asked.id, { content: [{ type: 'text', text: 'nobody to ask' }] }))
      else {
        asking = { asked, response }
        opened[0]?.write(`data: ${JSON.stringify(question)}\n\n`)
      }
    } else if (asked.id !== undefined && message.method === undefined && asking !== undefined) {
      response.writeHead(202).end()
      send(asking.response, 200, json, result(asking.asked.id, { content: [{ type: 'text', text: 'asked' }] }))
    } else response.writeHead(202).end()
  })
  const settings = { url: server.url, era: 'legacy', transport: 'streamable-http' }
  made = makeUpstream({ settings, ...(clock === undefined ? {} : { clock }) })
}

function release(): void {
  const stream = held.shift()
  if (stream === undefined) throw new Error('no GET is held')
  order.push('GET open')
  stream.writeHead(200, { 'content-type': sse }).flushHeaders()
  opened.push(stream)
}

/** Long enough for anything that was sent before to have arrived: exchanges of our own with the same server. */
async function roundTrips(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await fetch(server.url, { method: 'DELETE' })
}

const call = (affinity: string) => makeCall('tools/call', { name: 'asks' }, { capabilities: asksAll, affinity })

/** The gateway's own connection is there, its stream refused; the next one is that of a client's session. */
async function ready(): Promise<void> {
  const found = made.upstream.ready(new AbortController().signal)
  await until(() => held.length === 1, 'GET')
  held.shift()?.writeHead(405).end()
  expect(await found).toBeUndefined()
  order.length = 0
}

describe('what a server with sessions says on its GET stream is heard from the first call on', () => {
  it('sends the first call only when the stream is open, so that its question arrives', async () => {
    await serve()
    await ready()
    const first = start(made.upstream, call('session-1'))
    await until(() => held.length === 1, 'GET')
    await roundTrips()
    release()
    const outcome = await first.outcome
    expect(order).toEqual(['initialize', 'notifications/initialized', 'GET open', 'tools/call'])
    expect(Object.values(questions(outcome)).map(({ method }) => method)).toEqual(['elicitation/create'])
  })

  it.each([405, 404, 503])('does not wait where the server answers the GET with %i', async (status) => {
    await serve(new ManualClock())
    await ready()
    const first = sendCall(made.upstream, call('session-1'))
    await until(() => held.length === 1, 'GET')
    held.shift()?.writeHead(status).end()
    expect(textOf(await first)).toBe('nobody to ask')
  })

  it('does not wait where the connection of the GET is cut', async () => {
    await serve(new ManualClock())
    await ready()
    const first = sendCall(made.upstream, call('session-1'))
    await until(() => held.length === 1, 'GET')
    held.shift()?.destroy()
    expect(textOf(await first)).toBe('nobody to ask')
  })

  it('waits a second at most for a server that answers the GET only with its first event, and not again until it answers at once', async () => {
    const clock = new ManualClock()
    await serve(clock)
    await ready()
    const first = sendCall(made.upstream, call('session-1'))
    await until(() => held.length === 1, 'GET')
    await roundTrips()
    expect(order).not.toContain('tools/call')
    await clock.advance(1_000)
    expect(textOf(await first)).toBe('nobody to ask')
    expect(textOf(await sendCall(made.upstream, call('session-2')))).toBe('nobody to ask')
    await until(() => held.length === 2, 'GET')
    held.pop()?.writeHead(405).end()
    // What was learned last holds; nothing tells when it was heard, so ask with sessions until one waits.
    let waiting = false
    for (let session = 3; !waiting; session += 1) {
      const before = held.length
      const next = sendCall(made.upstream, call(`session-${session}`))
      await until(() => held.length > before, 'GET')
      await roundTrips()
      waiting = order.at(-1) === 'notifications/initialized'
      held.pop()?.writeHead(405).end()
      await next
    }
  })
})
