// A gateway as a process of its own, started as a user starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { writeConfig } from './config.ts'
import { eventually } from './processes.ts'
import { send, type UpstreamTold, upstreamsOf } from './raw.ts'
import { root } from './servers.ts'

export interface GatewayProcess {
  readonly base: string
  /** The line that it prints once it listens. */
  readonly told: Readonly<Record<string, unknown>>
  /** Address of the admin door, '' where there is none. */
  readonly admin: string
  readonly child: ChildProcess
  /** What it wrote to standard error so far. */
  log(): string
  /** Resolves to the first text that the pattern finds in the log, once it is there: its first line on standard output says nothing of it. */
  logged(pattern: RegExp): Promise<string>
  /** Resolves to the exit code (or signal) once it is gone. */
  readonly gone: Promise<number | string>
  /** Sends the signal and resolves to the exit code (or signal) once it is gone. */
  end(signal: NodeJS.Signals): Promise<number | string>
  /** What the admin door tells of each server. */
  upstreams(): Promise<UpstreamTold[]>
  /**
   * Waits until the contracts of these tools (`server/tool`) are read, which happens beside calls: a call before that has no digest in its row.
   * Each is named, since the list of a server is read beside calls too, and before it there is no tool that could lack something.
   */
  contractsRead(...tools: readonly string[]): Promise<void>
}

/** An entry of `/admin/v1/tools`. */
interface ToolTold {
  readonly server: string
  readonly tool: string
  /** Digests; absent: not read yet. */
  readonly approved?: unknown
}

/** `main`: of another installation. */
export async function startProcess(
  config: Record<string, unknown>,
  env: Record<string, string> = {},
  main = join(root, 'dist', 'main.js'),
): Promise<GatewayProcess> {
  const file = writeConfig(config)
  const child = spawn(process.execPath, [main, 'up', '--config', file.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    // What it keeps is its own, and goes with its configuration.
    cwd: dirname(file.path),
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
  const told = JSON.parse(line) as { readonly port?: number; readonly admin?: string }
  const { port, admin } = told
  const base = `http://127.0.0.1:${port}`
  const upstreams = (): ReturnType<GatewayProcess['upstreams']> => upstreamsOf(admin ?? '')
  if (admin?.startsWith('http') === true)
    await eventually(async () => (await upstreams()).every((upstream) => upstream.state !== 'connecting'), 20_000)
  return {
    base,
    told,
    admin: admin ?? '',
    child,
    log: () => log,
    logged: async (pattern) => {
      await eventually(() => pattern.test(log), 30_000)
      const found = pattern.exec(log)?.[0]
      if (found === undefined) throw new Error(`nothing in the log is like ${pattern}: ${log}`)
      return found
    },
    gone,
    upstreams,
    contractsRead: async (...tools) => {
      let unread = tools
      await eventually(async () => {
        const told: readonly ToolTold[] = JSON.parse((await send(`${admin}/admin/v1/tools`, 'GET', undefined)).text).tools
        const read = new Set(told.filter(({ approved }) => approved !== undefined).map(({ server, tool }) => `${server}/${tool}`))
        unread = tools.filter((tool) => !read.has(tool))
        return unread.length === 0
      }, 30_000)
      if (unread.length > 0) throw new Error(`the contracts of ${unread.join(', ')} were not read: ${log}`)
    },
    end: async (signal) => {
      child.kill(signal)
      const code = await gone
      file.remove()
      return code
    },
  }
}
