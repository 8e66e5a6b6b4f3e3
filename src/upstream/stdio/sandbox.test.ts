// Bubblewrap itself confines children here. Where a system lets nobody make namespaces, or has none, that is skipped and said.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../platform/clock/system-clock.ts'

import { Child, startChild } from './child.ts'
import { sandboxLack } from './sandbox.ts'
import { withoutSockets } from './sandbox-filter.ts'

const tried = spawnSync('bwrap', ['--unshare-user', '--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true'])
const isThere = tried.status === 0
if (!isThere) process.stdout.write('Not tried: bubblewrap (Debian: bubblewrap), or this system lets nobody make namespaces.\n')

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-sandbox-')))
  for (const name of ['state', 'data', 'elsewhere', 'work']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'state', 'seal.key'), 'secret')
  writeFileSync(join(folder, 'signalbox.yaml'), 'secret')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What a script of Node.js says that runs confined. */
async function says(
  code: string,
  sandbox: { files?: string[]; network?: 'none' | 'loopback' } = {},
  env = {},
  script = join(folder, 'work', 'child.cjs'),
): Promise<string> {
  writeFileSync(script, `const done = (value) => process.stdout.write(JSON.stringify(value)); const fs = require('fs')\n${code}`)
  const child = await startChild({
    upstream: 'confined',
    command: process.execPath,
    args: [script],
    env,
    cwd: folder,
    sandbox: { files: [join(folder, 'data')], network: 'none', ...sandbox },
    hidden: [join(folder, 'state'), join(folder, 'signalbox.yaml')],
    clock: systemClock,
    report: { log: () => undefined, counters: { add: () => undefined } },
    graceMs: 500,
    maxQueueBytes: 1_000,
  })
  if (!(child instanceof Child)) return child.message
  let said = ''
  child.onOutput = (chunk) => {
    said += chunk
  }
  await new Promise<void>((resolve) => {
    child.onEnd = () => resolve()
  })
  await child.stop()
  return said === '' ? child.lastWords() : said
}

const attempt = 'const attempt = (what) => { try { return what() } catch (error) { return error.code } }\n'

describe.skipIf(!isThere)('a confined child', () => {
  it('reads and writes what it is given, and runs', async () => {
    const code = `fs.writeFileSync(${JSON.stringify(join(folder, 'data', 'a.txt'))}, 'written'); done(fs.readFileSync(${JSON.stringify(join(folder, 'data', 'a.txt'))}, 'utf8'))`
    expect(await says(code)).toBe('"written"')
    expect(readFileSync(join(folder, 'data', 'a.txt'), 'utf8')).toBe('written')
  })

  it('sees nothing of the gateway: neither state nor configuration, and is not started where it would', async () => {
    const code = `${attempt} done([${[join(folder, 'state', 'seal.key'), join(folder, 'signalbox.yaml')]
      .map((path) => `attempt(() => fs.readFileSync(${JSON.stringify(path)}, 'utf8'))`)
      .join(', ')}, attempt(() => fs.writeFileSync(${JSON.stringify(join(folder, 'state', 'new'))}, ''))])`
    expect(JSON.parse(await says(code))).toEqual(['ENOENT', 'ENOENT', 'ENOENT'])
    for (const files of [[folder], [join(folder, 'state')], ['/'], [join(folder, 'state', 'seal.key')]])
      expect(await says(code, { files })).toContain('holds files of the gateway itself, or lies among them')
    writeFileSync(join(folder, 'beside.cjs'), '')
    expect(await says(code, {}, {}, join(folder, 'beside.cjs'))).toContain('the server would see')
    expect(existsSync(join(folder, 'state', 'new'))).toBe(false)
  })

  it('writes nowhere else, not to its own program, and what it leaves in /tmp goes with it', async () => {
    const places = [join(folder, 'elsewhere', 'a'), join(folder, 'work', 'child.cjs'), '/usr/a', '/etc/a', '/tmp/left-by-a-child']
    const code = `${attempt} done([${places.map((path) => `attempt(() => fs.writeFileSync(${JSON.stringify(path)}, 'x') ?? 'written')`).join(', ')}])`
    const [elsewhere, own, usr, etc, tmp] = JSON.parse(await says(code)) as string[]
    expect([own, usr, tmp]).toEqual(['EROFS', 'EROFS', 'written'])
    // In folders that are its own memory at most.
    expect(['ENOENT', 'written']).toContain(elsewhere)
    expect(['ENOENT', 'EROFS', 'written']).toContain(etc)
    for (const path of [places[0], '/usr/a', '/etc/a', '/tmp/left-by-a-child']) expect(existsSync(path ?? '')).toBe(false)
  })

  it('sees no other process, no home, and no variable of the gateway', async () => {
    const code = `${attempt} done([fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length < 5, attempt(() => fs.readdirSync('/root')), attempt(() => fs.readdirSync('/home')), process.env.HOME])`
    expect(JSON.parse(await says(code))).toEqual([true, 'ENOENT', 'ENOENT', '/tmp'])
  })

  it('reaches no network: with `none` it has no socket, with `loopback` one that is its own', async () => {
    const server = createServer((socket) => socket.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const tries = (host: string, at: number) =>
      `new Promise((resolve) => require('net').connect(${at}, '${host}').on('data', (chunk) => resolve(String(chunk))).on('error', (error) => resolve(error.code)))`
    const code = `const own = require('net').createServer((socket) => socket.end('own')); own.on('error', (error) => finish(error.code)); own.listen(0, '127.0.0.1', async () => finish(await new Promise((resolve) => require('net').connect(own.address().port, '127.0.0.1').on('data', (chunk) => resolve(String(chunk))))))
      async function finish(self) { done([self, await ${tries('127.0.0.1', port)}, await ${tries('192.0.2.1', 80)}]); process.exit() }`
    try {
      expect(JSON.parse(await says(code, { network: 'none' }))).toEqual(['EAFNOSUPPORT', 'EAFNOSUPPORT', 'EAFNOSUPPORT'])
      expect(JSON.parse(await says(code, { network: 'loopback' }))).toEqual(['own', 'ECONNREFUSED', 'ENETUNREACH'])
    } finally {
      server.close()
    }
  })

  it('is not started where its files are not there', async () => {
    expect(await says('', { files: [join(folder, 'none')] })).toContain(`${join(folder, 'none')} does not exist. Create it`)
  })
})

it('without bubblewrap there is no child, and what is missing is named', async () => {
  const { PATH } = process.env
  process.env.PATH = folder
  try {
    expect(
      sandboxLack({ sandbox: { files: [], network: 'none' }, command: 'node', args: [], cwd: folder, hidden: [] }, folder),
    ).toMatchObject({
      key: 'sandbox',
      what: expect.stringContaining('bwrap'),
      mend: expect.stringContaining('install bubblewrap'),
    })
    expect(await says('')).toContain('the program bwrap, which confines the child, is not on the PATH')
  } finally {
    process.env.PATH = PATH
  }
})

it('the filter is known for the architectures of which the numbers are', () => {
  expect(withoutSockets('x64')?.length).toBe(14 * 8)
  expect(withoutSockets('arm64')?.equals(withoutSockets('x64') ?? Buffer.alloc(0))).toBe(false)
  expect(withoutSockets('riscv64')).toBeUndefined()
})
