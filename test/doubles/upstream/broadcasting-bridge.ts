// A bridge that puts one server on a pipe behind HTTP+SSE and hands every line of it to every client, as published ones do. The server is
// the test's: `take` gets each message of any client and says what it likes to all.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: unknown
  readonly error?: unknown
}

export interface Bridge {
  readonly url: string
  /** Every message that a client sent, in order. */
  readonly taken: Message[]
  /** Clients that are connected. */
  readonly clients: () => number
  say(message: object): void
  /** Cuts all event streams; the server behind lives on. */
  cut(): void
  stop(): Promise<void>
}

export async function startBridge(take: (message: Message, say: (message: object) => void) => void): Promise<Bridge> {
  const streams = new Set<ServerResponse>()
  const taken: Message[] = []
  const say = (message: object): void => {
    for (const stream of streams) stream.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
  }
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /message\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
      return
    }
    if (request.url !== '/message') return void response.writeHead(404).end()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.writeHead(202).end()
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Message
      taken.push(message)
      take(message, say)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/sse`,
    taken,
    clients: () => streams.size,
    say,
    cut: () => {
      for (const stream of streams) stream.destroy()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const hello = { protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'one', version: '1' } }

/** A server with `echo`, which answers out of order, and `ask`, which asks its client. `once`: it may be greeted once. */
export function oneProcess({ once = false } = {}): (message: Message, say: (message: object) => void) => void {
  let greeted = false
  const asked = new Map<number, number>()
  let echoes: (() => void)[] = []
  return ({ id, method, params, result, error }, say) => {
    const text = (said: string): object => ({ id, result: { content: [{ type: 'text', text: said }] } })
    if (method === 'initialize') {
      say(once && greeted ? { id, error: { code: 0, message: 'duplicate "initialize" received' } } : { id, result: hello })
      greeted = true
    } else if (method === 'tools/call' && params?.name === 'ask') {
      const question = 1_000 + asked.size
      asked.set(question, id as number)
      say({ method: 'notifications/message', params: { level: 'info', data: 'asking' } })
      say({ id: question, method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object', properties: {} } } })
    } else if (method === 'tools/call') {
      const { arguments: given } = params as { arguments: { text: string } }
      echoes.push(() => say(text(given.text)))
      setImmediate(() => {
        const all = echoes.reverse()
        echoes = []
        for (const echo of all) echo()
      })
    } else if (method === undefined) {
      const call = asked.get(id as number)
      asked.delete(id as number)
      if (call !== undefined) say({ ...text(JSON.stringify(result ?? error)), id: call })
    } else if (id !== undefined) say({ id, result: { tools: [] } })
  }
}
