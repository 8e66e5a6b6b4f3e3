import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/** Runs one file of `cases/` as `npm test` would. */
async function run(name: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const { NODE_OPTIONS: _, SIGNALBOX_TEST_WARNINGS: __, VITEST: ___, ...env } = process.env
  const child = spawn(process.execPath, [vitest, 'run', '--config', join(import.meta.dirname, 'cases-config.ts'), name], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: join(import.meta.dirname, '..', '..'),
    env: { ...env, NO_COLOR: '1' },
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, output: out + err }
}

it.each([
  ['in-the-test', /MaxListenersExceededWarning[\s\S]*in-the-test\.ts/],
  ['in-a-program', /DeprecationWarning: Old ways/],
])('a test run fails by a warning %s, and names it', async (name, told) => {
  const { code, output } = await run(name)
  expect(output).toContain('A warning fails the run; mend its cause:')
  expect(output).toMatch(told)
  expect(output).toMatch(/^1 passed, 1 failed$/m)
  expect(code).toBe(1)
})

it('a test run fails by a warning of a program that outlived its file', async () => {
  const { code, output } = await run('after-its-file')
  expect(output).toContain('Late words')
  expect(output).toMatch(/^1 passed, 1 failed$/m)
  expect(code).toBe(1)
})

it('a test run without a warning passes', async () => {
  const { code, output } = await run('silent')
  expect(output).toMatch(/^1 passed, 0 failed$/m)
  expect(code).toBe(0)
})
