// The rival that most gateways are built as: the official SDK's Server in front, its Client behind, tools only.
import { createServer } from 'node:http'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, Server } from '@modelcontextprotocol/server'

const client = new Client({ name: 'sdk-proxy', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', process.argv[2])))

const handler = createMcpHandler(() => {
  const server = new Server({ name: 'sdk-proxy', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler('tools/list', (request) => client.request(request))
  server.setRequestHandler('tools/call', (request) => client.request(request))
  return server
})
const node = toNodeHandler(handler)
const server = createServer((req, res) => void node(req, res))
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
