// How commands say that they did not do it.
import { forTerminal } from '../../core/text/terminal.ts'
import { type ExitCode, exit } from './exit.ts'

/** Why the store did not do it, for a person. */
export function failed(message: string): ExitCode {
  process.stderr.write(`${forTerminal(message)}\n`)
  return exit.failed
}

export function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
}
