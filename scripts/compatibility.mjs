// `npm run compatibility`: real clients and servers of every SDK, each pair once directly and once with the gateway between them. The whole
// form writes docs/compatibility.md and docs/compatibility.json, if every peer could be had. `--fast` runs a part of it through the gateway,
// compares with what is committed and fails where a cell has become worse. What cannot be installed here is not run, and said so.
// `--only=TEXT,TEXT` runs the rows with one of the texts in their id and compares; with `--write` it puts them in the place of the committed
// ones. `--at-once=N` runs so many at a time, `--verbose` prints every difference. SIGNALBOX_MAIN is the gateway's main.js.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { features } from '../test/compatibility/features.mjs'
import { asJson, asMarkdown, cellOf, dataOf, stopped, verdict, worse } from '../test/compatibility/page.mjs'
import { peers, root } from '../test/compatibility/peers.mjs'
import { restarted, runRestart } from '../test/compatibility/restart.mjs'
import { allRows, fastRows } from '../test/compatibility/rows.mjs'
import { runOnce } from '../test/compatibility/run.mjs'

const has = (name) => process.argv.includes(`--${name}`)
const value = (name) => process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3)
const fast = has('fast')
const only = value('only')?.split(',')
const chosen = (id) => only === undefined || only.some((text) => id.includes(text))
// Fewer rows at a time than cores in the short form: others run beside it.
const atOnce = Number(value('at-once') ?? Math.max(1, availableParallelism() - (fast ? 1 : 0)))
const fastFeatures = ['connect', 'tools', 'structured', 'tool error', 'progress', 'elicitation', 'resources', 'list change', 'cancellation']
const page = join(root, 'docs', 'compatibility.md')
const data = join(root, 'docs', 'compatibility.json')

async function atATime(count, items, work) {
  const queue = [...items]
  const one = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: count }, one))
}

/** Installs what is needed; id of what could not be had → why. */
async function install(needed) {
  const missing = new Map()
  await atATime(2, needed, async ({ id, install: get }) => {
    await get().catch((error) => missing.set(id, error.code === 'ENOENT' ? `${error.path} is not here` : error.message))
  })
  return missing
}

const wanted = fast ? fastFeatures : features
const waitMs = fast ? 3_000 : 2_500

async function runWhole(row) {
  const seen = []
  const look = async () => {
    const direct = await runOnce(row, false, wanted, waitMs)
    const gateway = await runOnce(row, true, wanted, waitMs)
    const cells = Object.fromEntries(wanted.map((feature) => [feature, cellOf({ direct: direct[feature], gateway: gateway[feature] })]))
    seen.push({ revision: { direct: direct.connect.detail, gateway: gateway.connect.detail }, cells })
    return cells
  }
  const first = await look()
  // A difference is seen again before it is said, and what is seen differently is settled by a third time.
  if (wanted.some((feature) => typeof first[feature] !== 'string')) await look()
  const unsteady = wanted.filter((feature) => new Set(seen.map(({ cells }) => verdict(cells[feature]))).size > 1)
  if (unsteady.length > 0) await look()
  const settled = { ...seen.at(-1).cells }
  const [one, two, three] = seen.map(({ cells }) => cells)
  for (const feature of unsteady)
    settled[feature] = [one, two].find((cells) => verdict(cells[feature]) === verdict(three[feature]))?.[feature] ?? one[feature]
  return { ...row, revision: seen.at(-1).revision, cells: settled, unsteady }
}

/** Through the gateway alone, and up to three times: what works once is not lost. Only what is lost is run directly too. */
async function runFast(row) {
  const cells = {}
  let gateway
  for (let n = 0; n < 3; n += 1) {
    gateway = await runOnce(row, true, wanted, waitMs)
    for (const feature of wanted) if (cells[feature] !== 'yes') cells[feature] = gateway[feature].result
    if (worse(committed(), [{ id: row.id, cells }]).length === 0) return { ...row, cells, unsteady: [] }
  }
  const direct = await runOnce(row, false, wanted, waitMs)
  for (const feature of wanted)
    if (cells[feature] !== 'yes') cells[feature] = cellOf({ direct: direct[feature], gateway: gateway[feature] })
  return { ...row, cells, unsteady: [] }
}

