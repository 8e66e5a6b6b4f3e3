// Masks all files of the packages that are installed, in which there should be no secret, and writes what was masked into docs/guards.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-guards-'))
const file = join(folder, 'figures.md')
const run = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/guards/false-positives.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, GUARDS_PAGE: file },
})
if (run.status === 0) {
  const page = join(root, 'docs/guards.md')
  const figures = readFileSync(file, 'utf8')
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(/(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/, (_, head, tail) => `${head}${figures}\n${tail}`),
  )
}
rmSync(folder, { recursive: true, force: true })
process.exitCode = run.status ?? 1
