// What is published works where nothing else is: `npm run package` makes the tarball, installs it into an empty folder without a registry
// and without scripts, starts it and calls a tool of a real server. A minute on a busy machine: the longest of the tests.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root } from './peers/servers.ts'

const out = mkdtempSync(join(tmpdir(), 'signalbox-tarball-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

interface Report {
  readonly tarball: string
  readonly tarballBytes: number
  readonly installedBytes: number
  readonly version: string
  readonly files: readonly string[]
  readonly nodes: readonly { readonly version: string; readonly called: string }[]
}

test('the package installs without a registry and without scripts, is small, runs by npx, and serves', async () => {
  const report = await new Promise<Report>((resolve, reject) => {
    const args = [join(root, 'scripts', 'package.mjs'), '--json', '--out', out]
    execFile(process.execPath, args, { cwd: root, timeout: 240_000 }, (error, said, trouble) =>
      error === null ? resolve(JSON.parse(said) as Report) : reject(new Error(`${error.message}\n${trouble}`)),
    )
  })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(report).toMatchObject({ version, nodes: [{ version: process.version, called: expect.stringMatching(/^Ticket \d+$/) }] })
  expect(report.installedBytes).toBeLessThan(60_000_000)
  expect(report.files).toEqual(
    expect.arrayContaining(['README.md', 'LICENSE', 'package.json', 'dist/main.js', 'schema/signalbox.schema.json']),
  )
  // Nothing of the checkout that is nobody's business.
  expect(report.files.filter((file) => !file.startsWith('node_modules/') && /(^|\/)(src|test|\.env|\.signalbox)(\/|$)/.test(file))).toEqual(
    [],
  )
}, 300_000)
