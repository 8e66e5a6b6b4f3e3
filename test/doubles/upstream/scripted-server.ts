// A node:http server on loopback whose every answer is written by the test: the hostile peer of the HTTP exits.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** JSON-RPC id of the body, if any. */
  readonly id: unknown
}

export type Script = (asked: Asked, response: ServerResponse, request: IncomingMessage) => void | Promise<void>

export interface ScriptedServer {
  readonly url: string
  readonly port: number
  readonly asked: Asked[]
  script: Script
  /** Connections accepted so far. */
  connections: number
  stop(): Promise<void>
}

export async function startScripted(script: Script): Promise<ScriptedServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const asked = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body, id: idOf(body) }
      self.asked.push(asked)
      void self.script(asked, response, request)
    })
    request.on('error', () => {})
    response.on('error', () => {})
  })
  server.on('connection', () => {
    self.connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: ScriptedServer = {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    asked: [],
    script,
    connections: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self
}

function idOf(body: string): unknown {
  try {
    return (JSON.parse(body) as { id?: unknown }).id
  } catch {
    return undefined
  }
}

/** Answers with a body of a type. */
export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': type, ...headers })
  response.end(body)
}

export function result(id: unknown, value: unknown = { ok: true }): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: value })
}

/** Waits for what real sockets bring, without sleeping. */
export async function until(condition: () => boolean, what = 'condition'): Promise<void> {
  const limit = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`no ${what} within 10 s`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
