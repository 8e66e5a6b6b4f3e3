// A real server of the official SDK that keeps state for each of its sessions, as a browser does: `count` counts within one. `choose` asks a
// client that can be asked, and knows what to do with others; `unlock` adds a tool to one session.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'

export interface SessionServer {
  readonly url: string
  /** Sessions that were opened and not yet deleted. */
  open(): number
  /** Sessions that a DELETE ended. */
  deleted(): number
  /** From now on calls are answered with this status; undefined: as they should be. */
  fail(status: number | undefined): void
  stop(): Promise<void>
}

export async function startSessionServer(): Promise<SessionServer> {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  let deleted = 0
  let failing: number | undefined

  async function begin(): Promise<StreamableHTTPServerTransport> {
    let count = 0
    const server = new McpServer({ name: 'sessions', version: '1.0.0' })
    server.registerTool('count', {}, async () => {
      count += 1
      return { content: [{ type: 'text', text: String(count) }] }
    })
    server.registerTool('choose', {}, async () => {
      const says = (text: string) => ({ content: [{ type: 'text' as const, text }] })
      if (server.server.getClientCapabilities()?.elicitation?.form === undefined) return says('the default, since nobody can be asked')
      const { action } = await server.server.elicitInput({ message: 'which?', requestedSchema: { type: 'object', properties: {} } })
      return says(action)
    })
    server.registerTool('unlock', {}, async () => {
      server.registerTool('unlocked', {}, async () => ({ content: [{ type: 'text', text: `unlocked after ${count}` }] }))
      return { content: [] }
    })
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => {
        deleted += 1
        sessions.delete(id)
      },
    })
    await server.connect(transport as Transport)
    return transport
  }

  const server = createServer(async (req, res) => {
    const id = req.headers['mcp-session-id']
    const body = await read(req)
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (known === undefined && !body.includes('"initialize"')) {
      res.writeHead(id === undefined ? 400 : 404).end()
      return
    }
    if (failing !== undefined && body.includes('"tools/call"')) return void res.writeHead(failing).end()
    const transport = known ?? (await begin())
    await transport.handleRequest(req, res, body === '' ? undefined : JSON.parse(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    open: () => sessions.size,
    deleted: () => deleted,
    fail: (status) => {
      failing = status
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
