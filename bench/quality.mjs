// What it costs to look at one result by itself, in us of CPU: `npm run build && node bench/quality.mjs`. One process, the classifier alone,
// medians of ROUNDS (41) rounds; each size as a server of the SDK sends it. Beside it, for the scale, what one parse of the result costs.
import { classify, Expected } from '../dist/gateway/quality/classifier/classify.js'
import { median } from './processes.mjs'
import { cases, timed } from './sample-results.mjs'

const rounds = Number(process.env.ROUNDS ?? 41)
const roundUs = 4_000

const args = Buffer.from('{"sql":"select * from customers where id > 4","limit":50}')
const learned = { format: 'json', usuallyAtLeast: 100 }

const measured = Object.entries(cases).map(([name, result]) => {
  const bytes = Buffer.from(JSON.stringify(result))
  const hasStructure = 'structuredContent' in result
  const facts = { isError: false, resultType: undefined, hasMeta: false, hasCacheHints: false, hasStructure, bytes: bytes.length }
  const expected = new Expected({ tool: 'query_database' })
  const isJson = name.includes('JSON')
  const looks = () => classify(bytes, facts, expected, args, isJson ? learned : undefined)
  const parses = () => JSON.parse(bytes.toString('utf8'))
  return { name, size: bytes.length, looks, parses, look: [], parse: [] }
})

// All of them are warm before any is measured, as they are in a gateway that has served for a while.
for (let n = 0; n < 30; n += 1) for (const one of measured) timed(one.looks, one.size > 100_000 ? 20 : 1_000)
for (const one of measured) one.times = Math.max(2, Math.round(roundUs / Math.max(0.2, timed(one.looks, one.size > 100_000 ? 5 : 500))))
for (let round = 0; round < rounds; round += 1) {
  for (const one of measured) {
    one.look.push(timed(one.looks, one.times))
    if (round % 4 === 0) one.parse.push(timed(one.parses, one.times))
  }
}
console.log(`node ${process.version}, us of CPU a result, medians of ${rounds} rounds`)
for (const { name, size, look, parse } of measured) {
  console.log(
    `${name.padEnd(24)} ${String(size).padStart(8)} bytes ${median(look).toFixed(2).padStart(9)} (one parse ${median(parse).toFixed(2)})`,
  )
}
