// Measures what the judging of results reaches (test/quality/quality.test.ts), all of it, and writes the tables into docs/quality.md.
// `QUALITY_SEED` (1): the traffic. `--without-untuned`: the kinds that nothing was tuned on are left out, as they have to be while constants are
// changed: who has seen what comes out for them has tuned on them.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-quality-'))
const file = join(folder, 'figures.md')
const run = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/quality/quality.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    QUALITY_PAGE: file,
    ...(process.argv.includes('--without-untuned') ? { QUALITY_WITHOUT_UNTUNED: '1' } : {}),
  },
})
if (run.status === 0) {
  const page = join(root, 'docs/quality.md')
  const figures = readFileSync(file, 'utf8')
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(/(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/, (_, head, tail) => `${head}${figures}\n${tail}`),
  )
}
rmSync(folder, { recursive: true, force: true })
process.exitCode = run.status ?? 1
