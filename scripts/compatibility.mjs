// `npm run compatibility`: real clients and servers of every SDK, each pair once directly and once with the gateway between them. The whole
// form writes docs/compatibility.md and docs/compatibility.json, if every peer could be had. `--fast` runs a part of it, compares with what
// is committed and fails where a cell has become worse. What cannot be installed here is not run, and said so. `--only=TEXT` runs the rows
// with that text in their id, `--at-once=N` so many at a time, `--verbose` prints every difference. SIGNALBOX_MAIN is the gateway's main.js.
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { asJson, asMarkdown, verdict, worse } from '../test/compatibility/page.mjs'
import { peers, root } from '../test/compatibility/peers.mjs'
import { runRestart } from '../test/compatibility/restart.mjs'
import { allRows, fastRows } from '../test/compatibility/rows.mjs'
import { features, runOnce } from '../test/compatibility/run.mjs'

const fast = process.argv.includes('--fast')
const verbose = process.argv.includes('--verbose')
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice(7)
const atOnce = Number(process.argv.find((arg) => arg.startsWith('--at-once='))?.slice(10)) || undefined
const fastFeatures = ['connect', 'tools', 'structured', 'tool error', 'progress', 'elicitation', 'resources', 'list change', 'cancellation']
const page = join(root, 'docs', 'compatibility.md')
const data = join(root, 'docs', 'compatibility.json')

/** Installs what the rows need; what could not be had → why. */
async function install(needed) {
  const missing = new Map()
  const queue = [...needed]
  const one = async () => {
    for (let peer = queue.shift(); peer !== undefined; peer = queue.shift()) {
      const { id } = peer
      await peer.install().catch((error) => missing.set(id, error.code === 'ENOENT' ? `${error.path} is not here` : error.message))
    }
  }
  await Promise.all([one(), one()])
  return missing
}

async function runRow(row) {
  const wanted = fast ? fastFeatures : features
  const waitMs = fast ? 3_000 : 2_500
  const cells = {}
  const add = async () => {
    const direct = await runOnce(row, false, wanted, waitMs)
    const gateway = await runOnce(row, true, wanted, waitMs)
    const revision = { direct: direct.connect.detail, gateway: gateway.connect.detail }
    for (const feature of wanted) {
      const seen = cells[feature]?.seen ?? []
      seen.push({ direct: direct[feature], gateway: gateway[feature] })
      cells[feature] = { ...seen.at(-1), seen }
    }
    return revision
  }
  let revision = await add()
  const differs = () => wanted.some((feature) => !['yes', 'none'].includes(verdict(cells[feature])))
  // What differs is seen again before it is said, and what is seen differently is settled by a third time.
  if (differs()) revision = await add()
  const unsteady = wanted.filter((feature) => new Set(cells[feature].seen.map(verdict)).size > 1)
  if (unsteady.length > 0) {
    revision = await add()
    for (const feature of unsteady) {
      const [one, two, three] = cells[feature].seen
      cells[feature] = { ...(verdict(one) === verdict(three) ? one : verdict(two) === verdict(three) ? two : three), seen: cells[feature].seen }
    }
  }
  const settled = Object.fromEntries(wanted.map((feature) => [feature, { direct: cells[feature].direct, gateway: cells[feature].gateway }]))
  return { ...row, revision, cells: settled, unsteady }
}

function tell({ id, cells, unsteady }) {
  const counts = { yes: 0, no: 0, less: 0, more: 0 }
  for (const cell of Object.values(cells)) if (verdict(cell) in counts) counts[verdict(cell)] += 1
  const { yes, ...others } = counts
  const rest = Object.entries(others).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]))
  console.log(`${id}: ${[`${yes} yes`, ...rest].join(', ')}${unsteady.length === 0 ? '' : `; not every time: ${unsteady.join(', ')}`}`)
  if (!verbose) return
  for (const [feature, { direct, gateway }] of Object.entries(cells)) {
    const show = ({ result, detail }) => `${result} ${detail}`.trim()
    if (direct.result !== 'yes' || gateway.result !== 'yes') console.log(`    ${feature}: directly ${show(direct)} / through the gateway ${show(gateway)}`)
  }
}

const began = performance.now()
const rows = (fast ? fastRows() : allRows()).filter(({ id }) => only === undefined || id.includes(only))
const restarts = only === undefined || only === 'restart'
const needed = peers.filter((peer) => (restarts && (fast ? peer.fast === true : true)) || rows.some((row) => row.client === peer || row.server === peer))
console.log(`Installing ${needed.length} peers where they are not there yet …`)
const missing = await install(needed)
for (const [id, why] of missing) console.log(`Notice: ${id} is not run: ${why}`)
const waiting = rows.filter(({ client, server, bridge }) => ![client, server, bridge].some((peer) => missing.has(peer?.id)))
const done = []
async function work() {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    const result = await runRow(row)
    done.push(result)
    tell(result)
  }
}
// Fewer rows at a time than cores in the short form: others run beside it.
await Promise.all(Array.from({ length: atOnce ?? (fast ? Math.max(1, availableParallelism() - 1) : availableParallelism()) }, work))
const restart = restarts ? await runRestart(needed.filter(({ id }) => !missing.has(id))) : {}
for (const { title, clients, wentOn, detail } of Object.values(restart))
  console.log(`restart, ${title}: ${wentOn} of ${clients} went on${detail === undefined ? '' : ` (${detail})`}`)

const order = new Map(allRows().map(({ id }, index) => [id, index]))
peers.forEach((peer, index) => {
  peer.place = index
})
done.sort((a, b) => order.get(a.id) - order.get(b.id))
const seconds = Math.round((performance.now() - began) / 1_000)
const cellsOf = done.flatMap(({ cells }) => Object.values(cells))
const different = cellsOf.filter((cell) => ['less', 'more'].includes(verdict(cell))).length
console.log(`${done.length} rows, ${cellsOf.length} cells, ${different} different through the gateway, ${missing.size} peers not run, ${seconds} s`)

if (fast || only !== undefined) {
  const committed = JSON.parse(readFileSync(data, 'utf8'))
  const lost = worse(committed, done)
  for (const { id, feature, is, direct } of lost) console.log(`WORSE ${id}: ${feature}: ${is} (directly ${direct})`)
  const stopped = Object.entries(restart).filter(([id, { wentOn }]) => wentOn < (committed.restart[id]?.wentOn ?? 0))
  for (const [id, { wentOn, clients }] of stopped) console.log(`WORSE restart ${id}: ${wentOn} of ${clients} went on`)
  process.exit(lost.length + stopped.length === 0 ? 0 : 1)
}
if (missing.size > 0) console.log('docs/compatibility.md is not written, since not every peer could be had.')
else {
  writeFileSync(page, asMarkdown({ rows: done, restart }))
  writeFileSync(data, asJson({ rows: done, restart }))
  console.log('docs/compatibility.md and docs/compatibility.json are written.')
}
process.exit(0)
