// Confines a child by bubblewrap (bwrap(1)): it sees the programs of the system, its own program and the files that it is given, none of the
// gateway's, no other process and no network. Where that cannot be had the child is not started at all.
import { existsSync, realpathSync, statSync } from 'node:fs'
import { delimiter, dirname, extname, isAbsolute, join, resolve, sep } from 'node:path'
import type { SandboxSettings } from '../settings.ts'
import { withoutSockets } from './sandbox-filter.ts'

export interface Confinement {
  readonly sandbox: SandboxSettings
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string | undefined
  /** Files and folders of the gateway that no child may see: its state, its configuration, its secrets. */
  readonly hidden: readonly string[]
}

/** What is to be started in place of the command. */
export interface Confined {
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Handed in at descriptor 3, which the arguments name. */
  readonly filter: Buffer | undefined
}

/** Why a child cannot be confined as its settings say: which key, what is wrong, what mends it. */
export interface SandboxLack {
  readonly key: string
  readonly what: string
  readonly mend: string
}

/** What programs of any language need of a system, without what people and services keep there. */
const systemPaths = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix/store'],
  ...['/etc/alternatives', '/etc/ca-certificates', '/etc/crypto-policies', '/etc/fonts', '/etc/group', '/etc/hosts', '/etc/ld.so.cache'],
  ...['/etc/ld.so.conf', '/etc/ld.so.conf.d', '/etc/locale.alias', '/etc/localtime', '/etc/mime.types', '/etc/nsswitch.conf'],
  ...['/etc/os-release', '/etc/passwd', '/etc/pki', '/etc/protocols', '/etc/resolv.conf', '/etc/services', '/etc/ssl', '/etc/timezone'],
]

const scripts = new Set(['.js', '.mjs', '.cjs', '.ts', '.py', '.rb', '.sh', '.pl'])
const filterDescriptor = 3

/** The first thing that is in the way; undefined where nothing is. `path`: the PATH of the child. */
export function sandboxLack(confinement: Confinement, path: string): SandboxLack | undefined {
  const { sandbox, command, args, hidden } = confinement
  if (process.platform !== 'linux') {
    return {
      key: 'sandbox',
      what: `${process.platform} has no bubblewrap, which confines the child`,
      mend: 'run the gateway on Linux, or leave `sandbox` out',
    }
  }
  if (bubblewrap() === undefined) {
    return {
      key: 'sandbox',
      what: 'the program bwrap, which confines the child, is not on the PATH of the gateway',
      mend: 'install bubblewrap (Debian, Fedora, Alpine: bubblewrap), or leave `sandbox` out',
    }
  }
  if (sandbox.network === 'none' && withoutSockets() === undefined) {
    return { key: 'sandbox.network', what: `\`none\` cannot be enforced on ${process.arch}`, mend: 'write `loopback`' }
  }
  for (const [index, file] of sandbox.files.entries()) {
    const key = `sandbox.files.${index}`
    if (realOf(file) === undefined) return { key, what: `${file} does not exist`, mend: 'create it or correct the path' }
    if (overlaps(file, hidden)) {
      return {
        key,
        what: `${file} holds files of the gateway itself, or lies among them`,
        mend: 'give a folder that is the server’s alone',
      }
    }
  }
  const cwd = resolve(confinement.cwd ?? '.')
  const program = programAt(command, cwd, path)
  // What is shown cannot be masked for long: a file that is replaced loses what lies over it.
  const own = program === undefined ? undefined : ownPaths(program, args, cwd).find((one) => overlaps(one, hidden))
  if (own === undefined) return undefined
  return {
    key: 'sandbox',
    what: `the server would see ${own}, where its program is, and files of the gateway are there`,
    mend: 'put the program into a folder of its own, apart from the configuration, its secrets and `stateDir`',
  }
}

/** `environment`: as the child would have it unconfined; `given`: what its settings say, which stays. Undefined: the command is not there. */
export function confine(
  confinement: Confinement,
  environment: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Confined | SandboxLack | undefined {
  const lack = sandboxLack(confinement, environment.PATH ?? '')
  if (lack !== undefined) return lack
  const { sandbox, command, args, hidden } = confinement
  const cwd = resolve(confinement.cwd ?? '.')
  const program = programAt(command, cwd, environment.PATH ?? '')
  if (program === undefined) return undefined

  const writable = sandbox.files.map((path) => resolve(path))
  const system = systemPaths.filter((path) => existsSync(path) && !overlaps(path, hidden))
  const readable = [...system, ...ownPaths(program, args, cwd)]
  const filter = sandbox.network === 'none' ? withoutSockets() : undefined
  return {
    command: bubblewrap() ?? 'bwrap',
    args: [
      // Of its own: users, processes, IPC, host name, control groups, network (of which the loopback device alone is there).
      ...['--unshare-user', '--unshare-all', '--cap-drop', 'ALL'],
      // In this order, since a later mount lies over an earlier.
      ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--dir', '/var/tmp', '--dir', '/run'],
      ...readable.flatMap((path) => ['--ro-bind', path, path]),
      ...writable.flatMap((path) => ['--bind', path, path]),
      ...['--chdir', [...readable, ...writable].some((path) => isIn(cwd, path)) ? cwd : '/tmp'],
      ...(filter === undefined ? [] : ['--seccomp', String(filterDescriptor)]),
      '--',
      command.includes('/') ? program : command,
      ...args,
    ],
    environment: {
      ...environment,
      ...(given.HOME === undefined ? { HOME: '/tmp' } : {}),
      ...(given.TMPDIR === undefined ? { TMPDIR: '/tmp' } : {}),
    },
    filter,
  }
}

/** What its command needs to run: the program, and the scripts, files and folders that its arguments name. They cannot be written. */
function ownPaths(program: string, args: readonly string[], cwd: string): string[] {
  const found = [dirname(program), homeOf(realpathSync(program))]
  for (const arg of args) {
    const isScript = scripts.has(extname(arg)) && !arg.startsWith('-')
    if (!isScript && !isAbsolute(arg)) continue
    const path = resolve(cwd, arg)
    const real = realOf(path)
    if (real === undefined || real === '/') continue
    found.push(isScript ? homeOf(path) : path)
    if (isScript && real !== path) found.push(homeOf(real))
  }
  return [...new Set(found)].filter((path) => path !== '/')
}

/** A script needs what lies beside it; of an installed package all that is installed with it. */
function homeOf(file: string): string {
  const parts = file.split(sep)
  const installed = parts.indexOf('node_modules')
  return installed === -1 ? dirname(file) : parts.slice(0, installed + 1).join(sep)
}

/** Whether the path holds one of these, or lies in one, by any name. */
function overlaps(path: string, hidden: readonly string[]): boolean {
  const names = [resolve(path), realOf(path) ?? resolve(path)]
  return hidden.some((one) => [one, realOf(one) ?? one].some((each) => names.some((name) => isIn(name, each) || isIn(each, name))))
}

function bubblewrap(): string | undefined {
  return programAt('bwrap', '/', process.env.PATH ?? '')
}

function programAt(command: string, cwd: string, path: string): string | undefined {
  const places = command.includes('/')
    ? [resolve(cwd, command)]
    : path.split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(resolve(cwd, folder), command)]))
  return places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true)
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