const order = new Map(allRows().map(({ id }, index) => [id, index]))
const sorted = (list) => list.filter(({ id }) => order.has(id)).sort((a, b) => order.get(a.id) - order.get(b.id))
const committed = () => (existsSync(data) ? JSON.parse(readFileSync(data, 'utf8')) : { restart: {}, rows: [] })

/** Puts the rows in the place of the committed ones. */
function write(found, kept = committed()) {
  const mine = new Set(found.rows.map(({ id }) => id))
  const merged = {
    restart: { ...kept.restart, ...found.restart },
    rows: sorted([...kept.rows.filter(({ id }) => !mine.has(id)), ...found.rows]),
  }
  writeFileSync(page, asMarkdown(merged))
  writeFileSync(data, asJson(merged))
}

function tell({ id, cells, unsteady }) {
  const counts = { yes: 0, no: 0, less: 0, more: 0 }
  for (const cell of Object.values(cells)) if (verdict(cell) in counts) counts[verdict(cell)] += 1
  const rest = Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]))
  console.log(`${id}: ${rest.join(', ')}${unsteady.length === 0 ? '' : `; not every time: ${unsteady.join(', ')}`}`)
  if (!has('verbose')) return
  for (const [feature, cell] of Object.entries(cells))
    if (typeof cell !== 'string') console.log(`    ${feature}: directly ${cell.direct} / through the gateway ${cell.gateway}`)
    else if (cell === 'no') console.log(`    ${feature}: no`)
}

const began = performance.now()
const rows = (fast ? fastRows() : allRows()).filter(({ id }) => chosen(id))
const idle = chosen('restart') ? peers.filter(({ id }) => restarted.has(id)) : []
const needed = [...new Set([...idle, ...rows.flatMap(({ client, server, bridge }) => [client, server, bridge ?? client])])]
const missing = await install(needed)
for (const [id, why] of missing) console.log(`Notice: ${id} is not run: ${why}`)
const done = []
await atATime(
  atOnce,
  rows.filter(({ client, server, bridge }) => ![client, server, bridge].some((peer) => missing.has(peer?.id))),
  async (row) => {
    const result = await (fast ? runFast : runWhole)(row)
    done.push(result)
    tell(result)
    if (only !== undefined && has('write') && missing.size === 0) write(dataOf([result], {}))
  },
)
const restart = await runRestart(idle.filter(({ id }) => !missing.has(id)))
for (const { title, clients, wentOn, detail } of Object.values(restart))
  console.log(`restart: ${title}: ${wentOn} of ${clients} went on${detail === undefined ? '' : ` (${detail})`}`)

const found = dataOf(sorted(done), restart)
const cells = done.flatMap((row) => Object.values(row.cells))
const different = cells.filter((cell) => typeof cell !== 'string').length
const seconds = Math.round((performance.now() - began) / 1_000)
const totals = `${done.length} rows, ${cells.length} cells, ${fast ? '' : `${different} different through the gateway, `}`
console.log(`${totals}${missing.size} peers not run, ${seconds} s`)

if (!fast && (only === undefined || has('write'))) {
  if (missing.size > 0) {
    console.log('docs/compatibility.md is not written, since not every peer could be had.')
    process.exit(0)
  }
  write(found, only === undefined ? { restart: {}, rows: [] } : committed())
  console.log('docs/compatibility.md and docs/compatibility.json are written.')
  process.exit(0)
}
const before = committed()
const lost = [...worse(before, found.rows), ...stopped(before, found.restart)]
for (const one of lost) console.log(`WORSE ${one}`)
process.exit(lost.length === 0 ? 0 : 1)
