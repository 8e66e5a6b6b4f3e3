// The long run of the promise of the judge of contracts (src/gateway/contracts/judge/promise.test.ts); writes its figures into docs/contracts.md.
// `CONTRACT_PAIRS` (20,000) and `PROPERTY_SEED` as in the test.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-contracts-'))
const file = join(folder, 'figures.json')
const seed = process.env.PROPERTY_SEED ?? String((Date.now() ^ (process.pid << 8)) & 0x7fffffff)
const began = Date.now()
const run = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'src/gateway/contracts/judge/promise.test.ts'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PROPERTY_SEED: seed, CONTRACT_PAIRS: process.env.CONTRACT_PAIRS ?? '20000', CONTRACT_FIGURES: file },
  },
)
if (run.status === 0) {
  const figures = JSON.parse(readFileSync(file, 'utf8'))
  const number = (value) => value.toLocaleString('en-US')
  const refusing = figures.unknown + figures.ignored + figures.breaking
  const share = ((figures.without / refusing) * 100).toFixed(1)
  const seconds = Math.round((Date.now() - began) / 1000)
  const cells = [
    ...[figures.pairs, figures.same, figures.additive, figures.behavioural, refusing, figures.values].map(number),
    ...['0', `${number(figures.without)} (${share} %)`, number(figures.spent), number(figures.fell), seed, `${number(seconds)} s`],
  ]
  const heads = [
    ...['Pairs', 'same', 'additive', 'behavioural', 'breaking, ignored, unknown', 'Values tried', 'Promise broken'],
    ...['Without an example', 'Steps spent', 'Not compiled by ajv', 'Seed', 'Took'],
  ]
  const table = `| ${heads.join(' | ')} |\n|${heads.map(() => '---|').join('')}\n| ${cells.join(' | ')} |`
  const page = join(root, 'docs/contracts.md')
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(/(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/, (_, head, tail) => `${head}${table}\n${tail}`),
  )
}
rmSync(folder, { recursive: true, force: true })
process.exitCode = run.status ?? 1
