// A forward proxy on loopback: tunnels by CONNECT, requests in absolute-form. It knows every host name as this machine, so that a test
// needs no address beyond it.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface StartedProxy {
  readonly port: number
  /** First lines of what was asked: `CONNECT a.example:443`, `POST http://a.example/mcp`. */
  readonly asked: string[]
  /** `Proxy-Authorization` of each. */
  readonly credentials: (string | undefined)[]
  /** Status of every answer, in place of passing anything on; 0 for no answer at all. */
  refuse: number | undefined
  stop(): Promise<void>
}

export async function startForwardProxy(): Promise<StartedProxy> {
  const open = new Set<Socket>()
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy())
  }
  const note = ({ method, url, headers }: IncomingMessage): void => {
    self.asked.push(`${method} ${url}`)
    self.credentials.push(headers['proxy-authorization'])
  }
  const server = createServer((incoming, response) => {
    note(incoming)
    if (self.refuse === undefined) forward(incoming, response)
    else if (self.refuse > 0) response.writeHead(self.refuse, { 'proxy-authenticate': 'Basic realm="p"' }).end('refused')
  })
  server.on('connection', keep)
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming)
    if (self.refuse === 0) return
    if (self.refuse !== undefined) {
      socket.end(`HTTP/1.1 ${self.refuse} Refused\r\ncontent-length: 7\r\n\r\nrefused`)
      return
    }
    const inner = connect(Number(/:(\d+)$/.exec(incoming.url ?? '')?.[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(inner).pipe(socket)
    })
    keep(inner)
    inner.on('close', () => socket.destroy())
    socket.on('close', () => inner.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: StartedProxy = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    credentials: [],
    refuse: undefined,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
  return self
}

function forward(incoming: IncomingMessage, response: ServerResponse): void {
  const { port, pathname, search } = new URL(incoming.url ?? '')
  const { 'proxy-authorization': _, ...headers } = incoming.headers
  const outgoing = request({ host: '127.0.0.1', port, path: pathname + search, method: incoming.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders()
    answer.on('error', () => response.destroy()).pipe(response)
  })
  outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  response.on('close', () => outgoing.destroy())
  incoming.pipe(outgoing)
}
