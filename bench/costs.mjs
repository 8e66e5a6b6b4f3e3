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
    starts.push({ plain: median(plain), more: median(more) })
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
    console.log(
      `${flavour}, ${era}: ${more.toFixed(1)} ± ${error.toFixed(1)} us CPU a call more than ${mean((one) => one.plain).toFixed(1)}; each start ${each}`,
    )
  }
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
    both.push({ port, pid, flavour, authorization, era, session, path: '/mcp', tool: `up__${tool}`, samples: [] })
  }
  return { both, pid }
}

async function sample(one) {
  const before = cpuMs(one.pid)
  const { requests, errors, firstError } = await load(one, settings.connections, settings.windowMs)
  if (errors > 0) throw new Error(`${one.flavour || 'plain'}: wrong answers; first: ${firstError}`)
  one.samples.push(((cpuMs(one.pid) - before) * 1_000) / requests)
}

if (process.argv[1] === import.meta.filename) {
  pinLoad()
  const { port } = await start(0, [join(import.meta.dirname, 'upstream.mjs')])
  const named = process.argv.slice(2)
  for (const flavour of named.length > 0 ? named : flavourNames) await printCost(flavour, `http://127.0.0.1:${port}`)
  process.exit(0)
}
