// What it costs to judge one result, in us of CPU, part by part: `npm run build && node bench/quality.mjs`. One process, without a gateway
// around it, medians of ROUNDS (41) rounds; each size as a server of the SDK sends it. Beside it, for the scale, what one parse of the result
// costs. Parts: where its parts lie and its texts decoded (`parts`; structured content is scanned on the way), the scan of JSON in a text
// (`scan`), the number for the answer (`hash`), rules on what was found (`rules`: what else of the look), and the history of the tool
// (`history`). `on`: the stage of the pipeline as calls pass it, with the arguments, the watch of shapes and what an alert would name; `off`: the
// same calls where nothing is judged. What it costs a whole gateway, whose caches are cold for it: `node bench/costs.mjs quality quality4k`.
import { payload } from '../dist/core/call/payload.js'
import { unconfigured } from '../dist/core/call/tool-settings.js'
import { hashOf } from '../dist/gateway/quality/classifier/answer-hash.js'
import { argumentsHash, classify, Expected } from '../dist/gateway/quality/classifier/classify.js'
import { JsonScan } from '../dist/gateway/quality/classifier/json-scan.js'
import { ResultParts } from '../dist/gateway/quality/classifier/result-parts.js'
import { Histories } from '../dist/gateway/quality/history/index.js'
import { Episodes, JudgedTools, results } from '../dist/gateway/quality/index.js'
import { median } from './processes.mjs'
import { cases, timed } from './sample-results.mjs'

const rounds = Number(process.env.ROUNDS ?? 41)
const roundUs = 4_000
/** Of judging on, beside off: up to these sizes it should cost no more. */
const targets = [
  { bytes: 600, us: 5 },
  { bytes: 10_000, us: 20 },
]

const args = Buffer.from('{"sql":"select * from customers where id > 4","limit":50}')
const learned = { format: 'json', usuallyAtLeast: 100 }
const how = { rows: undefined, emptyIsNormal: false, isPayload: false, sensitivity: 'normal' }
const histories = new Histories(1_000)

const report = { log() {}, counters: { add() {} } }
const stage = results({
  clock: { now: Date.now, mono: () => performance.now() },
  report,
  tools: new JudgedTools({ sensitivity: 'normal', qualityOf: () => undefined }),
  episodes: new Episodes({ report, ownerOf: () => undefined }),
  annotate: true,
  compile: () => ({ validate: () => [] }),
  versionOf: () => '1.0.0',
})
const json = (value) => payload(Buffer.from(JSON.stringify(value)))
const definition = json({ name: 'query_database' })
const traits = { readOnly: true, destructive: false, idempotent: true }

const exchange = { note: () => undefined }
const unjudged = { enter: () => ({ leave: () => undefined }) }

/** Passes a stage with one of 64 calls and answers that differ in one place, as those of a tool in use do. */
function passing(gate, name, result, facts) {
  const item = { kind: 'tool', upstream: 'up', name, definition, traits, settings: unconfigured, declaresOutput: false }
  const text = JSON.stringify(result)
  const made = Array.from({ length: 64 }, (_, n) => {
    const call = { id: `call-${n}`, item, upstream: 'up', params: json({ name, arguments: { sql: `select ${n}`, limit: 50 } }) }
    const bytes = Buffer.from(text.replace('17', String(10 + n)).replace('report', `repor${String.fromCharCode(97 + (n % 26))}`))
    return { call, outcome: { kind: 'complete', result: payload(bytes), facts, annotations: [] } }
  })
  let next = 0
  return () => {
    const { call, outcome } = made[next++ & 63]
    const held = gate.enter(call, exchange)
    held.leave(outcome, call)
    return held.amend?.(outcome) ?? outcome
  }
}

const measured = Object.entries(cases).map(([name, result]) => {
  const bytes = Buffer.from(JSON.stringify(result))
  const hasStructure = 'structuredContent' in result
  const facts = { isError: false, resultType: undefined, hasMeta: false, hasCacheHints: false, hasStructure, bytes: bytes.length }
  const expected = new Expected({ tool: 'query_database' })
  const isJson = name.includes('JSON')
  const look = () => classify(bytes, facts, expected, args, isJson ? learned : undefined)
  const looked = look()
  const [parts, scan] = [new ResultParts(), new JsonScan()]
  parts.read(bytes, hasStructure, scan)
  const history = histories.of(name)
  const asked = Array.from({ length: 64 }, (_, n) => argumentsHash(Buffer.from(`{"n":${n}}`)))
  let atMs = 1_700_000_000_000
  const take = () => {
    atMs += 7_000
    const n = (atMs / 7_000) & 63
    // Answers that change, as those of a tool in use do.
    return history.take(
      { looked: { ...looked, hash: (looked.hash + atMs) | 0 }, atMs, latencyMs: 20 + n, asked: asked[n], wroteAtMs: 0 },
      how,
    )
  }
  const [from, to] = hasStructure ? [parts.structuredAt, parts.structuredEnd] : [parts.contentAt, parts.contentEnd]
  const runs = {
    look,
    parts: () => parts.read(bytes, hasStructure, scan),
    scan: isJson && !hasStructure ? () => scan.scan(parts.text, 0, parts.firstEnd, parts.isPart, false) : undefined,
    hash: () => hashOf(bytes, from, to),
    history: take,
    on: passing(stage, name, result, facts),
    off: passing(unjudged, name, result, facts),
    parse: () => JSON.parse(bytes.toString('utf8')),
  }
  return { name, size: bytes.length, took: {}, runs: Object.entries(runs).filter(([, run]) => run !== undefined) }
})

// All of them are warm before any is measured, as they are in a gateway that has served for a while.
for (let n = 0; n < 30; n += 1) for (const { runs, size } of measured) for (const [, run] of runs) timed(run, size > 100_000 ? 5 : 300)
for (const one of measured) {
  one.times = {}
  for (const [part, run] of one.runs) {
    one.times[part] = Math.max(2, Math.round(roundUs / Math.max(0.2, timed(run, one.size > 100_000 ? 5 : 500))))
    one.took[part] = []
  }
}
for (let round = 0; round < rounds; round += 1) {
  for (const { runs, took, times } of measured) for (const [part, run] of runs) took[part].push(timed(run, times[part]))
}

console.log(`node ${process.version}, us of CPU a result, medians of ${rounds} rounds`)
const columns = ['parts', 'scan', 'hash', 'rules', 'look', 'history', 'on', 'off', 'target', 'one parse']
const line = (name, size, cells) => console.log(name.padEnd(24) + [size, ...cells].map((cell) => String(cell).padStart(10)).join(''))
line('', 'bytes', columns)
for (const { name, size, took } of measured) {
  const us = Object.fromEntries(Object.entries(took).map(([part, all]) => [part, median(all)]))
  const rules = us.look - us.parts - (us.scan ?? 0) - us.hash
  const target = targets.find(({ bytes }) => size <= bytes)?.us ?? '-'
  const shown = [us.parts, us.scan, us.hash, rules, us.look, us.history, us.on, us.off].map((one) =>
    one === undefined ? '-' : one.toFixed(2),
  )
  line(name, size, [...shown, target, us.parse.toFixed(2)])
}
