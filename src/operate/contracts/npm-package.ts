// A server out of the npm registry, for a look at it: installed into a folder of its own with the npm of this machine, without the scripts
// of packages, and removed afterwards.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal } from '../../core/text/terminal.ts'

export interface Installed {
  /** `npm:name@version`, the version that is there now. */
  readonly identity: string
  readonly command: string
  readonly args: readonly string[]
  remove(): void
}

export interface InstallRequest {
  readonly name: string
  readonly version: string
  readonly args: readonly string[]
  /** Let packages run their scripts: some build what they need. */
  readonly allowScripts: boolean
  /** Beside what npm needs. */
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** Characters of what npm says that are told. */
const mostSaid = 600

/** A sentence where it cannot be had; then nothing is left behind. */
export async function installPackage(request: InstallRequest): Promise<Installed | string> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-npm-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  let installed: Installed | string
  try {
    // A package of its own, so that npm does not look for one above the folder.
    writeFileSync(join(folder, 'package.json'), '{"private": true}')
    const problem = await npm(folder, request)
    installed = problem ?? { ...programIn(folder, request), remove }
  } catch (thrown) {
    remove()
    if (thrown instanceof NoProgram) return thrown.message
    throw thrown
  }
  if (typeof installed === 'string') remove()
  return installed
}

class NoProgram extends Error {}

function npm(folder: string, { name, version, allowScripts, env: given, signal }: InstallRequest): Promise<string | undefined> {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']
  const args = ['install', ...(allowScripts ? [] : ['--ignore-scripts']), ...quiet, '--', `${name}@${version}`]
  return new Promise((done) => {
    if (signal.aborted) return done('it was interrupted')
    // In a group of its own: npm has children, and they end with it.
    const env = { ...Object.fromEntries(Object.entries(process.env).filter(([key]) => isForNpm(key))), ...given }
    const child = spawn('npm', args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    let said = ''
    child.stderr.on('data', (chunk) => {
      if (said.length < mostSaid) said += String(chunk)
    })
    const stop = (): void => {
      if (child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    signal.addEventListener('abort', stop)
    const ended = (problem: string | undefined): void => {
      signal.removeEventListener('abort', stop)
      done(signal.aborted ? 'it was interrupted' : problem)
    }
    child.once('error', (error) => ended(`npm cannot be run (${error.message}); it is needed to install ${name}`))
    child.once('close', (code) => {
      if (code === 0) return ended(undefined)
      ended(`npm could not install ${name}@${version}: ${forTerminal(said).trim().slice(0, mostSaid) || `it ended with ${String(code)}`}`)
    })
  })
}

/** Scripts of packages see it: of what a person has, what npm needs and no keys of services. */
function isForNpm(key: string): boolean {
  return needed.has(key.toUpperCase()) || /^npm_config_/i.test(key) || /^(LC_|NODE_EXTRA_CA)/.test(key) || /_PROXY$/i.test(key)
}

const needed: ReadonlySet<string> = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TERM', 'TMPDIR', 'TZ'])

function programIn(folder: string, { name, args }: InstallRequest): Omit<Installed, 'remove'> {
  const own = join(folder, 'node_modules', ...name.split('/'))
  const manifest: unknown = JSON.parse(textOf(join(own, 'package.json')))
  const { bin, version } = isObject(manifest) ? manifest : {}
  const path = binOf(name, bin)
  const file = resolve(own, path)
  if (!file.startsWith(`${own}/`)) throw new NoProgram(`the program of ${name} is not within it: ${path}`)
  const first = textOf(file).slice(0, 200).split('\n')[0] ?? ''
  const isNode = /\.[cm]?js$/.test(file) || /^#!.*\bnode\b/.test(first)
  const identity = `npm:${name}@${String(version)}`
  return isNode ? { identity, command: process.execPath, args: [file, ...args] } : { identity, command: file, args }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new NoProgram(`${basename(file)} of it is not there; a package that builds it in a script needs --allow-scripts`)
  }
}

/** As npx takes it: the only one, be it under several names, else the one of the name of the package. */
function binOf(name: string, bin: unknown): string {
  if (typeof bin === 'string') return bin
  const named = Object.entries(isObject(bin) ? bin : {}).filter((one): one is [string, string] => typeof one[1] === 'string')
  const short = name.split('/').at(-1)
  const isOne = new Set(named.map(([, path]) => path)).size === 1
  const found = isOne ? named[0] : named.find(([key]) => key === short)
  if (found !== undefined) return found[1]
  const why =
    named.length === 0 ? 'has no program (`bin`)' : `has several programs, none of its own name: ${named.map(([key]) => key).join(', ')}`
  throw new NoProgram(`${name} ${why}; install it and give stdio:program`)
}
