// `npm run bench`: all targets in one run, interleaved, medians of nine rounds. Prints a table with ratios to the floor, and to a further
// gateway where BENCH_PEER_URL names one (docs/performance.md).
// CPU is user and system time of the gateway process, all threads, per request (nanoseconds of /proc/PID/task/*/schedstat).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flavourOf, newToken } from './flavours.mjs'
import { load } from './load.mjs'
import { startNginx } from './nginx.mjs'
import { peerOf, peerTargets } from './peer.mjs'
import { cpuMs, median, pinLoad, rssMb, start, untilReady } from './processes.mjs'
import { listTools, openSession } from './rpc.mjs'
import { stageTimes } from './stages.mjs'

const here = new URL('.', import.meta.url).pathname
const main = join(here, '..', 'dist', 'main.js')
const rounds = Number(process.env.BENCH_ROUNDS ?? 9)
const windowMs = Number(process.env.BENCH_MS ?? 2_000)
/** Until the engine has made of the code what it will; 64 functions are optimised still in the six seconds after the first ten. */
const warmMs = Number(process.env.BENCH_WARM_MS ?? 12_000)
const connections = Number(process.env.BENCH_CONNECTIONS ?? 32)
const only = process.env.BENCH_ONLY?.split(',')
const peer = peerOf(process.env)

pinLoad()
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

async function signalbox(name, server, more = {}) {
  const config = join(folder, `${name}.yaml`)
  writeFileSync(
    config,
    JSON.stringify({ listen: '127.0.0.1:0', stateDir: join(folder, `${name}-state`), servers: { up: server }, ...more }),
  )
  const { port, pid, admin } = await start(1, [main, 'up', '--config', config])
  await untilReady(admin)
  return { port, pid, admin }
}

const upstream = await start(0, [join(here, 'upstream.mjs')])
const url = `http://127.0.0.1:${upstream.port}`
async function flavoured(name, server, flavour) {
  const { config, authorization } = await flavourOf(flavour)
  return { ...(await signalbox(name, server, config)), authorization }
}
const modernOf = async (name, flavour) => ({
  ...(await flavoured(name, { url: `${url}/mcp`, era: 'modern' }, flavour)),
  era: 'modern',
  path: '/mcp',
  tool: 'up__echo',
})
const legacyOf = async (name, flavour) => {
  const at = await flavoured(name, { url: `${url}/mcp`, era: 'legacy' }, flavour)
  const credential = at.authorization === undefined ? {} : { authorization: at.authorization }
  const session = await openSession(`http://127.0.0.1:${at.port}/mcp`, credential)
  return { ...at, era: 'legacy', path: '/mcp', tool: 'up__echo', session }
}

const makers = {
  'upstream itself': async () => ({ ...upstream, era: 'modern', path: '/mcp', tool: 'echo' }),
  nginx: async () => {
    const at = await startNginx(folder, upstream.port)
    return at === undefined ? undefined : { ...at, era: 'modern', path: '/mcp', tool: 'echo' }
  },
  'thin pass-through': async () => ({ ...(await start(1, [join(here, 'thin.mjs'), url])), era: 'modern', path: '/mcp', tool: 'echo' }),
  'SDK proxy': async () => ({ ...(await start(1, [join(here, 'sdk-proxy.mjs'), url])), era: 'modern', path: '/mcp', tool: 'echo' }),
  'SDK proxy, sessions': async () => {
    const at = await start(1, [join(here, 'sdk-legacy-proxy.mjs'), url])
    return { ...at, era: 'legacy', path: '/mcp', tool: 'echo', session: await openSession(`http://127.0.0.1:${at.port}/mcp`) }
  },
  'signalbox modern-modern': async () => ({
    ...(await signalbox('modern', { url: `${url}/mcp`, era: 'modern' })),
    era: 'modern',
    path: '/mcp',
    tool: 'up__echo',
  }),
  'signalbox legacy-legacy': async () => {
    const at = await signalbox('legacy', { url: `${url}/mcp`, era: 'legacy' })
    return { ...at, era: 'legacy', path: '/mcp', tool: 'up__echo', session: await openSession(`http://127.0.0.1:${at.port}/mcp`) }
  },
  'signalbox modern-modern, bare': () => modernOf('modern-bare', 'bare'),
  'signalbox legacy-legacy, bare': () => legacyOf('legacy-bare', 'bare'),
  'signalbox modern-modern, authenticated': () => modernOf('modern-auth', 'auth'),
  'signalbox legacy-legacy, authenticated': () => legacyOf('legacy-auth', 'auth'),
  'signalbox modern-modern, everything': () => modernOf('modern-all', 'everything'),
  'signalbox legacy-legacy, everything': () => legacyOf('legacy-all', 'everything'),
  'signalbox modern-stdio': async () => ({
    ...(await signalbox('stdio', {
      command: 'taskset',
      args: ['-c', '0', process.execPath, join(here, 'upstream-stdio.mjs')],
      era: 'legacy',
    })),
    era: 'modern',
    path: '/mcp',
    tool: 'up__echo',
  }),
}

