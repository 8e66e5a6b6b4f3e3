// Makes a checkout ready to run: the right Node.js, installed dependencies, a fresh dist/. Does only what is needed, says what takes
// longer than two seconds, and uses nothing but Node.js itself, since it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Ends the process with a clear sentence where this Node.js is too old. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 20)) return
  fail(
    `Signalbox needs Node.js 20.20 or newer; this is ${process.versions.node}. Install a newer one from https://nodejs.org and try again.`,
  )
}

/** Installs what package-lock.json names, if anything of it is missing or of another version. */
export async function install() {
  if (isInstalled()) return
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', '--no-progress']
  const [command, commandArgs] = npm?.endsWith('js') ? [process.execPath, [npm, ...args]] : ['npm', args]
  await step('Installing dependencies (about half a minute)', command, commandArgs)
}

/** Builds dist/ if the sources are not those that it was built from. `lenient`: type errors are for another command to tell. */
export async function build({ lenient = false } = {}) {
  const stamp = join(root, 'dist', '.sources')
  const sources = hashSources()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return
  const fresh = join(root, 'node_modules', `.signalbox-build-${process.pid}`)
  const compiler = join(root, 'node_modules', 'typescript7', 'bin', 'tsc')
  try {
    const args = [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', fresh]
    await step('Building', process.execPath, args, lenient ? () => existsSync(join(fresh, 'main.js')) : undefined)
    await step('Bundling', process.execPath, [join(root, 'scripts', 'bundle.mjs'), fresh])
    chmodSync(join(fresh, 'main.js'), 0o755)
    writeFileSync(join(fresh, '.sources'), sources)
    swap(fresh)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** A process that runs from the old dist/ keeps its files until it has loaded the next one; the gap is two renames. */
function swap(fresh) {
  const dist = join(root, 'dist')
  const old = `${fresh}.old`
  try {
    mkdirSync(dist, { recursive: true })
    renameSync(dist, old)
    renameSync(fresh, dist)
  } catch (error) {
    // Another build of the same sources was quicker.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error
  }
  rmSync(old, { recursive: true, force: true })
}

function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.link || entry.optional || entry.devOptional || entry.peer) return true
    return present[path]?.version === entry.version && existsSync(join(root, path, 'package.json'))
  })
}

function hashSources() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0])
  const files = [
    join(root, 'tsconfig.json'),
    join(root, 'tsconfig.build.json'),
    join(root, 'package-lock.json'),
    join(root, 'scripts', 'bundle.mjs'),
    join(root, 'scripts', 'package', 'external.mjs'),
    ...filesIn(join(root, 'src')),
  ]
  for (const file of files) hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function filesIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesIn(path)
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : []
  })
}

/** Runs a command; its output is shown only if it fails. `forgive` may call a failure none. */
async function step(title, command, args, forgive) {
  const began = Date.now()
  const elapsed = () => Math.round((Date.now() - began) / 1000)
  // On a terminal one line counts up; elsewhere a new line now and then shows that it goes on.
  const again = process.stderr.isTTY ? 1 : 10
  let told = 0
  const ticker = setInterval(() => {
    const now = elapsed()
    if (now < 2 || (told > 0 && now - told < again)) return
    process.stderr.write(process.stderr.isTTY ? `\r${title} … ${now} s` : `${title} … ${now} s\n`)
    told = now
  }, 500)
  let output = ''
  const code = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: quiet(process.env) })
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => {
      output += error.message
      resolve(1)
    })
    child.on('close', resolve)
  })
  clearInterval(ticker)
  if (told > 0 && process.stderr.isTTY) process.stderr.write('\n')
  if (code !== 0 && forgive?.() !== true) {
    process.stderr.write(output)
    fail(`${title} failed.`)
  }
  if (told > 0) process.stderr.write(`${title}: done in ${elapsed()} s\n`)
}

/** npm hands its own settings on to its scripts; an inner npm would warn about them. */
function quiet(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([key]) => !key.startsWith('npm_config_') || key === 'npm_config_registry' || key === 'npm_config_cache'),
  )
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
