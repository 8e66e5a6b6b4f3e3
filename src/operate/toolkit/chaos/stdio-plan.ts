// What the stdio shim does, as JSON in its command line, so that any configuration that starts a server can start it behind the shim.
import { join } from 'node:path'
import { packageRoot } from '../../package-root.ts'
import type { Rule } from './rules.ts'
import type { StdioFault } from './stdio-fault.ts'

export interface StdioPlan {
  /** How it starts; as the child does unless said. */
  readonly start?:
    | { readonly kind: 'exit'; readonly code: number; readonly stderr: string }
    /** Alive, and silent for ever. */
    | { readonly kind: 'hang' }
    /** Hears nothing for so long. */
    | { readonly kind: 'slow'; readonly ms: number }
    /** Says this on stdout first. */
    | { readonly kind: 'noise'; readonly text: string }
  readonly rules?: readonly Rule<StdioFault>[]
  readonly seed?: number
  /** A file in which the shim keeps what its rules counted, for a shim that is started after it died. */
  readonly counts?: string
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
}

/** The command that starts this child behind the shim. */
export function stdioShim(plan: StdioPlan, child: Program): { command: string; args: string[] } {
  const shim = join(packageRoot, 'dist', 'operate', 'toolkit', 'chaos', 'stdio-shim.js')
  return { command: process.execPath, args: [shim, JSON.stringify(plan), child.command, ...child.args] }
}
