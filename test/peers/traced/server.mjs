// A server on the official SDK, of either era, over stdio or (`--http`) Streamable HTTP, that traces itself as the OpenTelemetry conventions for
// MCP have it: the context in `_meta` is the parent of its span, the one of the HTTP request a link. Its tool asks an HTTP API, which goes on with
// the trace. TRACED_API and TRACED_COLLECTOR say where these are.
import { createServer } from 'node:http'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
import { begin, parentOf } from './spans.mjs'

const { TRACED_API: api, TRACED_COLLECTOR: collector, TRACED_NAME: name = 'weather' } = process.env

function makeServer() {
  const server = new McpServer({ name, version: '1.0.0' }, { capabilities: { tools: {} } })
  const tool = {
    description: 'What the weather is like at a place.',
    inputSchema: z.object({ place: z.string() }),
    annotations: { readOnlyHint: true },
  }
  server.registerTool('forecast', tool, async ({ place }, context) => {
    const meta = context.mcpReq._meta ?? {}
    const parent = parentOf(meta.traceparent)
    if (parent === undefined) return { content: [{ type: 'text', text: 'no trace' }], isError: true }
    const link = parentOf(context.http?.req?.headers.get('traceparent'))
    const own = begin(name, 'tools/call forecast', 2, parent, link)
    const asking = begin(name, 'GET', 3, own.context)
    const headers = { traceparent: asking.traceparent, ...(meta.baggage === undefined ? {} : { baggage: meta.baggage }) }
    const answer = await fetch(`${api}/forecast?place=${encodeURIComponent(place)}`, { headers })
    const text = await answer.text()
    await asking.end(collector)
    await own.end(collector)
    return { content: [{ type: 'text', text }] }
  })
  return server
}

if (process.argv.includes('--http')) {
  const handle = toNodeHandler(createMcpHandler(makeServer))
  const server = createServer((req, res) => void handle(req, res))
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
} else serveStdio(makeServer)
