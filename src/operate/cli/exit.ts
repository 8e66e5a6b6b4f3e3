// Exit codes, the same for every command but `tools` and `probe`, which have their own (tools/exit.ts). Programs rely on them: they are
// documented in docs/cli.md and never change their meaning.
import type { ToolsExit } from './tools/exit.ts'

export const exit = {
  ok: 0,
  /** Something failed while the command ran; `call`: the tool answered with an error. */
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The address cannot be listened on. */
  address: 3,
  /** The configuration is invalid. */
  invalid: 10,
  /** A program, folder, file or variable that the configuration needs is not there. */
  preflight: 11,
  /** A server did not answer the handshake, or the database of the store cannot be used. */
  notAnswering: 12,
  /** Ended by a second Ctrl-C. */
  interrupted: 130,
} as const

type Common = (typeof exit)[keyof typeof exit]
export type ExitCode = Common | ToolsExit

export const exitMeanings: Readonly<Record<Common, string>> = {
  0: 'fine',
  1: 'something failed while the command ran; `call`: the tool answered with an error',
  2: 'the command line is wrong',
  3: 'the address cannot be listened on (in use, or not allowed)',
  10: 'the configuration is invalid; every problem is named with file, line and column',
  11: 'a program, folder, file or variable that the configuration needs is not there, or an entry of a client file cannot work',
  12: 'a server did not answer the handshake within its start time-out, or a list of it could not be read; or the database of the store cannot be used',
  130: 'ended by a second Ctrl-C',
}
