// `node bench/timeline.mjs [ROWS]`: from the id of a run to its timeline, over a million rows of the audit (or so many) in runs of twenty: the
// command as a person runs it, the same in this process, and the SQL that finds the rows by hand. It fills a store first, which takes a minute.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'

const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url).href)
const { auditKey } = await dist('core/audit/audit-key.js')
const { payloadOf } = await dist('core/call/payload.js')
const { createEncoder, indexRow, rowsOfRun, runsBy, timelineOf } = await dist('observe/index.js')
const { beginning } = await dist('observe/audit/chain.js')
const { createSqliteAudit, readSqliteAudit } = await dist('platform/audit/sqlite.js')
const { systemClock } = await dist('platform/clock/system-clock.js')

const rows = Number(process.argv[2] ?? 1_000_000)
const rowsOfOne = 20
const runs = Math.floor(rows / rowsOfOne)
const batchRows = 256
const folder = mkdtempSync(join(tmpdir(), 'signalbox-timeline-'))
const stateDir = join(folder, 'state')

try {
  execFileSync('mkdir', [stateDir])
  const file = join(stateDir, 'audit.db')
  await fill(file)
  console.log(`${rows} rows in ${runs} runs, ${(statSync(file).size / 1e6).toFixed(0)} MB, ${rowsOfOne} rows a run`)
  const wanted = Array.from({ length: 41 }, (_, n) => `run-${Math.floor((runs - 1) * (n / 40))}`)
  await compare(file, wanted)
  command(wanted)
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** Calls of many runs at once, as agents make them: the rows of a run lie far apart. */
async function fill(file) {
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const store = createSqliteAudit({ file, indexRow, isSafe: false, clock: systemClock, report })
  const encoder = createEncoder({ text: (text) => text, recognised: (text) => text }, (call) =>
    JSON.stringify(call.params.json().arguments),
  )
  const chain = 'be'.repeat(8)
  let prev = beginning(chain)
  const now = systemClock.now()
  for (let first = 0; first < rows; first += batchRows) {
    const count = Math.min(batchRows, rows - first)
    const lines = Array.from({ length: count }, (_, n) => encoder.call(call(first + n, now - rows * 30 + (first + n) * 30)))
    const batch = {
      chain,
      first,
      count,
      atMs: now - (rows - first) * 30,
      atMinMs: now - (rows - first) * 30,
      lines: Buffer.from(lines.join('\n')),
      prev,
    }
    const done = await store.append(batch)
    if (!done.ok) throw new Error(done.fault.message)
    prev = done.value.hash
  }
  while (store.unindexed > 0) await new Promise((resolve) => setTimeout(resolve, 100))
  await store.close()
}

/** Two hundred runs are under way at once. */
function call(n, atMs) {
  const atOnce = 200
  const block = Math.floor(n / (atOnce * rowsOfOne))
  const run = Math.min(runs - 1, block * atOnce + (n % atOnce))
  const turn = Math.floor((n % (atOnce * rowsOfOne)) / atOnce / 4)
  return {
    id: `call-${n}`,
    atMs,
    startedAt: 0,
    settledMs: 40 + (n % 100),
    method: 'tools/call',
    family: 'invoke',
    mount: '',
    target: `up__tool_${n % 37}`,
    upstream: `server-${n % 7}`,
    item: `tool_${n % 37}`,
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
    outcome: 'complete',
    termination: '--',
    attempts: 1,
    attempted: [],
    phases: [],
    usage: { sent: 30, got: 300, cost: 0.001 },
    bytesIn: 120,
    bytesOut: 1_200,
  }
}

async function compare(file, wanted) {
  const store = readSqliteAudit(file)
  const database = new DatabaseSync(file, { readOnly: true })
  const byHand = database.prepare(
    `SELECT b.first AS first, b.lines AS lines FROM audit_keys k
     JOIN audit_chain_batches b ON b.tenant = k.tenant AND b.chain = k.chain AND b.first = k.first
     WHERE k.tenant = '' AND k.k = ? ORDER BY b.at_ms, b.chain, b.first`,
  )
  const ours = []
  const sql = []
  for (const run of wanted) {
    ours.push(await timed(async () => timelineOf(run, (await rowsOfRun(store, run)).value.rows, false)))
    sql.push(
      await timed(async () =>
        byHand
          .all(auditKey(`run:${run}`))
          .flatMap(({ lines }) => Buffer.from(lines).toString().split('\n'))
          .filter((line) => line.includes(`"${run}"`))
          .map((line) => JSON.parse(line)),
      ),
    )
  }
  const found = timelineOf(wanted[7], (await rowsOfRun(store, wanted[7])).value.rows, false)
  const list = await timed(async () => runsBy(store, { fromMs: systemClock.now() - 86_400_000 }, { most: 50 }))
  console.log(
    `a timeline in this process: p50 ${at(ours, 0.5)} ms, p99 ${at(ours, 0.99)} ms (${found.totals.calls} calls in ${found.turns.length} turns)`,
  )
  console.log(
    `the rows by SQL by hand:    p50 ${at(sql, 0.5)} ms, p99 ${at(sql, 0.99)} ms; ratio ${(Number(at(ours, 0.5)) / Number(at(sql, 0.5))).toFixed(2)}`,
  )
  console.log(`the list of all runs of a day: ${list.toFixed(0)} ms`)
  await store.close()
  database.close()
}

function command(wanted) {
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify({ stateDir, servers: {} }))
  const main = join(import.meta.dirname, '..', 'dist', 'main.js')
  const took = []
  let lines = 0
  for (const run of wanted.slice(0, 11)) {
    const from = performance.now()
    lines = execFileSync(process.execPath, [main, 'runs', 'show', run], { cwd: folder, encoding: 'utf8' }).split('\n').length
    took.push(performance.now() - from)
  }
  console.log(`signalbox runs show: p50 ${at(took, 0.5)} ms, longest ${at(took, 1)} ms (${lines} lines)`)
}

async function timed(work) {
  const from = performance.now()
  await work()
  return performance.now() - from
}

function at(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1)
}
