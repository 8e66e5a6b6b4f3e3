// The real servers that tests stand the gateway in front of, as configuration entries, and those that have to be started first.
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
export const root = fileURLToPath(new URL('../..', import.meta.url))

function bin(name: string): string {
  return join(dirname(require.resolve(`@modelcontextprotocol/${name}/package.json`)), 'dist', 'index.js')
}

export const everything = { command: process.execPath, args: [bin('server-everything'), 'stdio'] }
export const filesystem = (folder: string) => ({ command: process.execPath, args: [bin('server-filesystem'), folder] })
export const memory = (file: string) => ({ command: process.execPath, args: [bin('server-memory')], env: { MEMORY_FILE_PATH: file } })
export const modernExample = { command: process.execPath, args: [join(root, 'examples', 'modern-server', 'server.mjs')] }
export const fixtureStdio = (era: 'legacy' | 'modern' | 'both') => ({
  command: process.execPath,
  args: [join(root, 'test', 'peers', 'fixture', 'server.mjs'), '--stdio'],
  env: { FIXTURE_ERA: era },
})

export interface Started {
  readonly port: number
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** Starts a program and resolves once `port` finds a port in what it prints. */
async function start(args: string[], env: Record<string, string>, port: (text: string) => number | undefined): Promise<Started> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const found = await new Promise<number>((resolve, reject) => {
    let text = ''
    const hear = (chunk: Buffer): void => {
      text += chunk
      const at = port(text)
      if (at !== undefined) resolve(at)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${text}`)))
  })
  return {
    port: found,
    child,
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** A program that prints one line of JSON with its port. */
export function startProgram(args: string[], env: Record<string, string> = {}): Promise<Started> {
  return start(args, env, (text) => {
    const line = /\{"port":(\d+)\}/.exec(text)
    return line === null ? undefined : Number(line[1])
  })
}

/** The dual-era fixture over Streamable HTTP. */
export function startFixture(env: Record<string, string> = {}): Promise<Started> {
  return startProgram([join(root, 'test', 'peers', 'fixture', 'server.mjs'), '--http'], env)
}

/** server-everything over `sse` or `streamableHttp`, on a given port (it takes no port 0). */
export function startEverything(mode: 'sse' | 'streamableHttp', at: number): Promise<Started> {
  return start([bin('server-everything'), mode], { PORT: String(at) }, (text) =>
    /listening on port|running on port/i.test(text) ? at : undefined,
  )
}
