// What it costs to look at one result by itself, in us of CPU: `npm run build && node bench/quality.mjs`. One process, the classifier alone,
// medians of ROUNDS (41) rounds; each size as a server of the SDK sends it. Beside it, for the scale, what one parse of the result costs.
import { classify, Expected } from '../dist/gateway/quality/classifier/classify.js'
import { median } from './processes.mjs'

const rounds = Number(process.env.ROUNDS ?? 41)
const roundUs = 4_000

const row = (id) => ({ id, name: `Customer ${id}`, email: `c${id}@example.com`, active: id % 3 !== 0, balance: id * 12.5, note: null })
const rows = (bytes) => {
  const list = []
  for (let size = 0; size < bytes; size += JSON.stringify(list.at(-1)).length + 1) list.push(row(list.length))
  return { rows: list, total: list.length }
}
const table = (bytes) => {
  let text = '| id | name | email |\n|---|---|---|\n'
  for (let id = 0; text.length < bytes; id += 1) text += `| ${id} | Customer ${id} | c${id}@example.com |\n`
  return text
}
const sentence = 'The quarterly report shows that sales in the northern region have grown by four percent since the last review. '
const prose = (bytes) => sentence.repeat(Math.ceil(bytes / sentence.length)).slice(0, bytes)
const texts = (text) => ({ content: [{ type: 'text', text }] })
const both = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value })

const small = {
  id: 17,
  name: 'Customer 17',
  email: 'c17@example.com',
  active: true,
  address: { street: 'Long Street 4', city: 'Ghent' },
  tags: ['a', 'b'],
  score: 4.5,
  note: 'prefers mail',
}
const cases = {
  '200 B JSON, text': texts(JSON.stringify(small)),
  '200 B JSON, structured': { content: [], structuredContent: small },
  '200 B JSON, both': both(small),
  '200 B prose': texts(prose(200)),
  '4 KiB JSON, text': texts(JSON.stringify(rows(4_096))),
  '4 KiB JSON, structured': { content: [], structuredContent: rows(4_096) },
  '4 KiB JSON, both': both(rows(4_096)),
  '4 KiB table': texts(table(4_096)),
  '4 KiB prose': texts(prose(4_096)),
  '1 MiB JSON, text': texts(JSON.stringify(rows(1_048_576))),
  '1 MiB JSON, both': both(rows(1_048_576)),
}

/** Of the whole process: collecting what a look leaves behind is part of its cost. */
const cpuUs = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
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

/** us a call, of as many calls as take about a round's time. */
const timed = (run, times) => {
  const before = cpuUs()
  for (let n = 0; n < times; n += 1) run()
  return (cpuUs() - before) / times
}
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
