// The stdio implementation of `Wire`: one life of one child process. It correlates answers by id, survives and counts noise on the
// child's stdout, and never leaves a request without its answer or a process without an owner.
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Wire } from '../wire.ts'

export interface StdioWireOptions {
  /** Name of the server, for faults, logs and counters. */
  readonly upstream: string
  readonly command: string
  readonly args: readonly string[]
  /** The settings' env, on top of the allow-list. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  /** Cap of one line of the child's stdout in bytes. */
  readonly maxMessageBytes: number
  readonly clock: Clock
  readonly report: Report
  /** Longest wait between the end of stdin and SIGTERM, and between SIGTERM and SIGKILL, in ms. Default 2000. */
  readonly graceMs?: number
}

export interface StdioWire extends Wire {
  readonly transport: 'stdio'
  readonly pid: number
  /** The tail of the child's stderr, secrets masked; '' if it said nothing. */
  lastWords(): string
}

/** Starts the child. Resolves to a fault (`config_error`) where it cannot be started: no such command, not executable, no such cwd. */
export declare function openStdioWire(options: StdioWireOptions): Promise<StdioWire | Fault>

/** A fault and a wire are told apart by this. */
export function isWire(opened: StdioWire | Fault): opened is StdioWire {
  return 'transport' in opened
}
