// `node bench/timeline.mjs [ROWS] [FOLDER]`: what somebody waits for who asks what a run did, over a million rows of the audit (or so many) of one
// day, in runs of twenty calls: by the admin door of a gateway, by commands as a person runs them, and by SQL by hand. It fills a store first,
// which takes a minute or two; one in FOLDER is kept for the next time.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import { Agent, request } from 'undici'

const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url).href)
const { auditKey } = await dist('core/audit/audit-key.js')
const { payloadOf } = await dist('core/call/payload.js')
const { createEncoder, indexRow, rowsOfRun, timelineOf } = await dist('observe/index.js')
const { beginning } = await dist('observe/audit/chain.js')
const { createSqliteAudit, readSqliteAudit } = await dist('platform/audit/sqlite.js')
const { systemClock } = await dist('platform/clock/system-clock.js')

const rows = Number(process.argv[2] ?? 1_000_000)
const rowsOfOne = 20
const runs = Math.floor(rows / rowsOfOne)
const batchRows = 256
/** All of them within the last day. */
const apartMs = 80_000_000 / rows
const folder = process.argv[3] ?? mkdtempSync(join(tmpdir(), 'signalbox-timeline-'))
const stateDir = join(folder, 'state')
const file = join(stateDir, 'audit.db')
const main = join(import.meta.dirname, '..', 'dist', 'main.js')
let handMs = 0
const wanted = Array.from({ length: 201 }, (_, n) => `run-${Math.floor((runs - 1) * (n / 200))}`)

