// A server that was away is back: what the gateway says of it follows the first call that works, and not the gateway's own next attempt.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { makeCall, makeUpstream, send, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal
const serverInfo = { name: 's', version: '1' }
const answerTo = (method: string) => {
  if (method === 'initialize') return { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo } }
  if (method === 'tools/call') return { result: { content: [{ type: 'text', text: 'done' }] } }
  return method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'no' } }
}

type Streams = Map<string, ServerResponse>

/** Streamable HTTP with a GET stream for each session, and HTTP+SSE. */
const doors = {
  sse: (sessions: Streams, next: () => string) =>
    createServer((request, response) => {
      if (request.method === 'GET') {
        const session = next()
        sessions.set(session, response)
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: endpoint\ndata: /${session}\n\n`)
        return
      }
      void bodyOf(request).then(({ id, method }) => {
        response.writeHead(202).end()
        const said = { jsonrpc: '2.0', id, ...answerTo(method) }
        if (id !== undefined) sessions.get(request.url?.slice(1) ?? '')?.write(`data: ${JSON.stringify(said)}\n\n`)
      })
    }),
  'streamable-http': (sessions: Streams, next: () => string) =>
    createServer((request, response) => {
      void bodyOf(request).then(({ id, method }) => {
        const session = method === 'initialize' ? next() : String(request.headers['mcp-session-id'])
        if (method === 'initialize') sessions.set(session, response)
        else if (!sessions.has(session)) return void response.writeHead(404).end()
        if (request.method === 'GET') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        if (id === undefined) return void response.writeHead(202).end()
        const said = JSON.stringify({ jsonrpc: '2.0', id, ...answerTo(method) })
        response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session }).end(said)
      })
    }),
}

async function bodyOf(request: AsyncIterable<Buffer>): Promise<{ id?: number; method: string }> {
  let text = ''
  for await (const chunk of request) text += chunk.toString()
  return text === '' ? { method: '' } : JSON.parse(text)
}

async function restartable(transport: keyof typeof doors) {
  let began = 0
  const next = (): string => {
    began += 1
    return `session-${began}`
  }
  let port = 0
  let stop = (): Promise<void> => Promise.resolve()
  const start = async (): Promise<void> => {
    const server = doors[transport](new Map(), next)
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
    stop = () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
  await start()
  onTestFinished(() => stop())
  return { url: `http://127.0.0.1:${port}/mcp`, start, stop: () => stop() }
}

test.each([
  ['sse', 'unavailable', 0],
  ['streamable-http', 'reconnecting', 50],
] as const)('a server behind %s is called ready with the first call that it answers', async (transport, state, stepMs) => {
  const clock = new ManualClock()
  const server = await restartable(transport)
  const { upstream, close } = makeUpstream({ settings: { url: server.url, transport, era: 'legacy' }, clock })
  onTestFinished(close)
  expect(await upstream.ready(never)).toBeUndefined()
  const call = () => send(upstream, makeCall('tools/call', { name: 'echo' }, { affinity: 'one' }))
  expect(textOf(await call())).toBe('done')
  await server.stop()
  // From then on the gateway waits for a time that does not come.
  await expect.poll(() => clock.advance(stepMs).then(() => upstream.health().state)).toBe(state)
  await server.start()
  expect(textOf(await call())).toBe('done')
  await expect.poll(() => clock.advance(0).then(() => upstream.health().state)).toBe('ready')
})
