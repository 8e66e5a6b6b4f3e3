// A gateway as a process of its own, started as a user starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { writeConfig } from './config.ts'
import { eventually } from './processes.ts'
import { root } from './servers.ts'

export interface GatewayProcess {
  readonly base: string
  readonly child: ChildProcess
  /** What it wrote to standard error so far. */
  log(): string
  /** Resolves to the exit code (or signal) once it is gone. */
  readonly gone: Promise<number | string>
  /** Sends the signal and resolves to the exit code (or signal) once it is gone. */
  end(signal: NodeJS.Signals): Promise<number | string>
  ready(): Promise<{ status: string; upstreams: { name: string; state: string; reason?: string }[] }>
}

export async function startProcess(config: Record<string, unknown>, env: Record<string, string> = {}): Promise<GatewayProcess> {
  const file = writeConfig(config)
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'up', '--config', file.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    cwd: root,
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log += chunk
  })
  const gone = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')))
  const line = await Promise.race([
    new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk)))),
    gone.then((code) => Promise.reject(new Error(`the gateway ended with ${code}: ${log}`))),
  ])
  const base = `http://127.0.0.1:${JSON.parse(line).port}`
  const ready: GatewayProcess['ready'] = async () => (await fetch(`${base}/readyz`)).json() as never
  await eventually(async () => (await ready()).upstreams.every((upstream) => upstream.state !== 'connecting'), 20_000)
  return {
    base,
    child,
    log: () => log,
    gone,
    ready,
    end: async (signal) => {
      child.kill(signal)
      const code = await gone
      file.remove()
      return code
    },
  }
}
