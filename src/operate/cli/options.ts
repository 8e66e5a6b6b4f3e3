// The options that `up` and `stdio` share, and what happens with a configuration that cannot be used.

import { isSocketFile, type ListenAddress, type NetworkAddress } from '../../core/ports/listen-address.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import { formatProblem, type Problem } from '../../platform/config/index.ts'
import { formatAddress } from '../configuration/address.ts'
import { type Loaded, load } from '../configuration/load.ts'
import { styleFor } from '../text.ts'
import { askInput, hasTerminal } from './ask.ts'
import { type ExitCode, exit } from './exit.ts'

export interface SourceOptions {
  readonly config?: string
  readonly mcpJson?: string
  readonly listen?: string
  readonly profile?: string
  /** The lock file is none of the command's business, or all of it. */
  readonly withoutLock?: boolean
  /** Contradictions within the configuration are none of the command's business. */
  readonly withoutChecks?: boolean
}

/** Loads, or tells all problems on standard error and returns undefined. `ask`: standard input belongs to a person. */
export async function loadOrTell(options: SourceOptions, ask: boolean): Promise<Loaded | undefined> {
  const result = await load({
    config: options.config,
    mcpJson: options.mcpJson,
    listen: options.listen,
    profile: options.profile,
    withoutLock: options.withoutLock,
    withoutChecks: options.withoutChecks,
    env: process.env,
    cwd: process.cwd(),
    ask: ask && hasTerminal() ? askInput : undefined,
  })
  if (!result.ok) {
    tellProblems(result.problems)
    return undefined
  }
  for (const warning of result.loaded.warnings) process.stderr.write(`warning: ${forTerminal(formatProblem(warning))}\n`)
  return result.loaded
}

function tellProblems(problems: readonly Problem[]): void {
  const style = styleFor(process.stderr)
  for (const problem of problems) process.stderr.write(`${forTerminal(formatProblem(problem))}\n`)
  const many = problems.length === 1 ? 'One problem' : `${problems.length} problems`
  process.stderr.write(style.bad(`${many} in the configuration; nothing was started.\n`))
}

export interface Addresses {
  readonly listen: ListenAddress
  readonly admin: ListenAddress | undefined
}

/** What keeps the gateway from starting, for a person, where it is the machine and not us; undefined for anything else. */
export function startProblem(thrown: unknown, addresses: Addresses): { readonly text: string; readonly code: ExitCode } | undefined {
  const { code, syscall, path, port, address } = (thrown ?? {}) as NodeJS.ErrnoException & {
    readonly port?: number
    readonly address?: string
  }
  if (code === undefined) return undefined
  if (syscall === 'listen' || syscall === 'getaddrinfo')
    return { text: addressProblem(code, addresses, { port, address }), code: exit.address }
  if (path === undefined) return undefined
  const reason = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'may not be written by this user' : `cannot be used (${code})`
  return { text: `${path} ${reason}. Check \`stateDir\` and its permissions.`, code: exit.preflight }
}

/** A front door at the same port of another address would have been named first. */
function addressProblem(
  code: string,
  { listen, admin }: Addresses,
  failed: { readonly port: number | undefined; readonly address: string | undefined },
): string {
  const isAdmin = admin !== undefined && (isSocketFile(admin) ? failed.address === admin.path : isAt(admin, failed.port, listen))
  const where = isAdmin ? admin : listen
  const address = formatAddress(where)
  const choose = isAdmin ? 'with `admin.listen`' : 'with --listen'
  if (isSocketFile(where)) return socketProblem(code, address, choose)
  if (code === 'EADDRINUSE') {
    const another = isAdmin ? 'for the admin door with `admin.listen`' : 'for example --listen 127.0.0.1:0 for a free port'
    return `${address} is in use by another program. Stop it, or choose another address, ${another}.`
  }
  if (code === 'EACCES') return `${address} may not be listened on by this user. Choose a port above 1023 ${choose}.`
  return `${address} is no address of this machine (${code}). Choose another ${choose}.`
}

function isAt({ port }: NetworkAddress, failed: number | undefined, listen: ListenAddress): boolean {
  return failed === port && (isSocketFile(listen) || failed !== listen.port)
}

function socketProblem(code: string, address: string, choose: string): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'is listened on by another program. Stop it, or choose another path',
    EEXIST: 'is a file that is no socket, and is left alone. Remove it, or choose another path',
    ENOENT: 'is in a folder that is not there. Make it, or choose another path',
    EACCES: 'may not be made or asked by this user. Check the permissions of its folder, or choose another path',
    EPERM: 'may not be made or asked by this user. Check the permissions of its folder, or choose another path',
  }
  return `${address} ${reasons[code] ?? `cannot be listened on (${code}). Choose another path`} ${choose}.`
}
