// What guards cost a result, in us of CPU: `npm run build && node bench/guards.mjs`. One process, medians of ROUNDS (21) rounds. Nothing is found
// in any of them, which is the usual case; each size as a server of the SDK sends it. Beside it, for the scale, what one parse of the result costs.
import { randomBytes } from 'node:crypto'
import { payload } from '../dist/core/call/payload.js'
import { KnownValues } from '../dist/core/secrets/known-values.js'
import { mask } from '../dist/gateway/guards/mask.js'
import { markUntrusted } from '../dist/gateway/guards/untrusted.js'
import { median } from './processes.mjs'
import { cases, timed } from './sample-results.mjs'

const rounds = Number(process.env.ROUNDS ?? 21)
const roundUs = 4_000

/** As issuers make them: of one form, each another. */
const tokens = (count) => {
  const known = KnownValues.of([])
  known.add(
    Array.from(
      { length: count },
      () => `eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.${randomBytes(150).toString('base64url')}.${randomBytes(64).toString('base64url')}`,
    ),
  )
  return known
}
const own = { one: tokens(1), hundred: tokens(100), most: tokens(10_000) }
const boundary = '0'.repeat(32)
const guards = {
  'own, 1 token': (bytes) => mask(bytes, false, own.one),
  'own, 100 tokens': (bytes) => mask(bytes, false, own.hundred),
  'own, 10,000 tokens': (bytes) => mask(bytes, false, own.most),
  'secrets: mask': (bytes) => mask(bytes, true, undefined),
  'untrusted: mark': (bytes) => markUntrusted(payload(bytes), 'up', boundary, 0),
  'one parse': (bytes) => JSON.parse(bytes.toString('utf8')),
}

const measured = Object.entries(cases).flatMap(([name, result]) => {
  const bytes = Buffer.from(JSON.stringify(result))
  return Object.entries(guards).map(([guard, run]) => ({ name, guard, size: bytes.length, run: () => run(bytes), us: [] }))
})
const some = (one) => (one.size > 100_000 ? 5 : 500)
for (let n = 0; n < 20; n += 1) for (const one of measured) timed(one.run, some(one))
for (const one of measured) one.times = Math.max(2, Math.round(roundUs / Math.max(0.2, timed(one.run, some(one)))))
for (let round = 0; round < rounds; round += 1) for (const one of measured) one.us.push(timed(one.run, one.times))

const width = 19
console.log(`node ${process.version}, us of CPU a result, medians of ${rounds} rounds`)
console.log(
  `${''.padEnd(24)}${'bytes'.padStart(9)}${Object.keys(guards)
    .map((guard) => guard.padStart(width))
    .join('')}`,
)
for (const name of Object.keys(cases)) {
  const row = measured.filter((one) => one.name === name)
  const cells = row.map(({ us }) => median(us).toFixed(2).padStart(width))
  console.log(`${name.padEnd(24)}${String(row[0].size).padStart(9)}${cells.join('')}`)
}