const targets = []
for (const [name, make] of Object.entries(makers)) {
  if (only !== undefined && !only.some((part) => name.includes(part))) continue
  const made = await make()
  if (made !== undefined) targets.push({ name, ...made, samples: [] })
}
// In the middle, so that neither end of a round is the peer's alone.
if (peer !== undefined) {
  const found = await peerTargets(peer, `${url}/mcp`)
  targets.splice(Math.ceil(targets.length / 2), 0, ...found.map((target) => ({ ...target, isPeer: true, samples: [] })))
}
for (const target of targets) {
  const warm = await load(
    target,
    connections,
    target.isPeer || target.name.startsWith('SDK') || target.name.startsWith('signalbox') ? warmMs : 3_000,
  )
  if (warm.errors > 0) throw new Error(`${target.name}: ${warm.errors} wrong answers of ${warm.requests}; first: ${warm.firstError}`)
}
for (let round = 0; round < rounds; round += 1) {
  for (const target of targets) {
    const before = cpuMs(target.pid)
    const sample = await load(target, connections, windowMs)
    const between = cpuMs(target.pid)
    const one = await load(target, 1, Math.min(400, windowMs))
    const cpu = ((between - before) * 1_000) / sample.requests
    const cpuOfOne = ((cpuMs(target.pid) - between) * 1_000) / one.requests
    target.samples.push({ ...sample, cpu, cpuOfOne, single: one.p50 })
    if (sample.errors + one.errors > 0) throw new Error(`${target.name}: wrong answers; first: ${sample.firstError ?? one.firstError}`)
  }
}

const rows = targets.map(({ name, era, isPeer, samples, pid }) => ({
  name,
  era,
  isPeer,
  perSecond: median(samples.map((s) => s.perSecond)),
  p50: median(samples.map((s) => s.p50)),
  p99: median(samples.map((s) => s.p99)),
  single: median(samples.map((s) => s.single)),
  cpu: median(samples.map((s) => s.cpu)),
  cpuOfOne: median(samples.map((s) => s.cpuOfOne)),
  rss: rssMb(pid),
}))
const floor = rows.find((row) => row.name === 'thin pass-through')
// Sessions are compared with sessions.
const rivalOf = (row) => rows.find(({ name }) => name === (row.name.includes('legacy') ? 'SDK proxy, sessions' : 'SDK proxy'))
const peerRow = (row) => rows.find(({ era, isPeer }) => isPeer && era === row.era)
const shown = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : '-')
const table = [
  [
    'target',
    'req/s',
    'p50 ms',
    'p99 ms',
    'p50(1) ms',
    'CPU us',
    'CPU us (1)',
    'RSS MB',
    'CPU vs thin',
    'CPU vs thin (1)',
    'req/s vs SDK proxy',
    ...(peer ? [`CPU vs ${peer.name}`, `req/s vs ${peer.name}`] : []),
  ],
]
for (const row of rows) {
  table.push([
    row.name,
    row.perSecond.toFixed(0),
    row.p50.toFixed(2),
    row.p99.toFixed(2),
    row.single.toFixed(3),
    shown(row.cpu, 1),
    shown(row.cpuOfOne, 1),
    shown(row.rss, 0),
    shown(row.cpu / floor?.cpu, 2),
    shown(row.cpuOfOne / floor?.cpuOfOne, 2),
    shown(row.perSecond / rivalOf(row)?.perSecond, 1),
    ...(peer ? [shown(row.cpu / peerRow(row)?.cpu, 2), shown(row.perSecond / peerRow(row)?.perSecond, 2)] : []),
  ])
}
console.log(
  `node ${process.version}, ${connections} connections, medians of ${rounds} rounds of ${windowMs} ms, interleaved; gateway alone on one core`,
)
print(table)
printAuthenticated()
await printNewTokens()
await printStages()
process.exit(0)

