// `npm run conformance`: the official suite through the gateway. As a server it stands in front of the fixture, in every combination of
// client era, server era, transport and mount; as a client it calls the suite's own servers. Prints a table, ends with one line of totals;
// `--fast` runs one mount per combination. A check that passes without the gateway must pass through it, unless
// test/conformance/expected.json names it with a reason; an expected failure that passes is stale and fails too.
// `--only=TEXT` runs the rows with that text in their name, `--verbose` keeps the suite's output. SIGNALBOX_MAIN is the gateway's main.js.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { authorizationSuite, freePort } from './conformance-authorization.mjs'

const root = new URL('..', import.meta.url).pathname
const version = '0.2.0-alpha.12'
const revisions = ['2025-11-25', '2026-07-28']
const home = join(root, '.cache', 'conformance')
const fixture = join(root, 'test', 'peers', 'fixture', 'server.mjs')
const driver = join(root, 'scripts', 'conformance-client.mjs')
const main = process.env.SIGNALBOX_MAIN ?? join(root, 'dist', 'main.js')
const fast = process.argv.includes('--fast')
const verbose = process.argv.includes('--verbose')
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice(7)
const folder = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'))
const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

const suiteHome = join(home, 'node_modules', '@modelcontextprotocol', 'conformance')
const suite = join(suiteHome, 'dist', 'index.js')
const node22 = join(home, 'node_modules', '.bin', 'node')

/** The suite needs Node 22; a private one comes from npm. */
function install() {
  if (existsSync(suite) && JSON.parse(readFileSync(join(suiteHome, 'package.json'), 'utf8')).version === version) return
  console.error('Installing the conformance suite and a Node 22 for it …')
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'conformance', private: true }))
  const done = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--loglevel=error', 'node@22', `@modelcontextprotocol/conformance@${version}`],
    { cwd: home, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' },
  )
  if (done.status !== 0) throw new Error('npm could not install the conformance suite')
}

/** Starts a program that prints one line of JSON. */
function start(args, env = {}) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', verbose ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env },
  })
  children.add(child)
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve({ ...JSON.parse(text.split('\n')[0]), stop: () => stop(child) })
    })
    child.on('exit', (code) => {
      children.delete(child)
      reject(new Error(`${args.join(' ')} ended with ${code}`))
    })
  })
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  return ended
}

