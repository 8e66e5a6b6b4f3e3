// The options that `up` and `stdio` share, and what happens with a configuration that cannot be used.
import { forTerminal } from '../../core/text/terminal.ts'
import { formatProblem, type Problem } from '../../platform/config/index.ts'
import { type Address, formatAddress } from '../configuration/address.ts'
import { type Loaded, load } from '../configuration/load.ts'
import { askInput, hasTerminal } from './ask.ts'
import { type ExitCode, exit } from './exit.ts'
import { styleFor } from './text.ts'

export interface SourceOptions {
  readonly config?: string
  readonly mcpJson?: string
  readonly listen?: string
  readonly profile?: string
}

/** Loads, or tells all problems on standard error and returns undefined. `ask`: standard input belongs to a person. */
export async function loadOrTell(options: SourceOptions, ask: boolean): Promise<Loaded | undefined> {
  const result = await load({
    config: options.config,
    mcpJson: options.mcpJson,
    listen: options.listen,
    profile: options.profile,
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
  readonly listen: Address
  readonly admin: Address | undefined
}

/** What keeps the gateway from starting, for a person, where it is the machine and not us; undefined for anything else. */
export function startProblem(thrown: unknown, addresses: Addresses): { readonly text: string; readonly code: ExitCode } | undefined {
  const { code, syscall, path, port } = (thrown ?? {}) as NodeJS.ErrnoException & { readonly port?: number }
  if (code === undefined) return undefined
  if (syscall === 'listen' || syscall === 'getaddrinfo') return { text: addressProblem(code, addresses, port), code: exit.address }
  if (path === undefined) return undefined
  const reason = code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'may not be written by this user' : `cannot be used (${code})`
  return { text: `${path} ${reason}. Check \`stateDir\` and its permissions.`, code: exit.preflight }
}

/** A front door at the same port of another address would have been named first. */
function addressProblem(code: string, { listen, admin }: Addresses, port: number | undefined): string {
  const isAdmin = admin !== undefined && port === admin.port && port !== listen.port
  const address = formatAddress(isAdmin ? admin : listen)
  const choose = isAdmin ? 'with `admin.listen`' : 'with --listen'
  if (code === 'EADDRINUSE') {
    const another = isAdmin ? 'for the admin door with `admin.listen`' : 'for example --listen 127.0.0.1:0 for a free port'
    return `${address} is in use by another program. Stop it, or choose another address, ${another}.`
  }
  if (code === 'EACCES') return `${address} may not be listened on by this user. Choose a port above 1023 ${choose}.`
  return `${address} is no address of this machine (${code}). Choose another ${choose}.`
}
