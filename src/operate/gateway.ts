// Starts the gateway for a command: the one place of this room that knows the composition root.
import { mkdirSync } from 'node:fs'
import type { ConfigurationSource, RunningGateway } from '../assembly/index.ts'
import { formatProblem } from '../platform/config/index.ts'
import type { Loaded } from './configuration/load.ts'
import { withState } from './configuration/state.ts'

export type { RunningGateway, ServerStatus } from '../assembly/index.ts'

export interface GatewayWishes {
  /** Serve one client on these streams in place of HTTP. */
  readonly stdio?: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream; readonly mount: string }
  /** Take any free port of this machine and say nothing: for a look, not for clients. */
  readonly trial?: boolean
}

/** Rejects with the error of the listener (`EADDRINUSE`, …) where the address cannot be had. */
export async function startLoaded(loaded: Loaded, wishes: GatewayWishes = {}): Promise<RunningGateway> {
  const { startGateway } = await import('../assembly/index.ts')
  if (loaded.stateFolder !== undefined) mkdirSync(loaded.stateFolder, { recursive: true, mode: 0o700 })
  const settings =
    wishes.trial === true
      ? {
          ...loaded.settings,
          log: { ...loaded.settings.log, level: 'silent' as const },
          telemetry: { ...loaded.settings.telemetry, otlp: undefined },
        }
      : loaded.settings
  return startGateway(settings, {
    source: loaded.source,
    baseDir: loaded.baseDir,
    broken: loaded.broken,
    secrets: loaded.secrets,
    files: loaded.files,
    proxies: loaded.proxies,
    otel: wishes.trial === true ? {} : loaded.otel,
    lock: loaded.lock,
    ...(wishes.trial === true ? {} : { configuration: sourceOf(loaded) }),
    ...(wishes.trial === true ? { listen: { host: '127.0.0.1', port: 0 }, migrates: false } : {}),
    ...(wishes.trial !== true && wishes.stdio === undefined
      ? { listen: loaded.listen, ...(loaded.admin === undefined ? {} : { admin: loaded.admin }) }
      : {}),
    ...(wishes.stdio === undefined ? {} : { stdio: wishes.stdio }),
  })
}

/** Where another configuration comes from: what the command was started with. The built-in one nobody writes. */
function sourceOf(loaded: Loaded): ConfigurationSource {
  return {
    text: loaded.text,
    file: loaded.kind === 'quickstart' ? undefined : loaded.source,
    read: async (text) => {
      const read = await loaded.again(text)
      if (!read.ok) return { ok: false, problems: read.problems.map(formatProblem) }
      const { loaded: next } = withState(read.loaded)
      if (next.stateFolder !== undefined) mkdirSync(next.stateFolder, { recursive: true, mode: 0o700 })
      const { settings, broken, secrets, files, lock, warnings } = next
      return { ok: true, candidate: { settings, text: next.text, broken, secrets, files, lock, warnings: warnings.map(formatProblem) } }
    },
  }
}

/** The longest that the first attempt at any server may take, in ms. */
export function startLimitMs(loaded: Loaded): number {
  const limits = Object.values(loaded.settings.servers).map((server) => server.timeouts.start ?? loaded.settings.timeouts.start)
  return Math.max(0, ...limits) + 2_000
}
