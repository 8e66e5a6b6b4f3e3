// The long run of the fuzzer; writes its figures into docs/fuzzing.md. `FUZZ_CASES` and `FUZZ_SEED` as in test/fuzz/fuzz.test.ts. After it
// all tests of properties, with cases that no run before drew.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'))
const file = join(folder, 'figures.json')
const random = (Date.now() ^ (process.pid << 8)) & 0x7fffffff
const tests = (files, env) =>
  spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
const run = tests(['test/fuzz/fuzz.test.ts'], {
  FUZZ_CASES: process.env.FUZZ_CASES ?? '200000',
  FUZZ_SEED: process.env.FUZZ_SEED ?? String(random),
  FUZZ_FIGURES: file,
})
if (run.status === 0) {
  const { cases, rounds, server, client, seconds, anomalies, records, seed } = JSON.parse(readFileSync(file, 'utf8'))
  const number = (value) => value.toLocaleString('en-US')
  const row = `| ${number(cases)} | ${number(server)} | ${number(client)} | ${number(rounds)} | ${number(anomalies)} | ${number(records)} | ${seed} | ${process.version} | ${number(seconds)} s |`
  const table = `| Cases | by servers | by clients | Rounds | Anomalies counted | Records | Seed | Node.js | Took |\n|---|---|---|---|---|---|---|---|---|\n${row}\n\nNo round failed.`
  const page = join(root, 'docs/fuzzing.md')
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(/(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/, (_, head, tail) => `${head}${table}\n${tail}`),
  )
}
rmSync(folder, { recursive: true, force: true })
const properties = spawnSync('git', ['grep', '-l', "/property.ts'", '--', 'src', 'test'], { cwd: root, encoding: 'utf8' })
const drawn = tests(properties.stdout.trim().split('\n'), { PROPERTY_SEED: 'random' })
process.exitCode = (run.status ?? 1) || (drawn.status ?? 1)
