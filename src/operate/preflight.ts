// Looks, before anything is started, whether this machine has what the configuration names: programs, folders, files (R74, R75); and
// whether what it plans may not be meant so.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path'
import type { Settings } from '../assembly/settings.ts'
import { sandboxLack } from '../upstream/index.ts'
import type { Lack } from './lack.ts'
import { versionDoubts } from './version-doubts.ts'

export type { Lack } from './lack.ts'

type Server = Settings['servers'][string]

/**
 * Everything that is lacking, of enabled servers. `settings` have absolute `cwd`s, as loading leaves them; `toBeMade` is a folder that the start
 * makes, `files` those of the configuration.
 */
export function preflight(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  toBeMade?: string,
  files: readonly string[] = [],
): Lack[] {
  const hidden = [...(settings.stateDir === undefined ? [] : [settings.stateDir]), ...files]
  const lacking = Object.entries(settings.servers)
    .filter(([, server]) => server.enabled && server.command !== undefined)
    .flatMap(([name, server]) =>
      [...inspect(server, env, toBeMade), ...confinement(server, hidden, env)].map((lack) => ({
        ...lack,
        server: name,
        key: `servers.${name}.${lack.key}`,
      })),
    )
  return [...lacking, ...versionDoubts(settings)]
}

type Found = Omit<Lack, 'server'>

function confinement(server: Server, hidden: readonly string[], env: Readonly<Record<string, string | undefined>>): Found[] {
  const { sandbox, command = '', args, cwd } = server
  const lack = sandbox && sandboxLack({ sandbox, command, args, cwd, hidden }, server.env.PATH ?? env.PATH ?? '')
  return lack === undefined ? [] : [failure(lack.key, lack.what, lack.mend)]
}

function inspect(server: Server, env: Readonly<Record<string, string | undefined>>, toBeMade: string | undefined): Found[] {
  const cwd = server.cwd ?? '.'
  const found: Found[] = []
  const folder = kindOf(cwd)
  if (folder !== 'folder') {
    found.push(
      failure('cwd', `the folder ${cwd} ${folder === 'none' ? 'does not exist' : 'is no folder'}`, 'create it or correct the path'),
    )
  }
  const program = findProgram(server.command ?? '', cwd, server.env.PATH ?? env.PATH ?? '')
  if (program !== undefined) found.push(failure('command', program, mendFor(server.command ?? '')))
  found.push(...inspectArguments(server, cwd))
  for (const [name, value] of Object.entries(server.env)) {
    if (
      isAbsolute(value) &&
      !value.includes(delimiter) &&
      !existsSync(value) &&
      !existsSync(dirname(value)) &&
      dirname(value) !== toBeMade
    ) {
      found.push(doubt(`env.${name}`, `neither ${value} nor its folder exists`, 'create it or correct the path'))
    }
  }
  return found
}

function inspectArguments(server: Server, cwd: string): Found[] {
  const found: Found[] = []
  const script = interpreters.has(stem(server.command ?? '')) ? server.args.findIndex((arg) => !arg.startsWith('-')) : -1
  for (const [index, arg] of server.args.entries()) {
    const key = `args.${index}`
    if (arg.startsWith('~/') || arg === '~') {
      found.push(failure(key, `${arg} stays as it is: there is no shell that would expand ~`, `write \${dir:home}${arg.slice(1)}`))
      continue
    }
    const isScript = index === script && /\.(c|m)?[jt]sx?$|\.pyz?$|\.rb$|\.sh$/.test(arg)
    if (!isScript && !isAbsolute(arg)) continue
    if (existsSync(resolve(cwd, arg))) continue
    // The value of an option may be a file that the server is to create.
    const certain = isScript || !(server.args[index - 1] ?? '').startsWith('-')
    found.push((certain ? failure : doubt)(key, `${resolve(cwd, arg)} does not exist`, 'create it or correct the path'))
  }
  return found
}

/** What is wrong with the program, or undefined. */
function findProgram(command: string, cwd: string, path: string): string | undefined {
  if (command.includes('/') || command.includes('\\')) {
    const full = resolve(cwd, command)
    if (kindOf(full) !== 'file') return `the program ${full} does not exist`
    return isExecutable(full) ? undefined : `the file ${full} may not be executed`
  }
  const extensions = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : ['']
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  const there = folders
    .flatMap((folder) => extensions.map((extension) => join(folder, command + extension)))
    .filter((file) => kindOf(file) === 'file')
  if (there.length === 0) return `the program ${command} is not on the PATH`
  return there.some(isExecutable) ? undefined : `the file ${there[0]} may not be executed`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function kindOf(path: string): 'file' | 'folder' | 'none' {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 'none'
  return stat.isDirectory() ? 'folder' : 'file'
}

function stem(command: string): string {
  return basename(command)
    .replace(/\.exe$/i, '')
    .replace(/[\d.]+$/, '')
}

const interpreters = new Set(['node', 'python', 'bun', 'deno', 'ruby', 'sh', 'bash'])

function mendFor(command: string): string {
  const known: Readonly<Record<string, string>> = {
    npx: 'install Node.js, or give the full path of npx',
    node: 'install Node.js, or give the full path of node',
    uvx: 'install uv (https://docs.astral.sh/uv), or give the full path of uvx',
    uv: 'install uv (https://docs.astral.sh/uv), or give the full path of uv',
    docker: 'install Docker, or give the full path of docker',
    python: 'install Python, or use python3',
  }
  return known[command] ?? (command.includes('/') ? 'correct the path, or run chmod +x on it' : 'install it, or give its full path')
}

function failure(key: string, what: string, mend: string): Found {
  return { key, what, mend, severity: 'failure' }
}

function doubt(key: string, what: string, mend: string): Found {
  return { key, what, mend, severity: 'doubt' }
}
