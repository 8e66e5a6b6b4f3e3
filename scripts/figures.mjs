// Runs one test file that measures, and writes the tables that it makes between the marks of a page.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname

/** `variable`: of the environment, names the file that the test writes. The exit code. */
export function writeFigures(test, page, variable, env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-figures-'))
  const file = join(folder, 'figures.md')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const run = spawnSync(process.execPath, [vitest, 'run', test], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, [variable]: file, ...env },
  })
  if (run.status === 0) {
    const figures = readFileSync(file, 'utf8')
    const text = readFileSync(join(root, page), 'utf8')
    const written = text.replace(/(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/, (_, head, tail) => `${head}${figures}\n${tail}`)
    writeFileSync(join(root, page), written)
  }
  rmSync(folder, { recursive: true, force: true })
  return run.status ?? 1
}
