// `node bench/costs.mjs [FLAVOUR …]`: what a flavour (bench/flavours.mjs) costs a call more than none. Two processes of one build differ by up
// to a tenth, so both gateways run in one process (bench/two-gateways.mjs), in windows that alternate, warmed alike; it is started several
// times, since what the engine makes of the code differs too. BENCH_STARTS processes of each era (4), BENCH_ROUNDS windows of each (12) of
// BENCH_MS (1,000), BENCH_CONNECTIONS (32), BENCH_ERAS (`modern legacy`). With BENCH_BUILD=DIST, the `dist` of another checkout, the plain gateway is of that build:
// `BENCH_BUILD=… node bench/costs.mjs nothing` says what a call costs more than there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flavourNames, flavourOf } from './flavours.mjs'
import { load } from './load.mjs'
import { cpuMs, median, pinLoad, start, untilReady } from './processes.mjs'
import { openSession } from './rpc.mjs'

const settings = {
  pairs: Number(process.env.BENCH_STARTS ?? 4),
  rounds: Number(process.env.BENCH_ROUNDS ?? 12),
  windowMs: Number(process.env.BENCH_MS ?? 1_000),
  connections: Number(process.env.BENCH_CONNECTIONS ?? 32),
  eras: (process.env.BENCH_ERAS ?? 'modern legacy').split(' '),
}
const warmMs = 6_000
const ownBuild = join(import.meta.dirname, '..', 'dist')

/** In us of CPU a call, of each start. `upstream`: base address of the benchmark's server. */
export async function costOf(flavour, era, upstream) {
  const starts = []
  for (let n = 0; n < settings.pairs; n += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-cost-'))
    let started
    try {
      started = await startBoth(n % 2 === 0 ? ['', flavour] : [flavour, ''], era, upstream, folder)
      for (const one of started.both) await load(one, settings.connections, warmMs)
      for (let round = 0; round < settings.rounds; round += 1) for (const one of started.both) await sample(one)
    } finally {
      if (started !== undefined) process.kill(started.pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    }
    const { both } = started
    const plain = both.find((one) => one.flavour === '').samples
    const more = both.find((one) => one.flavour !== '').samples.map((us, round) => us - plain[round])
    starts.push({ plain: median(plain), more: median(more), waits: waitsOf(both), rows: rowsOf(both) })
  }
  return starts
}

export async function printCost(flavour, upstream) {
  for (const era of settings.eras) {
    const starts = await costOf(flavour, era, upstream)
    const mean = (of) => starts.reduce((sum, one) => sum + of(one), 0) / starts.length
    const more = mean((one) => one.more)
    const error = Math.sqrt(mean((one) => (one.more - more) ** 2) / Math.max(1, starts.length - 1))
    const each = starts.map((one) => one.more.toFixed(1)).join(' ')
    const { waits, rows } = starts.at(-1)
    const waited = `added wait p50 ${waits.p50.toFixed(2)} ms, p99 ${waits.p99.toFixed(1)} ms`
    const shared = rows === undefined ? '' : `, ${rows.toFixed(1)} rows a commit`
    console.log(
      `${flavour}, ${era}, ${settings.connections} in flight: ${more.toFixed(1)} ± ${error.toFixed(1)} us CPU a call more than ${mean((one) => one.plain).toFixed(1)}; each start ${each}; ${waited}${shared}`,
    )
  }
}

/** Of the last start: what calls waited longer than those of the plain gateway. */
function waitsOf(both) {
  const [plain, other] = ['', undefined].map((name) => both.find((one) => (name === undefined ? one.flavour !== '' : one.flavour === name)))
  const added = (at) => median(other.waits.map((wait, round) => wait[at] - plain.waits[round][at]))
  return { p50: added('p50'), p99: added('p99') }
}

/** Rows of the audit that share a commit; undefined where there is no audit. */
function rowsOf(both) {
  const { committed } = both.find((one) => one.flavour !== '')
  const [first, last] = [committed.at(0), committed.at(-1)]
  return last.commits === first.commits ? undefined : (last.rows - first.rows) / (last.commits - first.commits)
}

async function committedBy({ admin }) {
  const told = await (await fetch(`${admin}/metrics`)).text()
  const sum = (name) => Number(new RegExp(`^signalbox_audit_commit_rows_${name} (\\d+)`, 'm').exec(told)?.[1] ?? 0)
  return { rows: sum('sum'), commits: sum('count') }
}

/** Both in one process, in this order. */
async function startBoth(names, era, upstream, folder) {
  const made = []
  const flavours = await Promise.all(names.map(flavourOf))
  const plain = flavours.find((one) => one.plain !== undefined)?.plain
  const tool = flavours.find((one) => one.tool !== undefined)?.tool ?? 'echo'
  const plainBuild = flavours.find((one) => one.plainBuild !== undefined)?.plainBuild ?? process.env.BENCH_BUILD ?? ownBuild
  for (const [index, name] of names.entries()) {
    const { config, authorization } = flavours[index]
    const file = join(folder, `${index}.json`)
    const stateDir = join(folder, `state-${index}`)
    mkdirSync(stateDir)
    const servers = { up: { url: `${upstream}/mcp`, era } }
    writeFileSync(
      file,
      JSON.stringify({
        listen: '127.0.0.1:0',
        admin: { listen: '127.0.0.1:0' },
        stateDir,
        servers,
        ...(name === '' ? plain : undefined),
        ...config,
      }),
    )
    const dist = name === '' ? plainBuild : ownBuild
    made.push({ flavour: name, authorization, file, dist })
  }
  const { gateways, pid } = await start(1, [
    join(import.meta.dirname, 'two-gateways.mjs'),
    ...made.flatMap(({ dist, file }) => [dist, file]),
  ])
  const both = []
  for (const [index, { flavour, authorization }] of made.entries()) {
    const { port, admin } = gateways[index]
    await untilReady(admin)
    const credential = authorization === undefined ? {} : { authorization }
    const session = era === 'legacy' ? await openSession(`http://127.0.0.1:${port}/mcp`, credential) : undefined
    both.push({
      port,
      pid,
      flavour,
      authorization,
      era,
      session,
      path: '/mcp',
      tool: `up__${tool}`,
      admin,
      samples: [],
      waits: [],
      committed: [],
    })
  }
  return { both, pid }
}

async function sample(one) {
  const before = cpuMs(one.pid)
  one.committed.push(await committedBy(one))
  const { requests, errors, firstError, p50, p99 } = await load(one, settings.connections, settings.windowMs)
  if (errors > 0) throw new Error(`${one.flavour || 'plain'}: wrong answers; first: ${firstError}`)
  one.waits.push({ p50, p99 })
  one.samples.push(((cpuMs(one.pid) - before) * 1_000) / requests)
}

if (process.argv[1] === import.meta.filename) {
  pinLoad()
  const { port } = await start(0, [join(import.meta.dirname, 'upstream.mjs')])
  const named = process.argv.slice(2)
  for (const flavour of named.length > 0 ? named : flavourNames) await printCost(flavour, `http://127.0.0.1:${port}`)
  process.exit(0)
}
