// Servers as they are published, confined: a call works; what they are asked to do beyond what they are given they cannot; none is left behind.

import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { connect } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { writeConfig } from '../peers/config.ts'
import { startProcess } from '../peers/process.ts'
import { eventually, marked } from '../peers/processes.ts'
import { everything, filesystem } from '../peers/servers.ts'
import { promise } from './promise.ts'

const isThere = spawnSync('bwrap', ['--unshare-user', '--unshare-all', '--ro-bind', '/', '/', '--proc', '/proc', 'true']).status === 0
if (!isThere) process.stdout.write('Not tried: confined servers. Debian: bubblewrap; the system has to let users make namespaces.\n')

const open: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-confined-')))
  open.push(async () => rmSync(path, { recursive: true, force: true }))
  return path
}

const text = (result: { readonly content: readonly { readonly text?: string }[] }): string => result.content[0]?.text ?? ''

/** Of several processes that make one server the end of one is that of the others. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

describe.skipIf(!isThere)('servers with `sandbox`', () => {
  promise(
    'R33',
    'a real file server reads and writes what it is given; state, configuration and everything else are out of its reach',
    async () => {
      const [data, state, elsewhere] = [folder(), folder(), folder()]
      const mark = randomUUID()
      // It would serve the whole machine.
      const server = { ...filesystem('/'), env: { SIGNALBOX_TEST_MARK: mark }, sandbox: { files: [data] } }
      const gateway = await startProcess({ stateDir: state, servers: { files: server } })
      open.push(() => gateway.end('SIGKILL'))
      const client = await connect('v2 modern http', { base: gateway.base, mount: '/files' })
      open.push(() => client.close())

      expect(text(await client.call('write_file', { path: join(data, 'a.txt'), content: 'kept' }))).toContain('Successfully')
      expect(readFileSync(join(data, 'a.txt'), 'utf8')).toBe('kept')
      expect(text(await client.call('read_text_file', { path: join(data, 'a.txt') }))).toBe('kept')

      const secrets = readdirSync(state)
      expect(secrets).toContain('seal.key')
      const refused = [
        ['read_text_file', { path: join(state, 'seal.key') }],
        ['list_directory', { path: state }],
        ['read_text_file', { path: `/proc/${process.pid}/environ` }],
        ['read_text_file', { path: '/etc/shadow' }],
        ['write_file', { path: join(elsewhere, 'a.txt'), content: 'x' }],
        ['write_file', { path: '/usr/signalbox-test', content: 'x' }],
      ] as const
      for (const [tool, args] of refused) expect([tool, args, (await client.call(tool, args)).isError]).toEqual([tool, args, true])
      expect(readdirSync(elsewhere)).toEqual([])
      expect(existsSync('/usr/signalbox-test')).toBe(false)

      // Killed, it comes back confined; ended, nothing is left of it.
      const before = marked(mark)
      for (const pid of before) signal(pid, 'SIGKILL')
      const again = () => client.call('list_directory', { path: state })
      expect(
        await eventually(
          async () => text(await client.call('read_text_file', { path: join(data, 'a.txt') }).catch(() => ({ content: [] }))) === 'kept',
          40_000,
        ),
      ).toBe(true)
      expect((await again()).isError).toBe(true)
      expect(marked(mark).some((pid) => before.includes(pid))).toBe(false)
      await client.close()
      expect(await gateway.end('SIGTERM')).toBe(0)
      expect(await eventually(() => marked(mark).length === 0)).toBe(true)
    },
    120_000,
  )

  promise(
    ['R33', 'R77'],
    'a real server reaches nothing outside, a hang and the kill of the gateway leave nothing of it',
    async () => {
      const outside = createServer((_req, res) => res.end('reached'))
      await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
      open.push(() => new Promise((resolve) => outside.close(resolve)))
      const url = `http://127.0.0.1:${(outside.address() as { port: number }).port}/`
      const mark = randomUUID()
      const env = { SIGNALBOX_TEST_MARK: mark }
      const gateway = await startProcess({
        servers: {
          free: everything,
          none: { ...everything, env, sandbox: {} },
          loopback: { ...everything, env, sandbox: { network: 'loopback' }, timeouts: { call: 2_000, connect: 1_000 } },
        },
      })
      open.push(() => gateway.end('SIGKILL'))
      const client = await connect('v2 modern http', { base: gateway.base, mount: '' })
      open.push(() => client.close())
      const zipped = (name: string) => client.call(`${name}__gzip-file-as-resource`, { name: 'a.gz', data: url, outputType: 'resource' })
      expect((await zipped('free')).isError).toBeFalsy()
      for (const name of ['none', 'loopback']) {
        expect(text(await client.call(`${name}__echo`, { message: 'hello' }))).toBe('Echo: hello')
        expect((await zipped(name)).isError).toBe(true)
      }

      // A child that hangs is ended by the gateway, and another takes its place.
      const hung = marked(mark)
      for (const pid of hung) signal(pid, 'SIGSTOP')
      await client.call('loopback__echo', { message: 'lost' }).catch(() => undefined)
      expect(
        await eventually(
          async () => text(await client.call('loopback__echo', { message: 'back' }).catch(() => ({ content: [] }))) === 'Echo: back',
          40_000,
        ),
      ).toBe(true)

      await gateway.end('SIGKILL')
      expect(await eventually(() => marked(mark).length === 0, 20_000)).toBe(true)
    },
    120_000,
  )
})

promise(
  'R74',
  'a server that cannot be confined is refused by name, by `check` and at the start, and is never started unconfined',
  async () => {
    const config = writeConfig({ servers: { files: { ...filesystem('/'), sandbox: { files: ['/no/such/folder'] } }, other: everything } })
    open.push(async () => config.remove())
    const reason = isThere ? '/no/such/folder does not exist' : 'bwrap'
    const checked = await signalbox(config.folder, 'check', config.path, '--no-connect')
    expect(checked).toMatchObject({ code: 11, out: expect.stringContaining(reason) })
    const gateway = await startProcess({
      servers: { files: { ...filesystem('/'), sandbox: { files: ['/no/such/folder'] } }, other: everything },
    })
    open.push(() => gateway.end('SIGKILL'))
    const told = await gateway.upstreams()
    expect(told.find(({ name }) => name === 'other')?.state).toBe('ready')
    expect(
      await eventually(async () => (await gateway.upstreams()).find(({ name }) => name === 'files')?.reason?.includes(reason) === true),
    ).toBe(true)
  },
)
