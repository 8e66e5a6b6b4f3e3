// `npm run conformance`: the official suite through the gateway, in front of the fixture server, in every combination of client era,
// server era, transport and mount. Prints a table, ends with one line of totals; `--fast` runs one mount per combination over HTTP.
// A scenario that the fixture passes directly must pass through the gateway, unless test/conformance/expected.json names it with a reason;
// an expected failure that passes is stale and fails too.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const version = '0.2.0-alpha.12'
const home = join(root, '.cache', 'conformance')
const fixture = join(root, 'test', 'peers', 'fixture', 'server.mjs')
const main = process.env.SIGNALBOX_MAIN ?? join(root, 'dist', 'main.js')
const fast = process.argv.includes('--fast')
const verbose = process.argv.includes('--verbose')
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice(7)
const folder = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'))
const children = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

/** The suite needs Node 22; a private one comes from npm. */
function install() {
  const suite = join(home, 'node_modules', '@modelcontextprotocol', 'conformance')
  if (existsSync(suite) && JSON.parse(readFileSync(join(suite, 'package.json'), 'utf8')).version === version) return
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

const node22 = join(home, 'node_modules', '.bin', 'node')
const suite = join(home, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js')

/** Starts a program that prints one line of JSON. */
function start(args, env = {}) {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', verbose ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env },
  })
  children.push(child)
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve({ ...JSON.parse(text.split('\n')[0]), child })
    })
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
  })
}

async function ready(port) {
  for (let i = 0; i < 200; i += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`)
      .then((r) => r.text())
      .catch(() => '')
    if (/"state":\s*"ready"/.test(answer)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the gateway did not get ready')
}

/** Runs the suite; resolves to scenario -> {passed, failed} and what was not scored. */
function run(url, requirements, scenario) {
  const args = [
    suite,
    'server',
    '--url',
    url,
    ...(scenario === undefined ? ['--requirements', requirements] : ['--spec-version', requirements, '--scenario', scenario]),
  ]
  return new Promise((resolve) => {
    const child = spawn(node22, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    child.on('close', () => {
      const scenarios = new Map()
      for (const [, name, passed, failed] of text.matchAll(/[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/g))
        scenarios.set(name, { passed: Number(passed), failed: Number(failed) })
      resolve({ scenarios, text })
    })
  })
}

install()
const expected = JSON.parse(readFileSync(join(root, 'test', 'conformance', 'expected.json'), 'utf8'))
const direct = await start([fixture, '--http'])
const baseline = new Map()
for (const client of ['2025-11-25', '2026-07-28'])
  baseline.set(client, (await run(`http://localhost:${direct.port}/mcp`, client)).scenarios)

const combinations = []
for (const client of ['2025-11-25', '2026-07-28']) {
  for (const server of ['legacy', 'modern']) {
    for (const transport of ['http', 'stdio']) {
      for (const mount of ['/mcp/fixture', '/mcp']) {
        if (fast && (mount === '/mcp') !== (transport === 'stdio')) continue
        combinations.push({
          client,
          server,
          transport,
          mount,
          key: `${client} ${server} ${transport}`,
          name: `${client} -> ${server} over ${transport}, ${mount}`,
        })
      }
    }
  }
}

const rows = []
let bad = 0
for (const combination of combinations.filter((one) => only === undefined || one.name.includes(only))) {
  const { client, server, transport, mount, key, name } = combination
  const upstream =
    transport === 'http'
      ? { url: `http://127.0.0.1:${direct.port}/mcp`, era: server }
      : { command: process.execPath, args: [fixture, '--stdio'], env: { FIXTURE_ERA: server }, era: server }
  const config = join(folder, 'signalbox.yaml')
  writeFileSync(
    config,
    JSON.stringify({ listen: '127.0.0.1:0', servers: { fixture: { ...upstream, bareNames: true } }, log: { calls: false } }),
  )
  const gateway = await start([main, 'up', '--config', config])
  await ready(gateway.port)
  const { scenarios, text } = await run(`http://localhost:${gateway.port}${mount}`, client)
  gateway.child.kill('SIGTERM')
  if (verbose) writeFileSync(join(tmpdir(), `conformance-${name.replaceAll(/[^\w.-]+/g, '_')}.txt`), text)
  const excused = { ...expected[key] }
  const problems = []
  let passed = 0
  let failed = 0
  for (const [scenario, before] of baseline.get(client)) {
    const now = scenarios.get(scenario) ?? { passed: 0, failed: 1 }
    passed += now.passed
    failed += now.failed
    const worse = before.failed === 0 ? now.failed > 0 || now.passed < before.passed : now.passed < before.passed
    if (worse && excused[scenario] === undefined)
      problems.push(`${scenario}: ${now.passed}/${now.failed}, directly ${before.passed}/${before.failed}`)
    if (!worse && excused[scenario] !== undefined) problems.push(`${scenario}: listed as an expected failure, but it passes`)
  }
  bad += problems.length
  rows.push({ name, passed, failed, excused: Object.keys(excused).length, problems })
  console.log(
    `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}: ${passed} checks passed, ${failed} failed${failed > 0 ? ' (as directly, or expected)' : ''}`,
  )
  for (const problem of problems) console.log(`       ${problem}`)
}
const checks = rows.reduce((sum, row) => sum + row.passed, 0)
console.log(
  `${rows.length} combinations, ${checks} checks passed, ${rows.reduce((sum, row) => sum + row.excused, 0)} scenarios excused with a reason`,
)
console.log(
  `${rows.filter((row) => row.problems.length === 0).length} passed, ${rows.filter((row) => row.problems.length > 0).length} failed`,
)
process.exit(bad === 0 && rows.length > 0 ? 0 : 1)
