// What the gateway does not know it hands on: unknown fields in tools, params, results, `_meta` and notifications, 64-bit integers,
// unknown content types. Shown with a server that echoes and announces random JSON, over both eras of client.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import fc from '../property.ts'
import { promise } from './promise.ts'

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
let upstream: Server
let gateway: UnderTest
let received = ''
let reply = '{}'
let definition = '{"name":"echo","inputSchema":{"type":"object"}}'
let progress = ''

beforeAll(async () => {
  upstream = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      if (req.method !== 'POST') return void res.writeHead(405).end()
      const text = Buffer.concat(chunks).toString()
      const { id, method, params } = JSON.parse(text)
      if (id === undefined) return void res.writeHead(202).end()
      const result = (body: string): void =>
        void res.writeHead(200, { 'content-type': 'application/json' }).end(`{"jsonrpc":"2.0","id":${id},"result":${body}}`)
      if (method === 'server/discover')
        return result(
          '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private"}',
        )
      if (method === 'tools/list') return result(`{"resultType":"complete","tools":[${definition}],"ttlMs":0,"cacheScope":"private"}`)
      received = text
      if (progress === '') return result(reply)
      const token = JSON.stringify(params._meta.progressToken)
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(
        `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1,"extra":${progress}}}\n\ndata: {"jsonrpc":"2.0","id":${id},"result":${reply}}\n\n`,
      )
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  definition =
    '{"name":"echo","inputSchema":{"type":"object","x-odd":{"big":9007199254740993}},"unknownField":[1,{"deep":12345678901234567890}],"_meta":{"vendor/x":1.0}}'
  gateway = await startUnderTest({
    servers: { up: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/mcp`, era: 'modern' } },
  })
})
afterAll(async () => {
  await gateway.stop()
  upstream.close()
})

async function post(body: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${gateway.base}/mcp/up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    body,
  })
  return response.text()
}

const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
let session: Record<string, string> | undefined

async function legacyHeaders(): Promise<Record<string, string>> {
  if (session !== undefined) return session
  const response = await fetch(`${gateway.base}/mcp/up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }),
  })
  await response.text()
  session = { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
  return session
}

/** Sends `arguments`, extra params and `_meta`; gives the text that came back. */
async function call(era: 'modern' | 'legacy', args: string, extra: string, vendor: string, token?: string): Promise<string> {
  const own = [
    ...(era === 'modern' ? [JSON.stringify(meta).slice(1, -1)] : []),
    `"vendor/own":${vendor}`,
    ...(token === undefined ? [] : [`"progressToken":${token}`]),
  ].join(',')
  const body = `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":${args},"extraParam":${extra},"_meta":{${own}}}}`
  return post(body, era === 'modern' ? modernHeaders : await legacyHeaders())
}

/** Random JSON in a spelling of its own, with integers beyond 2^53 and floats that a re-serialiser would rewrite. */
const odd = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }).map((n) => `{"big":${n},"float":1.0,"e":1E2}`),
  fc.constant('"\\u00e9\\/\\ud83d\\ude00"'),
)

describe.each(['modern', 'legacy'] as const)('for a %s client', (era) => {
  promise(['R2', 'R3'], 'unknown fields reach the server and come back byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(odd, odd, odd, odd, async (a, b, c, d) => {
        progress = ''
        reply = `{"resultType":"complete","content":[{"type":"hologram","data":${a}}],"unknownResult":${b},"structuredContent":{"v":${c}},"_meta":{"vendor/result":${d}}}`
        const back = await call(era, `{"x":${a}}`, b, c)
        expect(received).toContain(`"arguments":{"x":${a}}`)
        expect(received).toContain(`"extraParam":${b}`)
        expect(received).toContain(`"vendor/own":${c}`)
        for (const part of [
          `{"type":"hologram","data":${a}}`,
          `"unknownResult":${b}`,
          `"structuredContent":{"v":${c}}`,
          `"vendor/result":${d}`,
        ])
          expect(back).toContain(part)
      }),
      { numRuns: 60 },
    )
  })

  promise('R2', 'unknown fields of notifications and definitions survive too', async () => {
    progress = '{"big":9007199254740993,"f":1.0}'
    reply = '{"resultType":"complete","content":[]}'
    const back = await call(era, '{}', '1', '2', '"own-token"')
    expect(back).toContain(`"extra":${progress}`)
    expect(back).toContain('"progressToken":"own-token"')
    expect(received).not.toContain('own-token')
    const list = JSON.stringify({ jsonrpc: '2.0', id: 6, method: 'tools/list', params: era === 'modern' ? { _meta: meta } : {} })
    const tools = await post(
      list,
      era === 'modern' ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } : await legacyHeaders(),
    )
    for (const part of ['"x-odd":{"big":9007199254740993}', '"unknownField":[1,{"deep":12345678901234567890}]', '"vendor/x":1.0'])
      expect(tools).toContain(part)
  })
})
