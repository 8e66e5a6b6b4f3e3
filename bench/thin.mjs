// The floor: a pass-through that does what any MCP gateway must (read the body once, parse it, check the headers against it) and
// nothing more. node:http in front, undici Pool.dispatch behind.
import { createServer } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2], { connections: 64, pipelining: 1 })
const path = '/mcp'

function bad(res, id, code, message) {
  res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } }))
}

// What the specification asks of every server before it looks at a message (MCP 2026-07-28 §transports).
function refused(req) {
  const { host, origin, accept } = req.headers
  if (host === undefined || !/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)) return 403
  if (origin !== undefined && !/^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin)) return 403
  if (!req.headers['content-type']?.startsWith('application/json')) return 415
  if (accept !== undefined && !(accept.includes('application/json') && accept.includes('text/event-stream'))) return 406
  return Number(req.headers['content-length']) > 4_194_304 ? 413 : undefined
}

const server = createServer((req, res) => {
  const status = refused(req)
  if (status !== undefined) return void res.writeHead(status).end()
  const chunks = []
  req.on('data', (chunk) => chunks.push(chunk))
  req.on('end', () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    const message = JSON.parse(body.toString())
    const headers = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']
    const claim = message.params?._meta?.['io.modelcontextprotocol/protocolVersion']
    if (claim !== undefined) {
      if (req.headers['mcp-protocol-version'] !== claim) return bad(res, message.id, -32020, 'version')
      if (req.headers['mcp-method'] !== message.method) return bad(res, message.id, -32020, 'method')
      if (message.method === 'tools/call' && req.headers['mcp-name'] !== message.params.name) return bad(res, message.id, -32020, 'name')
      headers.push('mcp-protocol-version', claim, 'mcp-method', message.method)
      if (req.headers['mcp-name'] !== undefined) headers.push('mcp-name', req.headers['mcp-name'])
    } else {
      if (req.headers['mcp-protocol-version'] !== undefined) headers.push('mcp-protocol-version', req.headers['mcp-protocol-version'])
      if (req.headers['mcp-session-id'] !== undefined) headers.push('mcp-session-id', req.headers['mcp-session-id'])
    }
    pool.dispatch(
      { path, method: 'POST', headers, body },
      {
        onConnect() {},
        onHeaders(status, raw) {
          const out = []
          for (let i = 0; i < raw.length; i += 2) {
            const name = raw[i].toString().toLowerCase()
            if (name === 'content-type' || name === 'content-length' || name === 'mcp-session-id') out.push(name, raw[i + 1].toString())
          }
          res.writeHead(status, out)
          return true
        },
        onData(chunk) {
          res.write(chunk)
          return true
        },
        onComplete() {
          res.end()
        },
        onError(error) {
          if (!res.headersSent) res.writeHead(502)
          res.end(String(error))
        },
      },
    )
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
