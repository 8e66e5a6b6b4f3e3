// Servers of MCP 2026-07-28 that tell of a change on the stream of the call that made it, and cannot be listened to (FastMCP 4): their
// caller is told as it is directly, and finds what changed.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { startUnderTest } from '../peers/gateway.ts'
import { modern } from '../peers/raw.ts'
import { promise } from './promise.ts'

/** What the server says to a request, in order; `grow` adds a tool. As text, since a child runs it too. */
const serving = `
  const whole = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
  const tool = (name) => ({ name, inputSchema: { type: 'object' } })
  const tools = [tool('grow')]
  const says = ({ id, method }) => {
    const answer = (result) => ({ jsonrpc: '2.0', id, result: { ...whole, ...result } })
    if (method === 'server/discover') return [answer({ supportedVersions: ['2026-07-28'], capabilities: { tools: { listChanged: true } } })]
    if (method === 'tools/list') return [answer({ tools })]
    if (method !== 'tools/call') return [{ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }]
    tools.push(tool('grown' + tools.length))
    return [{ jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: {} }, answer({ content: [] })]
  }`

async function overHttp(): Promise<Record<string, unknown>> {
  const says = new Function(`${serving}; return says`)() as (asked: unknown) => unknown[]
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += chunk
    })
    req.on('end', () => {
      const messages = says(JSON.parse(body))
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.end(messages.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`).join(''))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, era: 'modern' }
}

function overStdio(): Record<string, unknown> {
  const script = `
    ${serving}
    let rest = ''
    process.stdin.on('end', () => process.exit(0))
    process.stdin.on('data', (chunk) => {
      const lines = (rest + chunk).split('\\n'); rest = lines.pop()
      for (const line of lines) {
        const asked = JSON.parse(line)
        if (asked.id !== undefined) for (const message of says(asked)) process.stdout.write(JSON.stringify(message) + '\\n')
      }
    })`
  return { command: process.execPath, args: ['-e', script], era: 'modern' }
}

for (const [over, start] of [
  ['HTTP', overHttp],
  ['stdio', overStdio],
] as const)
  promise(
    ['R1', 'R3'],
    `a change that a server tells its caller over ${over} reaches that caller, and its next list shows it`,
    async () => {
      const { base, stop } = await startUnderTest({ servers: { up: await start() } })
      onTestFinished(stop)
      for (const expected of [
        ['grow', 'grown1'],
        ['grow', 'grown1', 'grown2'],
      ]) {
        const { text } = await modern(base, 'tools/call', { name: 'grow', arguments: {} }, { mount: '/up' })
        expect([...text.matchAll(/"method":"([^"]+)"/g)].map(([, method]) => method)).toEqual(['notifications/tools/list_changed'])
        const { message } = await modern(base, 'tools/list', {}, { mount: '/up' })
        expect(message.result.tools.map(({ name }: { name: string }) => name)).toEqual(expected)
      }
    },
  )
