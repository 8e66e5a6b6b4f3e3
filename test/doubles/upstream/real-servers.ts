// The real HTTP servers that the HTTP exits are tested against: server-everything in its two HTTP modes, and a modern server of the SDK.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { freePort } from '../../peers/free-port.ts'

export interface RealServer {
  readonly origin: string
  stop(): Promise<void>
}

export async function startEverything(mode: 'sse' | 'streamableHttp'): Promise<RealServer> {
  const port = await freePort()
  const main = join(
    dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')),
    'dist',
    'index.js',
  )
  const child: ChildProcess = spawn(process.execPath, [main, mode], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const exited = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (text: Buffer) => {
      if (/listening on port|running on port/i.test(text.toString())) resolve()
    })
    child.once('exit', (code) => reject(new Error(`server-everything ended with ${code}`)))
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** An SDK 2.4 server that speaks 2026-07-28 only, with one tool `echo`, slow enough to report progress where asked. */
export async function startModern(): Promise<RealServer> {
  const handler = createMcpHandler(
    () => {
      const server = new McpServer({ name: 'modern', version: '1.0.0' }, { capabilities: { tools: { listChanged: true }, logging: {} } })
      server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, async ({ text }, context) => {
        const token = context.mcpReq._meta?.progressToken
        if (token !== undefined)
          await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
        return { content: [{ type: 'text', text }] }
      })
      return server
    },
    { legacy: 'reject' },
  )
  const node = toNodeHandler(handler)
  const server = createHttpServer((request, response) => void node(request as Parameters<typeof node>[0], response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      await handler.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** A relay before a server that resets the first connection on which `mark` comes back. */
export async function startCutting(origin: string, mark: string): Promise<RealServer & { readonly cuts: () => number }> {
  const port = Number(new URL(origin).port)
  const sockets = new Set<Socket>()
  let cuts = 0
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.pipe(far)
    far.on('data', (chunk) => {
      near.write(chunk, () => {
        if (cuts > 0 || !chunk.includes(mark)) return
        cuts += 1
        near.resetAndDestroy()
        far.destroy()
      })
    })
    far.on('end', () => near.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
