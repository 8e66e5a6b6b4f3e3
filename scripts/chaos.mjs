// `npm run chaos`: every row of test/chaos in its long form, with the table of what was injected and what came of it. `-- --short`: as CI
// runs them. `-- --toxiproxy`: the rows of L4 through toxiproxy, which is not ours, in place of our own proxy; its server is looked for in
// TOXIPROXY_SERVER, else as `toxiproxy-server` on the PATH. Ends with 1 where a promise was not kept.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const toxiproxy = process.argv.includes('--toxiproxy')
const program = process.env.TOXIPROXY_SERVER ?? 'toxiproxy-server'
if (toxiproxy && spawnSync(program, ['--version']).status !== 0) {
  console.log(
    `Skipped: ${program} cannot be started. Install it (go install github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0) and give its path as TOXIPROXY_SERVER.`,
  )
  process.exit(0)
}
const folder = mkdtempSync(join(tmpdir(), 'signalbox-chaos-table-'))
const file = join(folder, 'rows.jsonl')
const long = !process.argv.includes('--short')
// One suite at a time: beside each other they would only make each other slow.
const args = ['run', '--maxWorkers', '1', '--reporter', 'default', toxiproxy ? 'test/chaos/connections' : 'test/chaos']
const vitest = spawn(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: {
    ...process.env,
    CHAOS_TABLE: file,
    ...(long ? { CHAOS_LONG: '1' } : {}),
    ...(toxiproxy ? { CHAOS_TOXIPROXY: program } : {}),
  },
})
let said = ''
vitest.stdout.on('data', (chunk) => {
  said += chunk
})
const code = await new Promise((resolve) => vitest.on('exit', resolve))
const told = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : []
rmSync(folder, { recursive: true, force: true })

const rows = told.filter((row) => row.id !== undefined)
const place = ({ id }) => 'TPLCX'.indexOf(id[0]) * 1_000 + Number.parseInt(id.slice(1), 10)
rows.sort((a, b) => place(a) - place(b) || (a.fault < b.fault ? -1 : Number(a.fault > b.fault)))
const recovery = ({ recoveryMs, withinMs, verdict }) => {
  if (recoveryMs === null) return '-'
  return verdict === 'bricked' || recoveryMs === undefined ? `none in ${withinMs} ms` : `${Math.ceil(recoveryMs)} of ${withinMs} ms`
}
const columns = {
  id: (row) => row.id,
  'injected fault': (row) => row.fault,
  era: (row) => row.era,
  verdict: (row) => row.verdict,
  answers: (row) => String(row.answers),
  executed: (row) => `${row.executions} of ${row.allowed}`,
  recovery,
  category: (row) => row.category,
  kind: (row) => row.kind,
}
const table = [Object.keys(columns), ...rows.map((row) => Object.values(columns).map((show) => show(row)))]
const widths = Object.keys(columns).map((_, at) => Math.max(...table.map((line) => line[at].length)))
for (const line of table)
  console.log(
    line
      .map((text, at) => text.padEnd(widths[at]))
      .join('  ')
      .trimEnd(),
  )

const count = (verdict) => rows.filter((row) => row.verdict === verdict).length
const sums = ['hung', 'executed twice', 'silent', 'bricked'].map((verdict) => `${count(verdict)} ${verdict}`)
console.log(
  `\n${rows.length} rows of ${new Set(rows.map(({ id }) => id)).size} faults: ${sums.join(', ')}, ${count('another fault')} told as another fault`,
)
for (const { suite, before, after } of told.filter((row) => row.suite !== undefined)) {
  const of = (name) => `${name} ${before[name]} → ${after[name]}`
  const heap = `heap ${Math.round(before.heapBytes / 1_048_576)} → ${Math.round(after.heapBytes / 1_048_576)} MiB`
  console.log(`${suite}: ${of('files')}, ${of('children')}, ${of('timers')}, ${heap}`)
}
if (code !== 0) console.log(`\nFailed:\n${said}`)
process.exit(code === 0 && rows.every((row) => row.verdict === 'kept') ? 0 : 1)
