// A reverse proxy in front of a real server. While it blinks it answers every request itself, as an ingress does that has lost its routes
// for a moment.
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Ingress {
  readonly url: string
  /** Answers with this status from now on; undefined: the server answers. */
  blink(status: number | undefined): void
  /** Another server takes the place of the first. */
  lead(to: string): void
  stop(): Promise<void>
}

export async function startIngress(to: string): Promise<Ingress> {
  let status: number | undefined
  let target = to
  const server = createServer((req, res) => {
    if (status !== undefined) {
      req.resume()
      res.writeHead(status).end()
      return
    }
    const { method, headers } = req
    const passed = request(target, { method: method ?? 'GET', headers: { ...headers, host: new URL(target).host } }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    passed.once('error', () => res.destroy())
    res.once('close', () => passed.destroy())
    req.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    blink: (next) => {
      status = next
    },
    lead: (next) => {
      target = next
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