function print(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  for (const line of lines)
    console.log(line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '))
}

/** What an authenticated call costs more, of the same run. */
function printAuthenticated() {
  for (const row of rows.filter(({ name }) => name.endsWith(', authenticated'))) {
    const bare = rows.find(({ name }) => name === row.name.replace(', authenticated', ''))
    if (bare !== undefined) console.log(`${row.name}: ${(row.cpu - bare.cpu).toFixed(1)} us CPU a call more (token known, 50 rules, audit)`)
  }
}

/** Each call with a token that was never seen: what its check costs. */
async function printNewTokens() {
  const at = targets.find(({ name }) => name === 'signalbox modern-modern, authenticated')
  if (at === undefined) return
  const count = 1_000
  const tokens = []
  for (let n = 0; n < count; n += 1) tokens.push(`Bearer ${await newToken(`new-${n}`)}`)
  const before = cpuMs(at.pid)
  for (const authorization of tokens) await listTools(`http://127.0.0.1:${at.port}/mcp`, authorization)
  const fresh = cpuMs(at.pid) - before
  for (let n = 0; n < count; n += 1) await listTools(`http://127.0.0.1:${at.port}/mcp`, tokens[count - 1])
  const known = cpuMs(at.pid) - before - fresh
  console.log(`A new ES256 token: ${(((fresh - known) * 1_000) / count).toFixed(0)} us CPU`)
}

/** Gateways of their own, so that those of the rounds measure nothing. */
async function printStages() {
  const columns = []
  for (const flavour of ['', 'everything']) {
    for (const era of ['modern', 'legacy']) {
      const name = `signalbox ${era}-${era}${flavour === '' ? '' : `, ${flavour}`}`
      if (!targets.some((target) => target.name === name)) continue
      const { config, authorization } = await flavourOf(flavour)
      const telemetry = { ...config.telemetry, stages: true }
      const at = await signalbox(`stages-${era}-${flavour}`, { url: `${url}/mcp`, era }, { ...config, telemetry })
      const credential = authorization === undefined ? {} : { authorization }
      const session = era === 'legacy' ? await openSession(`http://127.0.0.1:${at.port}/mcp`, credential) : undefined
      const target = { ...at, authorization, era, path: '/mcp', tool: 'up__echo', session, metrics: `${at.admin}/metrics` }
      columns.push({ name, times: await stageTimes(target, windowMs) })
    }
  }
  if (columns.length === 0) return
  const first = columns.reduce((most, one) => (one.times.length > most.times.length ? one : most))
  console.log('\nTime in each stage itself, us a call, one connection (`connection` is the exit and the upstream)')
  print([
    ['stage', ...columns.map(({ name }) => name)],
    ...first.times.map(({ stage }) => [
      stage,
      ...columns.map(({ times }) => times.find((time) => time.stage === stage)?.us.toFixed(1) ?? '-'),
    ]),
  ])
}
