// A hand-written HTTP peer: it answers as the test says and keeps what it was sent.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Request {
  /** The client closed the exchange, or it was answered. */
  readonly gone: Promise<void>
  readonly verb: string
  readonly headers: IncomingMessage['headers']
  readonly body: { id?: number; method?: string; params?: Record<string, unknown> & { _meta?: Record<string, unknown> } }
}

export interface Scripted {
  readonly url: string
  readonly requests: Request[]
  /** Takes no connection any more; what runs goes on. */
  refuse(): void
  stop(): Promise<void>
}

export type Reply = { status?: number; headers?: Record<string, string>; result?: unknown; error?: unknown; id?: unknown; raw?: string }

/** Answers a request, perhaps later; 'hang' never does, 'reset' cuts the connection, undefined leaves it to the next script. */
export type Script = (request: Request) => Reply | Promise<Reply> | 'reset' | 'hang' | undefined

/** `port`: a free one where none is given. */
export async function scripted(script: Script, port = 0): Promise<Scripted> {
  const requests: Request[] = []
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const gone = new Promise<void>((resolve) => res.once('close', resolve))
      const request: Request = { gone, verb: req.method ?? '', headers: req.headers, body: text === '' ? {} : JSON.parse(text) }
      requests.push(request)
      reply(res, request, script(request) ?? { status: 500 })
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    refuse: () => void server.close(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function reply(res: ServerResponse, request: Request, answer: Reply | Promise<Reply> | 'reset' | 'hang'): void {
  if (answer === 'hang') return
  if (answer instanceof Promise) {
    void answer.then((late) => reply(res, request, late))
    return
  }
  if (answer === 'reset') {
    res.socket?.resetAndDestroy()
    return
  }
  const { status = 200, headers = {}, result, error, raw } = answer
  const id = 'id' in answer ? answer.id : (request.body.id ?? null)
  const body = raw ?? (result === undefined && error === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result, error }))
  res.writeHead(status, { ...(body === '' ? {} : { 'content-type': 'application/json' }), ...headers }).end(body)
}

const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }

/** Answers of a small modern server; `own` may answer first. */
export function modernServer(own: Script): Script {
  return (request) => {
    if (request.verb !== 'POST') return { status: 405 }
    const answer = own(request)
    if (answer !== undefined) return answer
    switch (request.body.method) {
      case 'server/discover':
        return { result: { ...complete, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } }
      case 'tools/list':
        return { result: { ...complete, tools: [] } }
      case 'tools/call':
        return { result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }] } }
      default:
        return { status: 404, error: { code: -32601, message: 'Method not found' } }
    }
  }
}

/** Answers of a small server with `initialize` and sessions. */
export function legacyServer(own: Script): Script {
  return (request) => {
    const answer = own(request)
    if (answer !== undefined) return answer
    if (request.verb === 'GET') return { status: 405 }
    if (request.verb === 'DELETE') return { status: 200 }
    const { method } = request.body
    const greeted = request.headers['mcp-session-id'] === 's1' || method === 'initialize'
    switch (greeted ? method : undefined) {
      case 'initialize':
        return {
          headers: { 'mcp-session-id': 's1' },
          result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } },
        }
      case 'notifications/initialized':
      case 'notifications/cancelled':
        return { status: 202 }
      case 'tools/call':
        return { result: { content: [{ type: 'text', text: 'done' }] } }
      default:
        if (method !== undefined && request.body.id === undefined) return { status: 202 }
        return { status: 400, error: { code: -32000, message: 'Bad Request: Server not initialized' }, id: null }
    }
  }
}
