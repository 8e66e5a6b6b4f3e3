// Text that was cut within a character reaches the client as it would directly, through every exit and every door: in results, structured
// content and progress. In definitions the replacement character stands for it: clients that keep UTF-8 would drop the whole list.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientKind, clientKinds, connect, type TestClient, type Where } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { answersTo, bytesRead, escapesRead } from '../peers/fixture/cut-text.mjs'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { metric } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'

const child = { command: process.execPath, args: [join(root, 'test', 'peers', 'fixture', 'cut-text.mjs')] }
const text = `${escapesRead} ${bytesRead}`
let server: Server
let gateway: UnderTest
let file: { path: string; remove(): void }
let base = ''

const event = (message: Buffer): Buffer => Buffer.concat([Buffer.from('event: message\ndata: '), message, Buffer.from('\n\n')])

/** `/json/mcp` answers with JSON where it can, `/stream/mcp` with event streams, `/sse` is the transport of 2024-11-05. */
function startServer(): Promise<Server> {
  const open: ServerResponse[] = []
  const made = createServer((req, res) => {
    if (req.url === '/sse') {
      const n = open.push(res) - 1
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: endpoint\ndata: /message?${n}\n\n`)
      return
    }
    if (req.method !== 'POST') return void res.writeHead(405).end()
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const messages = answersTo(JSON.parse(Buffer.concat(chunks).toString()))
      if (req.url?.startsWith('/message?')) {
        res.writeHead(202).end()
        for (const message of messages) open[Number(req.url.slice(9))]?.write(event(message))
      } else if (messages.length === 0) res.writeHead(202).end()
      else if (req.url === '/json/mcp') res.writeHead(200, { 'content-type': 'application/json' }).end(messages.at(-1))
      else res.writeHead(200, { 'content-type': 'text/event-stream' }).end(Buffer.concat(messages.map(event)))
    })
  })
  return new Promise((resolve) => made.listen(0, '127.0.0.1', () => resolve(made)))
}

beforeAll(async () => {
  server = await startServer()
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const servers = {
    child: { ...child, era: 'legacy' },
    json: { url: `${base}/json/mcp`, era: 'legacy' },
    stream: { url: `${base}/stream/mcp`, era: 'legacy' },
    older: { url: `${base}/sse`, transport: 'sse' },
  }
  gateway = await startUnderTest({ servers })
  file = writeConfig({ servers })
})
afterAll(async () => {
  await gateway.stop()
  file.remove()
  server.closeAllConnections()
  server.close()
})

/** `seen`: what came, beneath the SDK, which drops progress that comes in one piece with the answer. */
async function check(client: TestClient, tool: string, seen: string[] | undefined, whole = (cut: string): string => cut): Promise<void> {
  const listed = (await client.tools()).find(({ name }) => name === tool)
  expect(listed?.description).toBe(whole(text))
  expect(listed?._meta?.['x/y']).toBe(whole(escapesRead))
  const { content, structuredContent } = await client.call(tool, {}, { onProgress: () => {} })
  expect(content).toEqual([{ type: 'text', text }])
  expect(structuredContent).toEqual({ [escapesRead]: text })
  if (seen === undefined) return
  const said = /"message":("(?:[^"\\]|\\.)*")/.exec(seen.splice(0).join(''))?.[1]
  expect(JSON.parse(said ?? 'null')).toBe(text)
}

async function using(kind: ClientKind, where: Where, work: (client: TestClient, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = []
  const tap = { outgoing: (out: string) => out, incoming: (came: string) => void seen.push(came) }
  const client = await connect(kind, { ...where, tap })
  await work(client, seen).finally(() => client.close())
}

function inWholeCharacters(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

describe('text that was cut within a character', () => {
  test.each([
    ['v1 http', '/json'],
    ['v1 http', '/stream'],
    ['v1 sse', ''],
    ['v1 stdio', ''],
  ] as const)('directly, %s%s, is what the rest is held against', async (kind, path) => {
    await using(kind, { base: `${base}${path}`, command: child }, (client, seen) =>
      check(client, 'cut', path === '/json' ? undefined : seen),
    )
  })

  test.each(clientKinds)('through the gateway, %s', async (kind) => {
    const command = { command: process.execPath, args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path], cwd: root }
    await using(kind, { base: gateway.base, command }, async (client, seen) => {
      for (const name of ['child', 'json', 'stream', 'older'])
        await check(client, `${name}__cut`, name === 'json' ? undefined : seen, inWholeCharacters)
    })
  })

  test('is counted where it was no UTF-8', async () => {
    const counted = await metric(gateway.admin, 'signalbox_proto_anomaly_total')
    for (const name of ['child', 'json', 'stream', 'older']) expect(counted.get(`upstream="${name}",type="utf8"`)).toBeGreaterThan(0)
  })
})
