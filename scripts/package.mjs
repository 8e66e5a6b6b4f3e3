// `npm run package`: makes the tarball that is published, and shows that it works where nothing else is: installed into an empty folder
// without a registry and without scripts, it serves, and a tool of a real server is called through it.
//   node scripts/package.mjs [--out FOLDER] [--with NODE]… [--json]
// `--out`: where the tarball is left (default: the root of the repository); `--with`: another Node.js to show it on, beside the one that
// runs this. Exit code 1 where anything is not as it says.
import { execFileSync, spawn } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { installScripts, stage } from './package/stage.mjs'
import { build, install, requireNode, root } from './set-up.mjs'

/** What the installed package may take of a disk, in bytes. */
const largest = 60_000_000
/** For one step, in ms; the longest takes a few seconds. */
const patienceMs = 120_000

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: root },
    with: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
})

requireNode()
await install()
await build()
const work = mkdtempSync(join(tmpdir(), 'signalbox-package-'))
try {
  const report = await makeAndTry()
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : asText(report))
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function makeAndTry() {
  const staged = folder('staged')
  stage(staged)
  const out = resolve(values.out)
  mkdirSync(out, { recursive: true })
  const [packed] = JSON.parse(npm(staged, 'pack', '--json', '--pack-destination', out))
  const tarball = join(out, packed.filename)

  const empty = folder('installed')
  writeFileSync(join(empty, 'package.json'), '{"private":true}\n')
  npm(empty, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball)
  const bytes = onDisk(join(empty, 'node_modules'))
  const scripts = installScripts(empty)
  if (scripts.length > 0) fail(`These packages run something when they are installed: ${scripts.join(', ')}`)
  if (bytes > largest) fail(`The installed package takes ${megabytes(bytes)} MB; at most ${megabytes(largest)} are allowed.`)

  const shown = npm(folder('npx'), 'exec', '--offline', '--yes', `--package=${tarball}`, '--', 'signalbox', '--version').trim()
  if (shown !== packed.version) fail(`npx says ${shown}, the package is ${packed.version}.`)

  const tried = []
  for (const node of [process.execPath, ...values.with]) tried.push(await serve(empty, resolve(node)))
  const files = packed.files.map(({ path }) => path)
  return { tarball, tarballBytes: packed.size, installedBytes: bytes, version: packed.version, files, nodes: tried }
}

/** Starts the installed gateway with a server of the package, calls a tool of it, and ends it by SIGTERM. Resolves to what was seen. */
async function serve(installed, node) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const cwd = folder(`serving-${version}`)
  const server = join(installed, 'node_modules', 'signalbox', 'examples', 'modern-server', 'server.mjs')
  const config = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, servers: { harbour: { command: node, args: [server] } } }
  // JSON is YAML.
  writeFileSync(join(cwd, 'signalbox.yaml'), JSON.stringify(config))
  const program = join(installed, 'node_modules', 'signalbox', 'dist', 'main.js')
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
  const gateway = spawn(node, [program, 'up'], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: patienceMs, killSignal: 'SIGKILL' })
  let said = ''
  gateway.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ended = new Promise((done) => gateway.on('close', (code) => done(code)))
  try {
    const url = await addressOf(gateway, () => said)
    const called = execFileSync(node, [program, 'call', 'harbour__next-ticket', '--url', url], {
      cwd,
      env,
      encoding: 'utf8',
      timeout: patienceMs,
    }).trim()
    gateway.kill('SIGTERM')
    const code = await ended
    if (code !== 0) fail(`On Node.js ${version} the gateway ended with ${code}:\n${said}`)
    return { version, called }
  } finally {
    gateway.kill('SIGKILL')
  }
}

/** From the line that says it to programs. */
async function addressOf(gateway, said) {
  let all = ''
  for await (const line of createInterface({ input: gateway.stdout })) {
    all += `${line}\n`
    if (!line.startsWith('{"listening"')) continue
    return JSON.parse(line).listening
  }
  fail(`The installed gateway did not start:\n${all}${said()}`)
}

/** Without what an outer npm would hand on, and with a cache of its own: what is shown does not rest on what this machine has. */
function npm(cwd, ...args) {
  const kept = Object.entries(process.env).filter(([key]) => !/^npm_/i.test(key) && key !== 'NODE_OPTIONS')
  const env = { ...Object.fromEntries(kept), npm_config_cache: join(work, 'cache'), npm_config_update_notifier: 'false' }
  const outer = process.env.npm_execpath
  const [command, first] = outer?.endsWith('js') ? [process.execPath, [outer]] : ['npm', []]
  return execFileSync(command, [...first, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
    timeout: patienceMs,
  })
}

function folder(name) {
  const path = join(work, name)
  mkdirSync(path)
  return path
}

/** As `du` counts: whole blocks. */
function onDisk(path) {
  const { blocks = 0 } = lstatSync(path)
  const below = lstatSync(path).isDirectory() ? readdirSync(path).map((name) => onDisk(join(path, name))) : []
  return below.reduce((sum, one) => sum + one, blocks * 512)
}

function asText({ tarball, tarballBytes, installedBytes, nodes }) {
  const served = nodes.map(({ version, called }) => `Node.js ${version}: ${called.split('\n')[0]}\n`)
  return `${tarball}: ${megabytes(tarballBytes)} MB, installed ${megabytes(installedBytes)} MB, no scripts\n${served.join('')}`
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1)
}

function fail(sentence) {
  throw new Error(sentence)
}
