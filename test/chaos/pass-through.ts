// A raw pass-through in the place of the gateway: what a row must not let through, it lets through.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PassThrough {
  readonly url: string
  stop(): Promise<void>
}

/** Before a server over HTTP on this port. */
export async function startPassThrough(target: number): Promise<PassThrough> {
  const server = createServer((req, res) => {
    const { connection: _, ...headers } = req.headers
    const onward = request({ host: '127.0.0.1', port: target, path: req.url, method: req.method, headers, agent: false }, (reply) => {
      res.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.on('error', () => res.destroy())
      reply.pipe(res)
    })
    onward.on('error', () => res.destroy())
    res.on('error', () => undefined)
    res.on('close', () => onward.destroy())
    req.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
