// A raw pass-through in the place of the gateway: what a row must not let through, it lets through.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request, type Server, type ServerResponse } from 'node:http'
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
  return listening(server)
}

/** Before a child over stdio: each line that it says is the answer to the oldest request that has none. */
export async function startStdioPassThrough(command: string, args: readonly string[], env: Record<string, string>): Promise<PassThrough> {
  // Its stderr is a pipe that nobody reads, as in many a program that starts servers.
  const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...env } })
  const waiting: ServerResponse[] = []
  let rest = ''
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) waiting.shift()?.writeHead(200, { 'content-type': 'application/json' }).end(line)
  })
  const gone = once(child, 'exit')
  child.on('exit', () => {
    for (const res of waiting.splice(0)) res.destroy()
  })
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString('utf8')
    if (!text.includes('"id"')) {
      res.writeHead(202).end()
    } else if (child.exitCode !== null || child.signalCode !== null) {
      res.destroy()
      return
    } else {
      waiting.push(res)
    }
    child.stdin.write(`${text}\n`)
  })
  return listening(server, async () => {
    child.kill('SIGKILL')
    await gone
  })
}

async function listening(server: Server, ends: () => Promise<void> = async () => undefined): Promise<PassThrough> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await ends()
      await closed
    },
  }
}
