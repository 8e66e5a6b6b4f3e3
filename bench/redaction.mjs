// What it costs to write arguments down, in us of CPU: `npm run build && node bench/redaction.mjs`. One process, medians of ROUNDS (21) rounds.
// Beside it, for the scale, what one parse of the arguments costs.
import { argumentsHash, argumentsKey } from '../dist/core/secrets/arguments-hash.js'
import { KnownValues } from '../dist/core/secrets/known-values.js'
import { redactedArguments } from '../dist/core/secrets/redacted-arguments.js'
import { Redaction } from '../dist/core/secrets/redaction.js'
import { shapeOf } from '../dist/core/secrets/shape-text.js'
import { median } from './processes.mjs'
import { timed } from './sample-results.mjs'

const rounds = Number(process.env.ROUNDS ?? 21)
const roundUs = 4_000
const chance = 'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL'

const search = {
  query: 'status = "open" ORDER BY created DESC',
  project: 'SUP',
  since: '2026-11-30T10:36:23Z',
  limit: 50,
  fields: ['id', 'summary', 'assignee', 'created'],
  includeClosed: false,
  page: 1,
}
const file = { path: '/srv/app/src/components/user-card.tsx', encoding: 'utf-8', create: true }
const sentence = 'The quarterly report shows that sales in the northern region have grown by four percent since the last review. '
const fourKib = {
  ...search,
  notes: Array.from({ length: 12 }, (_, n) => ({ id: n, text: sentence.repeat(2) + n, tags: ['a', 'b'] })),
  ...file,
}
const cases = {
  '200 B, nothing': search,
  '200 B, a file': { ...file, content: sentence },
  '200 B, address and password': { ...file, to: 'anna@example.org', password: 'x', note: 'call +49 151 12345678' },
  '200 B, an id': { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', ref: `pi_${chance}`, note: chance, text: sentence },
  '4 KiB, nothing': fourKib,
  '4 KiB, addresses': { ...fourKib, to: Array.from({ length: 10 }, (_, n) => `anna${n}@example.org`) },
  '4 KiB, one text': { path: '/tmp/x', content: sentence.repeat(36) },
  '1 MiB, one text': { path: '/tmp/x', content: sentence.repeat(9_500) },
}

const known = KnownValues.of(Array.from({ length: 100 }, (_, n) => `${chance.slice(0, 20)}${n}`))
const plain = new Redaction({ keys: [], patterns: [] }, [known])
const configured = new Redaction({ keys: ['internal_note'], patterns: ['CUST-\\d{6}', '(?i)projekt [a-z]+'] }, [known])
const key = argumentsKey(Buffer.alloc(32, 1))
const runs = {
  redacted: (bytes) => redactedArguments(bytes, plain),
  'with 2 patterns': (bytes) => redactedArguments(bytes, configured),
  hashed: (bytes) => argumentsHash(bytes, key),
  shape: (bytes) => shapeOf(bytes),
  'one parse': (bytes) => JSON.parse(bytes.toString('utf8')),
}

const measured = Object.entries(cases).flatMap(([name, value]) => {
  const bytes = Buffer.from(JSON.stringify(value))
  return Object.entries(runs).map(([what, run]) => ({ name, what, size: bytes.length, run: () => run(bytes), us: [] }))
})
const some = (one) => (one.size > 100_000 ? 5 : 500)
for (let n = 0; n < 20; n += 1) for (const one of measured) timed(one.run, some(one))
for (const one of measured) one.times = Math.max(2, Math.round(roundUs / Math.max(0.2, timed(one.run, some(one)))))
for (let round = 0; round < rounds; round += 1) for (const one of measured) one.us.push(timed(one.run, one.times))

const width = 17
console.log(`node ${process.version}, us of CPU, medians of ${rounds} rounds`)
console.log(
  `${''.padEnd(30)}${'bytes'.padStart(9)}${Object.keys(runs)
    .map((what) => what.padStart(width))
    .join('')}`,
)
for (const name of Object.keys(cases)) {
  const row = measured.filter((one) => one.name === name)
  const cells = row.map(({ us }) => median(us).toFixed(2).padStart(width))
  console.log(`${name.padEnd(30)}${String(row[0].size).padStart(9)}${cells.join('')}`)
}
