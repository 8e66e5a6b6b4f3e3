// `npm run soak`: SOAK_CALLS calls (200,000) through stdio and HTTP of both eras, 5 % of them met by mixed faults, and SOAK_SESSIONS short
// sessions (100,000), every second of which never says DELETE. Each call has exactly one answer; memory is flat over the last half; what is
// open afterwards is what was open before. `--fast`: 2,000 calls and 500 sessions, whose memory is printed and not judged. Exit code 1: not so.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { l7Faults, startL7Proxy } from '../dist/operate/toolkit/chaos/index.js'

const root = new URL('..', import.meta.url).pathname
const fast = process.argv.includes('--fast')
const calls = Number(process.env.SOAK_CALLS ?? (fast ? 2_000 : 200_000))
const sessions = Number(process.env.SOAK_SESSIONS ?? (fast ? 500 : 100_000))
const atOnce = 24
const readings = fast ? 20 : 200
const folder = mkdtempSync(join(tmpdir(), 'signalbox-soak-'))
const children = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

function start(args) {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', process.env.SOAK_VERBOSE ? 'inherit' : 'ignore'] })
  children.push(child)
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve({ child, ...JSON.parse(text.split('\n')[0]) })
    })
    child.on('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)))
  })
}

const { status, silence, halfThenCut, resetEarly, body, mangled } = l7Faults
const once = (fault, probability) => ({ method: 'tools/call', probability, fault })
/** 7.5 % of the two thirds that go over HTTP, which is 5 % of all. What never answers is ended by the deadline of the call. */
const rules = [
  once(status(503, '', 'text/plain'), 0.015),
  once(status(500, 'broken', 'text/html'), 0.015),
  once(resetEarly, 0.015),
  once(halfThenCut, 0.012),
  once(body('no JSON'), 0.009),
  once(
    mangled((answer) => answer.slice(0, -5)),
    0.005,
  ),
  once(silence, 0.0015),
]
const upstream = await start([join(root, 'bench', 'upstream.mjs')])
const proxy = await startL7Proxy(`http://127.0.0.1:${upstream.port}`, { rules, seed: 7 })
const url = `http://127.0.0.1:${proxy.port}/mcp`
writeFileSync(
  join(folder, 'signalbox.yaml'),
  JSON.stringify({
    listen: '127.0.0.1:0',
    servers: {
      pipe: { command: process.execPath, args: [join(root, 'bench', 'upstream-stdio.mjs')] },
      web: { url, era: 'legacy' },
      new: { url, era: 'modern' },
    },
    timeouts: { connect: 1_000, call: 2_000 },
    sessions: { idleMs: 2_000 },
    limits: { queue: 2_000 },
    log: { calls: false, level: 'error' },
  }),
)
const gateway = await start([join(root, 'dist', 'main.js'), 'up', '--config', join(folder, 'signalbox.yaml')])
const pid = gateway.child.pid
const pool = new Pool(`http://127.0.0.1:${gateway.port}`, { connections: atOnce })
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
for (;;) {
  const { upstreams } = await (await fetch(`${gateway.admin}/admin/v1/upstreams`)).json()
  if (upstreams.every(({ state }) => state === 'ready')) break
  await pause(50)
}

const rssOf = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024
const openFiles = () => readdirSync(`/proc/${pid}/fd`).length
async function metric(name) {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

async function post(message, headers, method = 'POST') {
  const accept = 'application/json, text/event-stream'
  const sent = { path: '/mcp', method, headers: { 'content-type': 'application/json', accept, ...headers } }
  const { statusCode, headers: got, body: read } = await pool.request(method === 'POST' ? { ...sent, body: JSON.stringify(message) } : sent)
  return { statusCode, got, text: await read.text() }
}

const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
const counts = { good: 0, faults: 0, wrong: 0, sessions: 0 }
const kinds = new Map()

/** The messages with this id: there has to be one. */
function answersIn(text, id) {
  const texts = text.startsWith('{') ? [text] : text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [line.slice(6)] : []))
  return texts.map((one) => JSON.parse(one)).filter((message) => message.id === id && (message.result ?? message.error) !== undefined)
}

