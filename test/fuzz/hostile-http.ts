// An HTTP server that answers `play` with whatever bytes its call holds, and is sound in all else; Streamable HTTP of one era, or HTTP+SSE.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bytesOf, filled, type Script, soundAnswer } from './script.mjs'

export interface HostileHttp {
  readonly url: string
  close(): Promise<void>
}

type Message = Record<string, never>

export async function startHostileHttp(kind: 'legacy' | 'modern' | 'sse'): Promise<HostileHttp> {
  const streams: ServerResponse[] = []
  const era = kind === 'modern' ? 'modern' : 'legacy'
  const server = createServer((req, res) => {
    // The gateway may well hang up on what it is told.
    res.on('error', () => undefined)
    if (req.method === 'GET' && kind === 'sse') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(`event: endpoint\ndata: /message?stream=${streams.push(res) - 1}\n\n`)
    } else if (req.method !== 'POST') res.writeHead(405).end()
    else
      bodyOf(req, (message) =>
        kind === 'sse' ? onStream(message, res, streams[Number(req.url?.split('=')[1])]) : answer(message, res, era),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${kind === 'sse' ? 'sse' : 'mcp'}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(message: Message, res: ServerResponse, era: 'legacy' | 'modern'): void {
  const script = scriptOf(message)
  if (script === undefined) {
    const said = soundAnswer(message, era)
    const session = (message as { method?: string }).method === 'initialize' ? { 'mcp-session-id': 'one' } : {}
    if (said === undefined) res.writeHead(202).end()
    else res.writeHead(200, { 'content-type': 'application/json', ...session }).end(JSON.stringify(said))
    return
  }
  const headers = script.headers ?? { 'content-type': 'text/event-stream' }
  res.writeHead(script.status ?? 200, headers)
  for (const chunk of script.chunks) res.write(Buffer.from(filled(bytesOf(chunk), message), 'latin1'))
  if (script.end === 'cut') res.destroy()
  else if (script.end === 'nothing') res.end()
  else if (headers['content-type'] === 'text/event-stream') res.end(`\n\ndata: ${JSON.stringify(soundAnswer(message, era))}\n\n`)
  else res.end()
}

function onStream(message: Message, res: ServerResponse, stream: ServerResponse | undefined): void {
  const script = scriptOf(message)
  const said = soundAnswer(message, 'legacy')
  res.writeHead(202).end()
  if (script !== undefined) {
    for (const chunk of script.chunks) stream?.write(Buffer.from(filled(bytesOf(chunk), message), 'latin1'))
    if (script.end === 'cut') stream?.destroy()
    stream?.write('\n\n')
  }
  if (said !== undefined && script?.end !== 'nothing') stream?.write(`data: ${JSON.stringify(said)}\n\n`)
}

function scriptOf(message: unknown): Script | undefined {
  const { method, params } = message as { method?: string; params?: { name?: string; arguments?: Script } }
  return method === 'tools/call' && params?.name === 'play' ? params.arguments : undefined
}

function bodyOf(req: IncomingMessage, done: (message: Message) => void): void {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => done(JSON.parse(Buffer.concat(chunks).toString())))
}
