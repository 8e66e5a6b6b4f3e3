// The fixture on the TypeScript SDK 2, in both eras. Arguments: TRANSPORT (stdio, http) PORT.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { NodeStreamableHTTPServerTransport, toNodeHandler } from '@modelcontextprotocol/node'
import {
  classifyInboundRequest,
  completable,
  createMcpHandler,
  inputRequired,
  McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { names, note, pause, pixel, says, schema } from './content.mjs'

const [transport, port] = process.argv.slice(2)
const all = new Set()
const sessions = new Map()
let cancelled = 0
let grown = false
let handler

function grow(server) {
  server.registerTool('grown', {}, async () => says('grown'))
}

/** A tool that asks for one thing and tells what it got; the SDK asks in the way of the caller's era. */
function asking(request, tell) {
  return async (ctx) => {
    const answer = ctx.mcpReq.inputResponses?.answer
    return answer === undefined ? inputRequired({ inputRequests: { answer: request } }) : says(tell(answer))
  }
}

function makeServer() {
  const server = new McpServer(
    { name: 'compat', version: '2.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        logging: {},
        completions: {},
      },
    },
  )
  const low = server.server
  const watched = new Set()
  low.setRequestHandler('resources/subscribe', async ({ params }) => {
    watched.add(params.uri)
    return {}
  })
  low.setRequestHandler('resources/unsubscribe', async ({ params }) => {
    watched.delete(params.uri)
    return {}
  })
  all.add({ server, watched })
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, async ({ text }) => says(`echo: ${text}`))
  const sum = { inputSchema: z.object({ a: z.number().int() }), outputSchema: z.object({ sum: z.number().int() }) }
  server.registerTool('structured', sum, async ({ a }) => ({ ...says(`${a + 1}`), structuredContent: { sum: a + 1 } }))
  server.registerTool('image', {}, async () => ({ content: [{ type: 'image', data: pixel, mimeType: 'image/png' }] }))
  server.registerTool('fails', {}, async () => ({ ...says('it failed'), isError: true }))
  server.registerTool('progress', {}, async (ctx) => {
    const progressToken = ctx.mcpReq._meta?.progressToken
    for (const progress of [1, 2, 3]) {
      if (progressToken !== undefined)
        await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } })
      await pause()
    }
    return says('done')
  })
  server.registerTool('logs', {}, async (ctx) => {
    await ctx.mcpReq.log('info', 'hello from logs')
    return says('logged')
  })
  const messages = [{ role: 'user', content: { type: 'text', text: 'Say something' } }]
  const user = inputRequired.elicit({ message: 'Who are you?', requestedSchema: schema })
  const model = inputRequired.createMessage({ messages, maxTokens: 10 })
  const elicited = (answer) => `elicited: ${answer.action} ${answer.content?.name}`
  const sampled = (answer) => `sampled: ${answer.content.text}`
  const rooted = (answer) => `roots: ${answer.roots.map(({ uri }) => uri)}`
  server.registerTool('needs_user', {}, asking(user, elicited))
  server.registerTool('needs_model', {}, asking(model, sampled))
  server.registerTool('needs_roots', {}, asking(inputRequired.listRoots(), rooted))
  // What a server asks in sessions only.
  server.registerTool('asks_user', {}, async (ctx) =>
    says(elicited(await ctx.mcpReq.elicitInput({ message: 'Who are you?', requestedSchema: schema }))),
  )
  server.registerTool('asks_model', {}, async (ctx) => says(sampled(await ctx.mcpReq.requestSampling({ messages, maxTokens: 10 }))))
  server.registerTool('asks_roots', {}, async () => says(rooted(await low.listRoots())))
  server.registerTool('touch', {}, async () => {
    handler?.notify.resourceUpdated(note)
    for (const one of all)
      if (one.watched.has(note) || handler === undefined)
        Promise.resolve(one.server.server.sendResourceUpdated({ uri: note })).catch(() => undefined)
    return says('touched')
  })
  server.registerTool('grow', {}, async () => {
    if (!grown) for (const one of all) grow(one.server)
    grown = true
    handler?.notify.toolsChanged()
    return says('grew')
  })
  server.registerTool('wait', {}, async (ctx) => {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, 20_000)
      ctx.mcpReq.signal.addEventListener('abort', () => {
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
  server.registerPrompt('greet', { argsSchema: z.object({ name: completable(z.string(), names) }) }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello, ${name}` } }],
  }))
  if (grown) grow(server)
  return server
}

async function session(req, res, body) {
  const known = sessions.get(req.headers['mcp-session-id'])
  if (known !== undefined) return known.handleRequest(req, res, body)
  if (req.headers['mcp-session-id'] !== undefined || req.method !== 'POST') return void res.writeHead(404).end()
  const opened = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => sessions.set(id, opened),
  })
  await makeServer().connect(opened)
  return opened.handleRequest(req, res, body)
}

async function serve(req, res, modern) {
  if (new URL(req.url, 'http://localhost').pathname !== '/mcp') return void res.writeHead(404).end()
  if (req.method !== 'POST') return session(req, res)
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  const body = JSON.parse(Buffer.concat(chunks).toString())
  const { kind } = classifyInboundRequest({
    httpMethod: req.method,
    protocolVersionHeader: req.headers['mcp-protocol-version'],
    mcpMethodHeader: req.headers['mcp-method'],
    body,
  })
  return kind === 'legacy' ? session(req, res, body) : modern(req, res, body)
}

if (transport === 'stdio') serveStdio(makeServer, { transport: new StdioServerTransport() })
else {
  handler = createMcpHandler(makeServer, { legacy: 'reject' })
  const modern = toNodeHandler(handler)
  createServer((req, res) => {
    serve(req, res, modern).catch((error) => {
      console.error(error)
      if (!res.headersSent) res.writeHead(500).end()
    })
  }).listen(Number(port), '127.0.0.1')
}
