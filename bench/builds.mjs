// `node bench/builds.mjs NAME=DIR NAME=DIR …`: builds of Signalbox beside each other, several processes of each, in windows of random order.
// Two processes of one build differ by more than most changes cost, so one of each says little (docs/performance.md).
// BENCH_STARTS processes of each build (5), BENCH_ROUNDS windows of each (16) of BENCH_MS (250), BENCH_ERA (modern or legacy).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { load } from './load.mjs'
import { cpuMs, median, pinLoad, start, untilReady } from './processes.mjs'
import { openSession } from './rpc.mjs'

const builds = process.argv.slice(2).map((text) => [text.slice(0, text.indexOf('=')), resolve(text.slice(text.indexOf('=') + 1))])
if (builds.length < 2) throw new Error('Say which builds: NAME=DIR NAME=DIR')
const starts = Number(process.env.BENCH_STARTS ?? 5)
const rounds = Number(process.env.BENCH_ROUNDS ?? 16)
const windowMs = Number(process.env.BENCH_MS ?? 250)
const era = process.env.BENCH_ERA ?? 'modern'
const connections = Number(process.env.BENCH_CONNECTIONS ?? 32)

pinLoad()
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const shuffled = (list) => [...list].sort(() => Math.random() - 0.5)

const upstream = await start(0, [join(import.meta.dirname, 'upstream.mjs')])
const processes = []
for (let n = 0; n < starts; n += 1) {
  for (const [name, dir] of shuffled(builds)) {
    const own = join(folder, `${name}-${n}`)
    mkdirSync(own)
    const config = join(own, 'signalbox.json')
    const servers = { up: { url: `http://127.0.0.1:${upstream.port}/mcp`, era } }
    writeFileSync(config, JSON.stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, stateDir: own, servers }))
    const at = await start(1, [join(dir, 'dist', 'main.js'), 'up', '--config', config])
    await untilReady(at.admin)
    const session = era === 'legacy' ? await openSession(`http://127.0.0.1:${at.port}/mcp`) : undefined
    processes.push({ ...at, name, era, session, path: '/mcp', tool: 'up__echo', samples: [] })
  }
}
for (const one of processes) await load(one, connections, 3_000)
for (let round = 0; round < rounds; round += 1) {
  for (const one of shuffled(processes)) {
    const before = cpuMs(one.pid)
    const { requests, errors, firstError } = await load(one, connections, windowMs)
    if (errors > 0) throw new Error(`${one.name}: wrong answers; first: ${firstError}`)
    one.samples.push(((cpuMs(one.pid) - before) * 1_000) / requests)
  }
}

const meanOf = (name) => {
  const medians = processes.filter((one) => one.name === name).map(({ samples }) => median(samples))
  return { medians, mean: Math.exp(medians.reduce((sum, value) => sum + Math.log(value), 0) / medians.length) }
}
const [[first]] = builds
console.log(`node ${process.version}, ${era}, ${connections} connections, ${starts} starts, medians of ${rounds} windows of ${windowMs} ms`)
for (const [name] of builds) {
  const { medians, mean } = meanOf(name)
  const ratio = (mean / meanOf(first).mean).toFixed(3)
  console.log(
    `${name}: ${mean.toFixed(1)} us CPU a call, ${ratio} of ${first}; each start ${medians.map((value) => value.toFixed(1)).join(' ')}`,
  )
}
process.exit(0)
