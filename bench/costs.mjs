// `node bench/costs.mjs [FLAVOUR …]`: what a flavour (bench/flavours.mjs) costs a call more than none. Two processes of one build differ by up
// to a tenth, so pairs of new processes are compared: one plain, one with the flavour, warmed alike, in windows that alternate.
// BENCH_STARTS pairs of each era (4), BENCH_ROUNDS windows of each (6) of BENCH_MS (1,000), BENCH_CONNECTIONS (32).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flavourNames, flavourOf } from './flavours.mjs'
import { load } from './load.mjs'
import { cpuMs, median, pinLoad, start, untilReady } from './processes.mjs'
import { openSession } from './rpc.mjs'

const main = join(import.meta.dirname, '..', 'dist', 'main.js')
const settings = {
  pairs: Number(process.env.BENCH_STARTS ?? 4),
  rounds: Number(process.env.BENCH_ROUNDS ?? 6),
  windowMs: Number(process.env.BENCH_MS ?? 1_000),
  connections: Number(process.env.BENCH_CONNECTIONS ?? 32),
}
const warmMs = 6_000

/** In us of CPU a call, of each pair. `upstream`: base address of the benchmark's server. */
export async function costOf(flavour, era, upstream) {
  const pairs = []
  for (let n = 0; n < settings.pairs; n += 1) {
    const order = n % 2 === 0 ? ['', flavour] : [flavour, '']
    const both = []
    for (const name of order) both.push(await gateway(name, era, upstream))
    for (const one of both) await load(one, settings.connections, warmMs)
    for (let round = 0; round < settings.rounds; round += 1) for (const one of both) await sample(one)
    for (const { pid, folder } of both) {
      process.kill(pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
    const cpu = (name) => median(both.find((one) => one.flavour === name).samples)
    pairs.push({ plain: cpu(''), with: cpu(flavour), more: cpu(flavour) - cpu('') })
  }
  return pairs
}

export async function printCost(flavour, upstream) {
  for (const era of ['modern', 'legacy']) {
    const pairs = await costOf(flavour, era, upstream)
    const mean = (of) => pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length
    const more = mean((pair) => pair.more)
    const error = Math.sqrt(mean((pair) => (pair.more - more) ** 2) / Math.max(1, pairs.length - 1))
    const each = pairs.map((pair) => pair.more.toFixed(1)).join(' ')
    console.log(
      `${flavour}, ${era}: ${more.toFixed(1)} ± ${error.toFixed(1)} us CPU a call more than ${mean((pair) => pair.plain).toFixed(1)}; each pair ${each}`,
    )
  }
}

async function gateway(flavour, era, upstream) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-cost-'))
  const { config, authorization } = await flavourOf(flavour)
  const file = join(folder, 'signalbox.json')
  mkdirSync(join(folder, 'state'))
  const servers = { up: { url: `${upstream}/mcp`, era } }
  writeFileSync(
    file,
    JSON.stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, stateDir: join(folder, 'state'), servers, ...config }),
  )
  const at = await start(1, [main, 'up', '--config', file])
  await untilReady(at.admin)
  const credential = authorization === undefined ? {} : { authorization }
  const session = era === 'legacy' ? await openSession(`http://127.0.0.1:${at.port}/mcp`, credential) : undefined
  return { ...at, folder, flavour, authorization, era, session, path: '/mcp', tool: 'up__echo', samples: [] }
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
