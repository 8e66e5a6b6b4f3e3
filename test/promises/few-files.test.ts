// A process that may open few files: connections that are too many are closed, and it goes on serving.
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { writeConfig } from '../peers/config.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

promise('R77', 'a gateway that may open no more files closes what comes, and serves again once some are closed', async () => {
  const file = writeConfig({ listen: '127.0.0.1:0', servers: {}, admin: { listen: 'off' } })
  const main = join(root, 'dist', 'main.js')
  const child = spawn('sh', ['-c', 'ulimit -n 90; exec "$0" "$@"', process.execPath, main, 'up', '--config', file.path], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: dirname(file.path),
  })
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))))
  const { port } = JSON.parse(line) as { port: number }
  let closed = 0
  const sockets = Array.from({ length: 200 }, (): Socket => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.on('close', () => {
      closed += 1
    })
    return socket
  })
  expect(await eventually(() => closed > 50)).toBe(true)
  expect(child.exitCode).toBeNull()
  for (const socket of sockets) socket.destroy()
  expect(
    await eventually(async () => (await send(`http://127.0.0.1:${port}/livez`, 'GET', undefined).catch(() => undefined))?.status === 200),
  ).toBe(true)
  child.kill('SIGTERM')
  expect(await gone).toBe(0)
  file.remove()
})