async function ready(admin) {
  for (let i = 0; i < 600; i += 1) {
    const answer = await fetch(`${admin}/admin/v1/upstreams`)
      .then((r) => r.text())
      .catch(() => '')
    if (/"state":\s*"ready"/.test(answer)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the gateway did not get ready')
}

let runs = 0

/** Runs the suite; resolves to `scenario:check` -> {passed, failed, warned}. */
function runSuite(role, args, name, env = {}) {
  runs += 1
  const results = join(folder, `run-${runs}`)
  const child = spawn(node22, [suite, role, ...args, '-o', results], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  children.add(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk
    })
  }
  return new Promise((resolve) => {
    child.on('close', () => {
      children.delete(child)
      if (verbose) writeFileSync(join(tmpdir(), `conformance-${name.replaceAll(/[^\w.-]+/g, '_')}.txt`), text)
      resolve(readResults(results, role))
    })
  })
}

function readResults(results, role) {
  const checks = new Map()
  const found = existsSync(results) ? readdirSync(results, { recursive: true }).filter((path) => path.endsWith('/checks.json')) : []
  for (const entry of found.map((path) => path.slice(0, -'/checks.json'.length))) {
    const scenario = entry.replace(new RegExp(`^${role}-`), '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
    for (const { id, status } of JSON.parse(readFileSync(join(results, entry, 'checks.json'), 'utf8'))) {
      const key = `${scenario}:${id}`
      const found = checks.get(key) ?? { passed: 0, failed: 0, warned: 0 }
      if (status === 'SUCCESS') found.passed += 1
      else if (status === 'FAILURE') found.failed += 1
      else if (status === 'WARNING') found.warned += 1
      checks.set(key, found)
    }
  }
  return checks
}

/** Scenarios of extensions that stand on no revision's list: skills (SEP-2640), in the wire form of either. */
const extensionScenarios = {
  server: ['sep-2640-skills-enumeration', 'sep-2640-skills-manifest', 'sep-2640-skills-directory'],
  client: ['no-prefetch', 'verify-digest', 'verify-size', 'verify-frontmatter'].map((name) => `sep-2640-client-${name}`),
}

/** All that a server is asked in the wire form of a revision. */
async function runServer(url, revision, name) {
  const checks = await runSuite('server', ['--url', url, '--requirements', revision], name)
  for (const scenario of extensionScenarios.server) {
    const args = ['--url', url, '--scenario', scenario, '--spec-version', revision, '--force']
    for (const [key, check] of await runSuite('server', args, `${name} ${scenario}`)) checks.set(key, check)
  }
  return checks
}

const none = { passed: 0, failed: 0, warned: 0 }
const shown = ({ passed, failed, warned }) => `${passed} passed, ${failed} failed${warned > 0 ? `, ${warned} warned` : ''}`

/** What got lost between the two. */
function lost(before, now) {
  const found = new Map()
  for (const [key, was] of before) {
    const is = now.get(key) ?? none
    const worse = is.passed < was.passed || (was.failed === 0 && is.failed > 0)
    if (worse) found.set(key, `${shown(is)}; directly ${shown(was)}`)
  }
  for (const [key, is] of now) if (!before.has(key) && is.failed > 0) found.set(key, `${shown(is)}; directly it did not fail`)
  return found
}

/** What is not good by itself. */
function bad(now) {
  const found = new Map()
  for (const [key, is] of now) if (is.failed > 0 || is.warned > 0) found.set(key, shown(is))
  return found
}

const expected = JSON.parse(readFileSync(join(root, 'test', 'conformance', 'expected.json'), 'utf8'))

/** The excuses of a row; `*` in a key stands for any one word. */
function excusesOf(key) {
  const words = key.split(' ')
  const fits = (pattern) => pattern.split(' ').every((word, i) => word === '*' || word === words[i])
  return Object.assign({}, ...Object.entries(expected).flatMap(([pattern, reasons]) => (fits(pattern) ? [reasons] : [])))
}

function judge({ name, key }, now, found) {
  const excuses = excusesOf(key)
  const problems = [...found].filter(([check]) => excuses[check] === undefined).map(([check, what]) => `${check}: ${what}`)
  for (const check of Object.keys(excuses)) if (!found.has(check)) problems.push(`${check}: listed as an expected failure, but it passes`)
  if (now.size === 0) problems.push('the suite did not run')
  let passed = 0
  for (const one of now.values()) passed += one.passed
  return { name, passed, excused: Object.keys(excuses).length, problems }
}

const baselines = new Map()

/** What the fixture passes directly. */
function baseline(client) {
  const found = baselines.get(client) ?? measure(client)
  baselines.set(client, found)
  return found
}

async function measure(client) {
  const peer = await start([fixture, '--http'])
  const found = await runServer(`http://localhost:${peer.port}/mcp`, client, `${client} direct`)
  await peer.stop()
  return found
}

function serverRows() {
  const rows = []
  for (const client of revisions) {
    for (const server of ['legacy', 'modern']) {
      for (const transport of ['http', 'stdio']) {
        for (const mount of ['/mcp/fixture', '/mcp']) {
          if (fast && (mount === '/mcp') !== (transport === 'stdio')) continue
          const name = `${client} -> ${server} over ${transport}, ${mount}`
          const row = { name, key: `${client} ${server} ${transport}` }
          rows.push({ ...row, run: () => asServer(row, client, server, transport, mount) })
        }
      }
    }
  }
  return rows
}

async function asServer(row, client, server, transport, mount) {
  const before = await baseline(client)
  // A fixture of its own: what one run changes in its lists is no news to another.
  const peer = transport === 'http' ? await start([fixture, '--http']) : undefined
  const upstream =
    peer === undefined
      ? // It asks its clients, so its process is told what those who use it can be asked (ADR 20).
        { command: process.execPath, args: [fixture, '--stdio'], env: { FIXTURE_ERA: server }, interactive: 'yes' }
      : { url: `http://127.0.0.1:${peer.port}/mcp` }
  const config = join(mkdtempSync(join(folder, 'gateway-')), 'signalbox.yaml')
  const servers = { fixture: { ...upstream, era: server, bareNames: true } }
  writeFileSync(config, JSON.stringify({ listen: '127.0.0.1:0', stateDir: 'off', servers, log: { calls: false } }))
  const gateway = await start([main, 'up', '--config', config])
  await ready(gateway.admin)
  const now = await runServer(`http://localhost:${gateway.port}${mount}`, client, row.name)
  await gateway.stop()
  await peer?.stop()
  return judge(row, now, lost(before, now))
}

/** All scenarios, required or not. */
function clientScenarios(revision) {
  const required = parse(readFileSync(join(suiteHome, 'requirements', `${revision}.yaml`), 'utf8'))
  const others = required.not_scored.filter(({ leg }) => leg === 'client').map(({ scenario }) => scenario)
  return [...required.client, ...others]
}

function clientRows() {
  return revisions.map((revision) => {
    const row = { name: `client role, ${revision}`, key: `client ${revision}` }
    return { ...row, run: () => asClient(row, revision) }
  })
}

async function asClient(row, revision) {
  const now = new Map()
  const command = `${process.execPath} ${driver}`
  for (const scenario of [...clientScenarios(revision), ...extensionScenarios.client]) {
    const args = ['--command', command, '--scenario', scenario, '--spec-version', revision, '--force']
    const checks = await runSuite('client', args, `${row.name} ${scenario}`, { SIGNALBOX_MAIN: main })
    if (checks.size === 0) checks.set(`${scenario}:run`, { passed: 0, failed: 1, warned: 0 })
    for (const [key, check] of checks) now.set(key, check)
  }
  return judge(row, now, bad(now))
}

function authorizationRow() {
  const row = { name: 'authorization server role', key: 'authorization' }
  return { ...row, run: () => asAuthorizationServer(row) }
}

async function asAuthorizationServer(row) {
  const home = mkdtempSync(join(folder, 'gateway-'))
  const config = join(home, 'signalbox.yaml')
  // It has to be known where the link of its first operator leads.
  const base = `http://127.0.0.1:${await freePort()}`
  const { host: listen } = new URL(base)
  const auth = { callers: ['oauth'] }
  const settings = { listen, admin: { listen: 'off' }, stateDir: join(home, 'state'), auth, servers: {}, log: { calls: false } }
  writeFileSync(config, JSON.stringify(settings))
  const gateway = await start([main, 'up', '--config', config])
  const results = join(home, 'results')
  const onText = (text) => verbose && process.stderr.write(text)
  await authorizationSuite({ command: [node22, suite], main, config, base, results, env: process.env, onText })
  await gateway.stop()
  const now = readResults(results, 'authorization')
  return judge(row, now, bad(now))
}

install()
const rows = [...serverRows(), ...clientRows(), authorizationRow()].filter(({ name }) => only === undefined || name.includes(only))
const done = []
const waiting = [...rows]
async function work() {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    const result = await row.run()
    done.push(result)
    const { name, passed, excused, problems } = result
    console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${passed} checks passed${excused > 0 ? `, ${excused} excused` : ''}`)
    for (const problem of problems) console.log(`       ${problem}`)
  }
}
// Scenarios mostly wait.
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))
const sum = (of) => done.reduce((total, row) => total + of(row), 0)
const good = done.filter(({ problems }) => problems.length === 0).length
console.log(`${done.length} combinations, ${sum((row) => row.passed)} checks passed, ${sum((row) => row.excused)} excused with a reason`)
console.log(`${good} passed, ${done.length - good} failed`)
process.exit(good === done.length && done.length > 0 ? 0 : 1)
