// The upstream of the benchmark: the cheapest honest MCP server, node:http and JSON.parse, both eras. Tools: `echo`, and two that answer with
// JSON in a text, of about 200 bytes (`get_customer`) and 4 KiB (`query_customers`), and one that takes its time (`wait`: exponential, 5 ms).
import { createServer } from 'node:http'

const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }
const tools = [
  { name: 'echo', description: 'Says it back.', inputSchema },
  { name: 'wait', description: 'Says it back after a while.', inputSchema },
  { name: 'large', description: 'Says much (BENCH_RESULT_BYTES).', inputSchema },
  { name: 'get_customer', description: 'One customer.', inputSchema, annotations: { readOnlyHint: true } },
  { name: 'query_customers', description: 'Customers.', inputSchema, annotations: { readOnlyHint: true } },
]
const customer = (id) => ({ id, name: `Customer ${id}`, email: `c${id}@example.com`, active: id % 3 !== 0, balance: id * 12.5, note: null })
const customers = JSON.stringify(Array.from({ length: 40 }, (_, id) => customer(id)))
const large = 'l'.repeat(Number(process.env.BENCH_RESULT_BYTES ?? 1_000))
const one = JSON.stringify({ ...customer(17), address: { street: 'Long Street 4', city: 'Ghent' }, tags: ['a', 'b'] }).slice(1)

function contentOf({ name, arguments: { text } }) {
  if (name === 'get_customer') return [{ type: 'text', text: `{"asked":"${text}",${one}` }]
  if (name === 'large') return [{ type: 'text', text: large }]
  if (name === 'query_customers') return [{ type: 'text', text: `{"asked":"${text}","rows":${customers}}` }]
  return [
    { type: 'text', text },
    { type: 'text', text: 'x'.repeat(60) },
  ]
}
const serverInfo = { name: 'bench-upstream', version: '1.0.0' }
const capabilities = { tools: {} }

function answer(message, modern) {
  const { method, params } = message
  const type = modern ? { resultType: 'complete' } : {}
  const cache = modern ? { ttlMs: 0, cacheScope: 'private' } : {}
  if (method === 'initialize') return { protocolVersion: params.protocolVersion, capabilities, serverInfo }
  if (method === 'server/discover')
    return {
      ...type,
      supportedVersions: ['2026-07-28'],
      capabilities,
      ...cache,
      _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
    }
  if (method === 'tools/list') return { ...type, tools, ...cache }
  if (method === 'tools/call') return { ...type, content: contentOf(params) }
  return type
}

let sessions = 0
const server = createServer((req, res) => {
  if (req.method !== 'POST') return void res.writeHead(405).end()
  const chunks = []
  req.on('data', (chunk) => chunks.push(chunk))
  req.on('end', () => {
    const message = JSON.parse(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString())
    if (message.id === undefined) return void res.writeHead(202).end()
    const modern = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined
    if (message.method === 'server/discover' && !modern)
      return void res
        .writeHead(404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'Method not found' } }))
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message, modern) }))
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    if (message.method === 'initialize') headers['mcp-session-id'] = `bench-${++sessions}`
    const send = () => res.writeHead(200, headers).end(body)
    if (message.params?.name === 'wait') setTimeout(send, -5 * Math.log(1 - Math.random()))
    else send()
  })
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.env.BENCH_UPSTREAM_PORT ?? 0), '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