async function call(id) {
  const tag = `soak-${id}`
  const name = ['pipe__echo', 'web__echo', 'new__echo'][id % 3]
  const params = { name, arguments: { text: tag }, _meta: meta }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name }
  const { text } = await post({ jsonrpc: '2.0', id, method: 'tools/call', params }, headers)
  const answers = answersIn(text, id)
  const fault = Object.values(answers[0]?.result?._meta ?? answers[0]?.error?.data ?? {}).find((one) => one?.kind !== undefined)
  if (answers.length !== 1) counts.wrong += 1
  else if (fault !== undefined) {
    counts.faults += 1
    kinds.set(fault.kind, (kinds.get(fault.kind) ?? 0) + 1)
  } else if (answers[0].result?.content?.[0]?.text === tag) counts.good += 1
  else counts.wrong += 1
}

async function session(id) {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'soak', version: '1' } }
  const { got } = await post({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, {})
  const own = { 'mcp-session-id': got['mcp-session-id'], 'mcp-protocol-version': '2025-11-25' }
  const { text } = await post({ jsonrpc: '2.0', id, method: 'ping' }, own)
  if (answersIn(text, id).length !== 1) counts.wrong += 1
  if (id % 2 === 0) await post(undefined, own, 'DELETE')
  counts.sessions += 1
}

/** Does `work` so often, `atOnce` at a time, and reads the memory on the way. */
async function repeat(times, work) {
  const memory = []
  let next = 0
  const every = Math.max(1, Math.floor(times / readings))
  const worker = async () => {
    while (next < times) {
      next += 1
      if (next % every === 0) memory.push(rssOf())
      await work(next)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return memory
}

/** What memory gained over the last half by a straight line, and how far readings lie from it (a standard deviation), in MiB. */
function slope(memory) {
  const last = memory.slice(Math.floor(memory.length / 2))
  const n = last.length
  const meanX = (n - 1) / 2
  const meanY = last.reduce((sum, y) => sum + y, 0) / n
  const per = last.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0) / last.reduce((sum, _y, x) => sum + (x - meanX) ** 2, 0)
  const noise = Math.sqrt(last.reduce((sum, y, x) => sum + (y - meanY - per * (x - meanX)) ** 2, 0) / n)
  const tenths = memory.filter((_one, at) => at % Math.ceil(memory.length / 10) === 0)
  return { mean: meanY, gained: per * (n - 1), noise, tenths }
}

const shown = ({ mean, gained, noise, tenths }) =>
  `mean ${mean.toFixed(0)} MiB, gained ${gained.toFixed(1)}, noise ${noise.toFixed(1)} (all of it, in tenths: ${tenths.map((one) => one.toFixed(0)).join(' ')})`
// Connections of the pool and children are there from here on.
await repeat(Math.min(calls, 600), call)
const before = openFiles()
const warm = { ...counts }
const beganAt = performance.now()
const ofCalls = slope(await repeat(calls, call))
const callSeconds = (performance.now() - beganAt) / 1_000
const ofSessions = slope(await repeat(sessions, session))
let left = await metric('signalbox_sessions')
for (let i = 0; i < 200 && left > 0; i += 1) {
  await pause(100)
  left = await metric('signalbox_sessions')
}
const after = openFiles()
const answered = counts.good + counts.faults - warm.good - warm.faults
console.log(
  `calls ${calls}: answered ${answered}, wrong or unanswered ${counts.wrong}; faults injected ${[...proxy.injected.values()].reduce((a, b) => a + b, 0)}, told ${counts.faults} (${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')})`,
)
console.log(`${(calls / callSeconds).toFixed(0)} calls a second; resident over the last half of the calls: ${shown(ofCalls)}`)
console.log(`sessions ${counts.sessions}, left after their time ${left}; resident over the last half of the sessions: ${shown(ofSessions)}`)
console.log(`open files before ${before}, after ${after}`)

const problems = []
if (counts.wrong > 0 || answered !== calls) problems.push('a call has no answer, or not its own')
if (counts.sessions !== sessions || left > 0) problems.push('sessions are left')
if (after > before + 8) problems.push('files are left open')
/** Within three times the noise, or 5 % where readings hardly differ. */
const isFlat = ({ mean, gained, noise }) => gained <= Math.max(3 * noise, mean * 0.05)
if (!fast && !(isFlat(ofCalls) && isFlat(ofSessions))) problems.push('memory grows')
for (const problem of problems) console.log(`NOT AS PROMISED: ${problem}`)
await pool.close()
await proxy.stop()
process.exit(problems.length === 0 ? 0 : 1)