try {
  if (!existsSync(file)) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    await fill()
  }
  console.log(`${rows} rows in ${runs} runs of ${rowsOfOne} calls, ${(statSync(file).size / 1e6).toFixed(0)} MB`)
  const port = await freePort()
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify({ stateDir, servers: {}, admin: { listen: `127.0.0.1:${port}` } }))
  await byHand()
  await byFiles()
  await byGateway(port)
} finally {
  if (process.argv[3] === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** Calls of many runs at once, as agents make them: the rows of a run lie far apart. Written and indexed by the store of the product. */
async function fill() {
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const store = createSqliteAudit({ file, indexRow, isSafe: false, clock: systemClock, report })
  const encoder = createEncoder({ text: (text) => text, recognised: (text) => text }, (call) =>
    JSON.stringify(call.params.json().arguments),
  )
  const chain = 'be'.repeat(8)
  let prev = beginning(chain)
  const from = performance.now()
  const begin = Math.floor(systemClock.now() - rows * apartMs)
  const atMs = (n) => begin + Math.floor(n * apartMs)
  for (let first = 0; first < rows; first += batchRows) {
    const count = Math.min(batchRows, rows - first)
    const lines = Array.from({ length: count }, (_, n) => encoder.call(call(first + n, atMs(first + n))))
    const text = Buffer.from(lines.join('\n'))
    const done = await store.append({ chain, first, count, atMs: atMs(first + count), atMinMs: atMs(first), lines: text, prev })
    if (!done.ok) throw new Error(done.fault.message)
    prev = done.value.hash
  }
  while (store.unindexed > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  await store.close()
  console.log(`filled in ${((performance.now() - from) / 1_000).toFixed(0)} s, the index with it`)
}

/** Two hundred runs are under way at once; each uses five of 37 tools. */
function call(n, atMs) {
  const atOnce = 200
  const block = Math.floor(n / (atOnce * rowsOfOne))
  const run = Math.min(runs - 1, block * atOnce + (n % atOnce))
  const step = Math.floor((n % (atOnce * rowsOfOne)) / atOnce)
  const turn = Math.floor(step / 4)
  const tool = (run * 7 + (step % 5) * 3) % 37
  const fails = n % 53 === 3
  return {
    id: `call-${n}`,
    atMs,
    startedAt: 0,
    settledMs: 40 + (n % 100),
    method: 'tools/call',
    family: 'invoke',
    mount: '',
    target: `up__tool_${tool}`,
    upstream: `server-${tool % 7}`,
    item: `tool_${tool}`,
    itemKind: 'tool',
    readOnly: n % 3 !== 0,
    caller: {
      principal: {
        tenant: 'default',
        iss: 'https://idp.example',
        sub: `user-${run % 500}`,
        clientId: undefined,
        actors: [],
        method: 'oauth',
        credential: `jti-${run}`,
      },
      client: { name: 'agent', version: '2.1' },
      arrival: { transport: 'http', revision: '2026-07-28' },
    },
    trace: { traceId: '1'.repeat(32), spanId: '2'.repeat(16) },
    run: { id: `run-${run}`, source: 'meta', turn: `turn-${turn}`, why: 'to see whether it is known', team: `team-${run % 20}` },
    requestId: String(n),
    params: payloadOf({ arguments: { query: `customers with more than ${n % 1_000} orders`, limit: 50 } }),
    result: payloadOf({}),
    decided: { allowed: true, rule: 'access.2', from: 0, to: 0 },
    outcome: fails ? 'fault' : 'complete',
    fault: fails
      ? {
          kind: n % 106 === 3 ? 'upstream_timeout' : 'upstream_unavailable',
          category: 'transport',
          sideEffect: 'unknown',
          message: 'late',
        }
      : undefined,
    termination: '--',
    attempts: 1,
    attempted: [],
    phases: [],
    usage: { sent: 30, got: 300, cost: 0.001 },
    bytesIn: 120,
    bytesOut: 1_200,
  }
}

/** The rows of a run and no more, by the same key that the product uses, as arrays; and what the product makes of them, in this process. */
async function byHand() {
  const store = readSqliteAudit(file)
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  const statement = database.prepare(
    `SELECT b.lines AS lines FROM audit_keys k
     JOIN audit_chain_batches b ON b.tenant = k.tenant AND b.chain = k.chain AND b.first = k.first
     WHERE k.tenant = '' AND k.k = ? ORDER BY b.at_ms, b.chain, b.first`,
  )
  const rowsOf = (run) =>
    statement
      .all(auditKey(`run:${run}`))
      .flatMap(({ lines }) => Buffer.from(lines).toString().split('\n'))
      .filter((line) => line.includes(`"${run}"`))
      .map((line) => JSON.parse(line))
  const ours = []
  const sql = []
  for (const run of wanted) {
    sql.push(await timed(() => rowsOf(run)))
    ours.push(await timed(async () => timelineOf(run, (await rowsOfRun(store, run)).value.rows, false)))
  }
  const found = timelineOf(wanted[7], (await rowsOfRun(store, wanted[7])).value.rows, false)
  if (found.totals.calls !== rowsOf(wanted[7]).length) throw new Error('the two do not find the same')
  tell('rows of a run by SQL by hand', sql)
  tell('timeline of a run, in this process', ours, sql)
  handMs = at(sql, 0.5)
  await store.close()
  database.close()
}

async function byFiles() {
  await command('signalbox runs show RUN, on files', (n) => ['runs', 'show', wanted[n * 17]])
  await command('signalbox runs ls --from 1d, on files', () => ['runs', 'ls', '--from', '1d'])
  await command('signalbox cost report --from 30d, on files', () => ['cost', 'report', '--from', '30d'])
}

/** The gateway has nothing else to do. */
async function byGateway(port) {
  const gateway = spawn(process.execPath, [main, 'up', '--listen', '127.0.0.1:0'], { cwd: folder, stdio: 'ignore' })
  try {
    const url = `http://127.0.0.1:${port}`
    const agent = new Agent()
    // On this machine alone the door asks for none where nothing configures who may do what.
    const secret = join(stateDir, 'admin.token')
    const token = () => (existsSync(secret) ? readFileSync(secret, 'utf8').trim() : '')
    const get = async (path) => {
      const { statusCode, body } = await request(`${url}${path}`, {
        dispatcher: agent,
        headers: token() === '' ? {} : { authorization: `Bearer ${token()}` },
      })
      const answer = await body.json()
      if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${JSON.stringify(answer)}`)
      return answer
    }
    for (let n = 0; ; n += 1) {
      const up = await get('/admin/v1/runs?limit=1').then(
        () => true,
        () => false,
      )
      if (up) break
      if (n > 300) throw new Error('the gateway did not start')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const of = async (what, paths) => {
      const took = []
      for (const path of paths) took.push(await timed(() => get(path)))
      tell(what, took)
      return took
    }
    const shown = await of(
      '/admin/v1/runs/{run}',
      wanted.map((run) => `/admin/v1/runs/${run}`),
    )
    console.log(`  ratio to SQL by hand: ${(at(shown, 0.5) / handMs).toFixed(2)}`)
    const day = new Date(systemClock.now() - 86_400_000).toISOString()
    const month = new Date(systemClock.now() - 30 * 86_400_000).toISOString()
    const some = Array.from({ length: 21 }, (_, n) => n)
    await of(
      '/admin/v1/runs?from=1d, a page of 100',
      some.map(() => `/admin/v1/runs?from=${day}`),
    )
    for (const [what, more] of [
      ['of one principal', 'principal=user-77'],
      ['of one tool', 'tool=server-3/tool_17'],
      ['with a fault', 'fault=upstream_timeout'],
      ['that cost so much', 'cost=0.02'],
    ])
      await of(
        `  ${what}`,
        some.map(() => `/admin/v1/runs?from=${day}&${more}`),
      )
    await of(
      '/admin/v1/cost?from=30d, by team and tool',
      some.slice(0, 5).map(() => `/admin/v1/cost?from=${month}`),
    )
    const env = { ...process.env, SIGNALBOX_ADMIN_TOKEN: token() }
    await command('signalbox runs show RUN --url', (n) => ['runs', 'show', wanted[n * 17], '--url', url], env)
    await command('signalbox runs ls --from 1d --url', () => ['runs', 'ls', '--from', '1d', '--url', url], env)
    await agent.close()
  } finally {
    gateway.kill('SIGTERM')
    await new Promise((resolve) => (gateway.exitCode === null ? gateway.once('exit', resolve) : resolve()))
  }
}

/** The whole process, from its start to its end. */
async function command(what, argumentsOf, env = process.env) {
  const took = []
  for (let n = 0; n < 11; n += 1) {
    const args = argumentsOf(n)
    took.push(await timed(() => promisify(execFile)(process.execPath, [main, ...args], { cwd: folder, env })))
  }
  tell(what, took)
}

async function timed(work) {
  const from = performance.now()
  await work()
  return performance.now() - from
}

function tell(what, took, beside) {
  const ratio = beside === undefined ? '' : `, ${(at(took, 0.5) / at(beside, 0.5)).toFixed(2)} times that by hand`
  console.log(`${what}: p50 ${at(took, 0.5).toFixed(1)} ms, p99 ${at(took, 0.99).toFixed(1)} ms${ratio}`)
}

function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
