// The same rival for the revisions with sessions, on the SDK that most of today's gateways use (1.x): a Server and its transport for each
// session of a client, one Client behind, tools only.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  CallToolResultSchema,
  ListToolsRequestSchema,
  ListToolsResultSchema,
} from '@modelcontextprotocol/sdk/types.js'

const client = new Client({ name: 'sdk-proxy', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', process.argv[2])))

const sessions = new Map()

async function open() {
  const server = new Server({ name: 'sdk-proxy', version: '1.0.0' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, (request) => client.request(request, ListToolsResultSchema))
  server.setRequestHandler(CallToolRequestSchema, (request) => client.request(request, CallToolResultSchema))
  // Answers as JSON, the cheaper of its two ways.
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  })
  await server.connect(transport)
  return transport
}

const server = createServer(async (req, res) => {
  const transport = sessions.get(req.headers['mcp-session-id']) ?? (await open())
  await transport.handleRequest(req, res)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
