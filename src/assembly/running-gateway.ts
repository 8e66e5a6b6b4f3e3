// A gateway from the outside: with what it is started, and what is had of it while it runs.
import type { Clock } from '../core/ports/clock.ts'
import type { UnmatchedSelector } from '../core/ports/configured-tools.ts'
import type { ListenAddress } from '../core/ports/listen-address.ts'
import type { ServedState } from '../core/ports/upstream.ts'
import type { LockFile } from '../gateway/contracts/index.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import type { ConfigurationSource } from './configuration-source.ts'
import type { Reloaded } from './reloading.ts'

export interface GatewayOptions {
  /** Where to serve HTTP; absent: no HTTP door. */
  readonly listen?: ListenAddress
  /** Where the admin door stands; absent: there is none. */
  readonly admin?: ListenAddress
  /** Serve one client on these streams. */
  readonly stdio?: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream; readonly mount: string }
  /** For people and the log: where the settings came from. */
  readonly source: string
  readonly baseDir: string
  readonly broken?: readonly { readonly server: string; readonly reason: string }[]
  /** Values that must never be written anywhere. */
  readonly secrets?: readonly string[]
  /** Of the configuration, and of its secrets: no confined child sees them. */
  readonly files?: readonly string[]
  /** Contracts of tools that were let in; absent: there is no lock file. */
  readonly lock?: LockFile | undefined
  /** On the way to HTTP servers; absent: all are reached directly. */
  readonly proxies?: Proxies
  /** False: tables of a database are taken as they are. Default: they are made, and brought forward. */
  readonly migrates?: boolean
  /** Absent: that of the system. */
  readonly clock?: Clock
  /** Where another configuration comes from while it runs; absent: it stays as it is. */
  readonly configuration?: ConfigurationSource
  /** `OTEL_*` of the environment. */
  readonly otel?: Readonly<Record<string, string | undefined>>
}

export interface ServerStatus {
  readonly name: string
  readonly transport: string | undefined
  readonly revision: string | undefined
  readonly state: ServedState
  readonly reason: string | undefined
  readonly tools: number
  readonly prompts: number
  readonly resources: number
  /** Selectors of `tools` that select none of its tools. */
  readonly unmatched: readonly UnmatchedSelector[]
}

export interface RunningGateway {
  readonly address: ListenAddress | undefined
  readonly adminAddress: ListenAddress | undefined
  status(): readonly ServerStatus[]
  /** Resolves when every upstream was tried once, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>
  /**
   * Where the first person who may sign in is made, once; undefined where there is nothing to sign in to, or somebody can. Whoever has it can
   * make one: it is for the terminal of the start, never for a log.
   */
  setupLink(): Promise<string | undefined>
  /** Ends gracefully; further calls give the same promise. */
  drain(): Promise<void>
  /** Puts into force what the file says now, or refuses it. Never rejects. */
  reload(author: 'SIGHUP'): Promise<Reloaded>
  /** Tells of a bug that no boundary caught. */
  uncaught(bug: unknown): void
  /** Resolves when the gateway has ended, by `drain` or because its stdio client left. */
  readonly ended: Promise<void>
}
