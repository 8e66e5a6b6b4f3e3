// The fixture on the TypeScript SDK 1, in sessions. Arguments: TRANSPORT (stdio, http, sse) PORT.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { names, note, pause, pixel, says, schema } from './content.mjs'

const [transport, port] = process.argv.slice(2)
const all = new Set()
let cancelled = 0
let grown = false

function grow(server) {
  server.registerTool('grown', {}, async () => says('grown'))
}

function makeServer() {
  const server = new McpServer(
    { name: 'compat', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } } },
  )
  const low = server.server
  const watched = new Set()
  low.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  low.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  all.add({ server, watched })
  server.registerTool('echo', { inputSchema: { text: z.string() } }, async ({ text }) => says(`echo: ${text}`))
  server.registerTool('structured', { inputSchema: { a: z.number().int() }, outputSchema: { sum: z.number().int() } }, async ({ a }) => ({
    ...says(`${a + 1}`),
    structuredContent: { sum: a + 1 },
  }))
  server.registerTool('image', {}, async () => ({ content: [{ type: 'image', data: pixel, mimeType: 'image/png' }] }))
  server.registerTool('fails', {}, async () => ({ ...says('it failed'), isError: true }))
  server.registerTool('progress', {}, async (extra) => {
    const progressToken = extra._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      if (progressToken !== undefined)
        await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } })
      await pause()
    }
    return says('done')
  })
  server.registerTool('logs', {}, async (extra) => {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'hello from logs' } })
    return says('logged')
  })
  server.registerTool('asks_user', {}, async () => {
    const answer = await low.elicitInput({ message: 'Who are you?', requestedSchema: schema })
    return says(`elicited: ${answer.action} ${answer.content?.name}`)
  })
  server.registerTool('asks_model', {}, async () => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'Say something' } }]
    const answer = await low.createMessage({ messages, maxTokens: 10 })
    return says(`sampled: ${answer.content.text}`)
  })
  server.registerTool('asks_roots', {}, async () => says(`roots: ${(await low.listRoots()).roots.map(({ uri }) => uri)}`))
  server.registerTool('touch', {}, async () => {
    for (const one of all) if (one.watched.has(note)) await one.server.server.sendResourceUpdated({ uri: note }).catch(() => undefined)
    return says('touched')
  })
  server.registerTool('grow', {}, async () => {
    if (!grown) for (const one of all) grow(one.server)
    grown = true
    return says('grew')
  })
  server.registerTool('wait', {}, async ({ signal }) => {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 20_000)
      signal.addEventListener('abort', () => {
        cancelled += 1
        clearTimeout(timer)
        resolve()
      })
    })
    return says('waited')
  })
  server.registerTool('cancellations', {}, async () => says(`cancelled: ${cancelled}`))
  server.registerResource('note', note, { mimeType: 'text/plain' }, async () => ({ contents: [{ uri: note, text: 'a note' }] }))
  server.registerResource('item', new ResourceTemplate('compat://item/{id}', { list: undefined }), {}, async (uri, { id }) => ({
    contents: [{ uri: uri.href, text: `item ${id}` }],
  }))
  server.registerPrompt('greet', { argsSchema: { name: completable(z.string(), names) } }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello, ${name}` } }],
  }))
  if (grown) grow(server)
  return server
}

const sessions = new Map()

async function http(req, res) {
  const known = sessions.get(req.headers['mcp-session-id'])
  if (known !== undefined) return known.handleRequest(req, res)
  if (req.headers['mcp-session-id'] !== undefined) return void res.writeHead(404).end()
  const opened = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => sessions.set(id, opened),
  })
  await makeServer().connect(opened)
  return opened.handleRequest(req, res)
}

async function sse(req, res) {
  if (req.method === 'GET') {
    const opened = new SSEServerTransport('/messages', res)
    sessions.set(opened.sessionId, opened)
    return makeServer().connect(opened)
  }
  const session = sessions.get(new URL(req.url, 'http://localhost').searchParams.get('sessionId'))
  return session === undefined ? void res.writeHead(404).end() : session.handlePostMessage(req, res)
}

if (transport === 'stdio') await makeServer().connect(new StdioServerTransport())
else {
  const serve = transport === 'sse' ? sse : http
  createServer((req, res) => {
    const path = new URL(req.url, 'http://localhost').pathname
    if (!['/mcp', '/sse', '/messages'].includes(path) || (transport === 'sse') === (path === '/mcp')) return void res.writeHead(404).end()
    serve(req, res).catch((error) => {
      console.error(error)
      if (!res.headersSent) res.writeHead(500).end()
    })
  }).listen(Number(port), '127.0.0.1')
}
