// A receiver of alerts: a real HTTP server that keeps what it was sent, and answers as a test says.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent.
  readonly body: any
}

export interface AlertReceiver {
  readonly url: string
  readonly received: Received[]
  /** `event`s of webhooks, in order. */
  events(): string[]
  close(): Promise<void>
}

export async function startReceiver(
  answer: (res: ServerResponse, received: Received) => void = (res) => res.end('ok'),
): Promise<AlertReceiver> {
  const received: Received[] = []
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('error', () => undefined)
    res.on('error', () => undefined)
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const one = { path: req.url ?? '', headers: req.headers, text, body: text === '' ? undefined : JSON.parse(text) }
      received.push(one)
      answer(res, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    events: () => received.map(({ body }) => body?.event),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
