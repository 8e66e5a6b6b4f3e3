// Redis of the system. Where there is none, what needs it is skipped and says so.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Closers } from './admitting.ts'
import { freePort } from './free-port.ts'
import { eventually } from './processes.ts'

/** Undefined where this machine has none. `REDIS_SERVER` names another. */
export const redisPath = [process.env.REDIS_SERVER, '/usr/bin/redis-server', '/usr/local/bin/redis-server', '/usr/bin/valkey-server'].find(
  (path) => path !== undefined && existsSync(path),
)
if (redisPath === undefined) process.stdout.write('No redis-server (Debian: redis-server): tests of shared limits are skipped.\n')

export interface RedisServer {
  readonly url: string
  /** A connection of the test's own. */
  readonly client: Redis
  /** Its own clock, in ms. */
  now(): Promise<number>
  /** It takes no byte any more, and neither closes nor answers. */
  freeze(): void
  thaw(): void
  /** At once, as the power goes. */
  kill(): Promise<void>
  /** Again at the same address, empty. */
  restart(): Promise<void>
}

/** On a port and in a folder of its own; keeps nothing on disk. */
export async function startRedis(closers: Closers): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const args = [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      '--loglevel',
      'warning',
    ]
    const started = spawn(redisPath ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    let said = ''
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk
      })
    }
    const answers = (): Promise<boolean> =>
      client.ping().then(
        () => true,
        () => false,
      )
    if (client.status === 'wait') void client.connect().catch(() => undefined)
    if (!(await eventually(async () => started.exitCode !== null || (await answers())))) throw new Error(`Redis does not answer: ${said}`)
    if (started.exitCode !== null) throw new Error(`Redis ended with ${started.exitCode}: ${said}`)
  }
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    running.kill('SIGKILL')
    await gone
  }
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => 25 })
  client.on('error', () => undefined)
  closers.push(async () => {
    client.disconnect()
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    client,
    now: async () => {
      const [seconds, micros] = await client.time()
      return Number(seconds) * 1_000 + Number(micros) / 1_000
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    kill,
    restart: start,
  }
}
