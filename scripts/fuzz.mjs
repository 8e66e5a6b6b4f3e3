// The long run of the fuzzer; writes its figures into docs/fuzzing.md. `FUZZ_CASES` and `FUZZ_SEED` as in test/fuzz/fuzz.test.ts.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'))
const file = join(folder, 'figures.json')
const run = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/fuzz/fuzz.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { FUZZ_CASES: '200000', ...process.env, FUZZ_FIGURES: file },
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
process.exitCode = run.status ?? 1
