// Client headers stay at the door: nothing of them reaches an upstream or the log, unless one upstream opted in to one header by name.
import { spawn } from 'node:child_process'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { writeConfig } from '../peers/config.ts'
import { eventually } from '../peers/processes.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const canaries = {
  authorization: 'Bearer canary-authorization-1',
  cookie: 'sid=canary-cookie-2',
  'x-api-key': 'canary-key-3',
  'x-user': 'canary-user-4',
  traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
}
const seen: Record<string, IncomingHttpHeaders[]> = { one: [], two: [] }
let servers: Server[] = []

function upstream(name: string): Promise<{ url: string }> {
  const server = createServer((req, res) => {
    seen[name]?.push(req.headers)
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      if (req.method !== 'POST') return void res.writeHead(405).end()
      const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString())
      if (id === undefined) return void res.writeHead(202).end()
      const answer =
        method === 'initialize'
          ? { result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name, version: '1' } } }
          : method === 'tools/list'
            ? { result: { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] } }
            : method === 'tools/call'
              ? { result: { content: [] } }
              : { error: { code: -32601, message: 'no' } }
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }))
    })
  })
  servers.push(server)
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` })),
  )
}

let log = ''
let base = ''
let stop: () => Promise<void>

beforeAll(async () => {
  const config = writeConfig({
    servers: { one: await upstream('one'), two: { ...(await upstream('two')), forwardHeaders: { 'X-User': 'X-Remote-User' } } },
    log: { level: 'trace', format: 'json' },
  })
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'up', '--config', config.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: config.folder,
  })
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))))
  const { port, admin } = JSON.parse(line) as { port: number; admin: string }
  base = `http://127.0.0.1:${port}`
  stop = () =>
    new Promise((resolve) => {
      child.once('exit', () => {
        config.remove()
        resolve()
      })
      child.kill('SIGTERM')
    })
  const ready = async (): Promise<boolean> => /"one".*ready.*"two".*ready/s.test(await (await fetch(`${admin}/admin/v1/upstreams`)).text())
  expect(await eventually(ready)).toBe(true)
})
afterAll(async () => {
  for (const server of servers) server.close()
  servers = []
})

promise(['R60', 'R28'], 'canary headers of a client appear in no upstream request and no log', async () => {
  for (const tool of ['one__echo', 'two__echo']) {
    const response = await fetch(`${base}/mcp`, {
      method: 'POST',
      headers: {
        ...canaries,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': tool,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name: tool,
          arguments: {},
          _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
        },
      }),
    })
    expect(response.status).toBe(200)
    await response.text()
  }
  await stop()
  expect(seen.one?.length).toBeGreaterThan(0)
  expect(JSON.stringify(seen.one)).not.toContain('canary')
  const two = JSON.stringify(seen.two)
  expect(two).toContain('"x-remote-user":"canary-user-4"')
  for (const secret of ['canary-authorization', 'canary-cookie', 'canary-key']) expect(two).not.toContain(secret)
  expect(two).not.toContain('"x-user"')
  expect(log).toContain('tools/call')
  expect(log).not.toContain('canary')
})
