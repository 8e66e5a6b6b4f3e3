// `npm run bench:footprint`: what a gateway takes beside the CPU of calls: time from its start to the first call, memory at rest and of idle
// sessions with an open stream, and memory of one large result. FOOTPRINT_SESSIONS (2,000), FOOTPRINT_STARTS (5), FOOTPRINT_RESULT_MB (5).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { median, pinLoad, rssMb, start, untilReady } from './processes.mjs'
import { callTool, openSession } from './rpc.mjs'

const sessions = Number(process.env.FOOTPRINT_SESSIONS ?? 2_000)
const starts = Number(process.env.FOOTPRINT_STARTS ?? 5)
const resultMb = Number(process.env.FOOTPRINT_RESULT_MB ?? 5)
const main = join(import.meta.dirname, '..', 'dist', 'main.js')

pinLoad()
const folder = mkdtempSync(join(tmpdir(), 'signalbox-footprint-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const upstream = await start(0, [join(import.meta.dirname, 'upstream.mjs')], { BENCH_RESULT_BYTES: String(resultMb * 1_000_000) })
let made = 0

async function gateway() {
  made += 1
  const file = join(folder, `${made}.yaml`)
  const limits = { resultBytes: 2 * resultMb * 1_000_000 }
  const servers = { up: { url: `http://127.0.0.1:${upstream.port}/mcp`, era: 'modern' } }
  const config = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, stateDir: join(folder, `state-${made}`), limits, servers }
  writeFileSync(file, JSON.stringify(config))
  const at = await start(1, [main, 'up', '--config', file])
  return { ...at, url: `http://127.0.0.1:${at.port}/mcp` }
}

const times = []
for (let n = 0; n < starts; n += 1) {
  const began = performance.now()
  const at = await gateway()
  await callTool(at.url, 'up__echo', { text: 'first' })
  times.push(performance.now() - began)
  process.kill(at.pid, 'SIGKILL')
}
console.log(
  `From the start of the process to the answer of the first call: ${median(times).toFixed(0)} ms (${times.map((ms) => ms.toFixed(0)).join(' ')})`,
)

const at = await gateway()
await untilReady(at.admin)
await pause(2_000)
const rest = rssMb(at.pid)
console.log(`At rest: ${rest.toFixed(0)} MB`)
const streams = []
for (let n = 0; n < sessions; n += 1) streams.push(await openStream(at, await openSession(at.url)))
await pause(5_000)
const held = rssMb(at.pid)
console.log(`${sessions} sessions with an open stream: ${(((held - rest) * 1_024) / sessions).toFixed(1)} KiB each`)
for (const one of streams) one.destroy()
await pause(2_000)

const before = rssMb(at.pid)
const { content } = await callTool(at.url, 'up__large', { text: 'once' })
const bytes = Buffer.byteLength(content[0].text)
const most = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${at.pid}/status`, 'utf8'))[1]) / 1_024
console.log(
  `A result of ${(bytes / 1e6).toFixed(1)} MB: ${(((most - Math.max(before, held)) * 1_048_576) / bytes).toFixed(1)} times its size at most, beside what was held`,
)
process.exit(0)

function openStream({ port }, session) {
  return new Promise((resolve, reject) => {
    const headers = { accept: 'text/event-stream', 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    const req = request({ host: '127.0.0.1', port, path: '/mcp', headers, agent: false }, (res) => {
      if (res.statusCode !== 200) return void reject(new Error(`a stream was answered with HTTP ${res.statusCode}`))
      res.resume()
      resolve(req)
    })
    req.on('error', (error) => (req.res === undefined ? reject(error) : undefined))
    req.end()
  })
}
