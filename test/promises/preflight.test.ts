// What is wrong with a configuration or a machine is told before the first call: by `signalbox check`, and by the start itself.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { startUnderTest } from '../peers/gateway.ts'
import { startProcess } from '../peers/process.ts'
import { modern, upstreamsOf } from '../peers/raw.ts'
import { plainTool, scriptedStdio, startScripted } from '../peers/scripted.ts'
import { everything, root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-preflight-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Run {
  readonly code: number | null
  readonly text: string
}

function signalbox(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), ...args], { env: { ...process.env, ...env }, cwd: folder })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    child.once('close', (code) => resolve({ code, text }))
  })
}

function configured(config: Record<string, unknown>): string {
  const path = join(folder, 'signalbox-under-check.yaml')
  writeFileSync(path, JSON.stringify({ listen: '127.0.0.1:0', ...config }))
  return path
}

const good = scriptedStdio([plainTool('ping')], `say({ id, result: { content: [] } })`)

describe('a missing environment variable', () => {
  const servers = { good, tracker: { ...good, env: { TOKEN: '${env:SIGNALBOX_TEST_TRACKER_TOKEN}' } } }

  promise('R74', 'is found by `signalbox check`, naming variable and server', async () => {
    const run = await signalbox(['check', configured({ servers })])
    expect(run.code).toBe(11)
    expect(run.text).toMatch(/tracker.*SIGNALBOX_TEST_TRACKER_TOKEN is not set/)
    expect((await signalbox(['check', configured({ servers })], { SIGNALBOX_TEST_TRACKER_TOKEN: 'there' })).code).toBe(0)
  })

  promise('R74', 'is found at the start, not at the first call: the server is named with its reason, the others are served', async () => {
    const gateway = await startProcess({ servers })
    const upstreams = await gateway.upstreams()
    expect(upstreams).toMatchObject([
      { name: 'good', state: 'ready' },
      { name: 'tracker', state: 'unavailable', reason: expect.stringContaining('SIGNALBOX_TEST_TRACKER_TOKEN') },
    ])
    const { message } = await modern(gateway.base, 'tools/call', { name: 'ping', arguments: {} }, { mount: '/tracker' })
    expect(JSON.stringify(message)).toContain('SIGNALBOX_TEST_TRACKER_TOKEN')
    await gateway.end('SIGTERM')
  })
})

describe('a path that this machine does not have', () => {
  promise('R75', 'is found where it is checked: folder, program, script and argument, each by its key', async () => {
    const config = configured({
      servers: {
        a: { command: 'node', cwd: join(folder, 'nowhere') },
        b: { command: 'no-such-program-here' },
        c: { command: 'node', args: ['missing-server.mjs'] },
        d: { ...everything, args: [...everything.args, '/no/such/data'] },
      },
    })
    const run = await signalbox(['check', '--no-connect', config])
    expect(run.code).toBe(11)
    for (const key of ['servers.a.cwd', 'servers.b.command', 'servers.c.args.0', 'servers.d.args.2']) expect(run.text).toContain(key)
    const data = JSON.parse((await signalbox(['check', '--no-connect', '--json', config])).text)
    expect(data.exitCode).toBe(11)
    expect(data.lacks).toHaveLength(4)
  })

  promise('R75', 'of two machines with one file, the one that has what it names passes', async () => {
    const config = configured({ servers: { a: { command: 'node', args: ['${env:DATA}/server.mjs'] } } })
    writeFileSync(join(folder, 'server.mjs'), '')
    expect((await signalbox(['check', '--no-connect', config], { DATA: folder })).code).toBe(0)
    const other = await signalbox(['check', '--no-connect', config], { DATA: '/srv/elsewhere' })
    expect(other.code).toBe(11)
    expect(other.text).toContain('/srv/elsewhere/server.mjs does not exist')
  })
})

describe('a revision that does not fit', () => {
  promise('R76', 'is detected at connect and shown with server and reason, for either direction', async () => {
    const future = await startScripted({ era: 'legacy', revision: '2031-01-01' })
    const old = await startScripted({ era: 'legacy' })
    const gateway = await startUnderTest({
      servers: {
        future: { url: future.url, era: 'legacy' },
        pinned: { url: old.url, era: 'modern' },
        fine: { url: old.url },
      },
    })
    const upstreams = await upstreamsOf(gateway.admin)
    await gateway.stop()
    await future.close()
    await old.close()
    expect(upstreams.find(({ name }: { name: string }) => name === 'future')).toMatchObject({
      name: 'future',
      state: 'unavailable',
      reason: expect.stringContaining('2031-01-01'),
    })
    expect(upstreams.find(({ name }: { name: string }) => name === 'pinned')).toMatchObject({
      name: 'pinned',
      state: 'unavailable',
      reason: expect.stringContaining('2026-07-28'),
    })
    expect(upstreams.find(({ name }: { name: string }) => name === 'fine')).toEqual({ name: 'fine', state: 'ready' })
  })

  promise('R76', 'of a client is refused with the revisions that are served', async () => {
    const gateway = await startUnderTest({ servers: { good } })
    const answer = await modern(
      gateway.base,
      'tools/list',
      { _meta: { 'io.modelcontextprotocol/protocolVersion': '2031-01-01' } },
      { headers: { 'mcp-protocol-version': '2031-01-01' } },
    )
    await gateway.stop()
    expect(answer.status).toBe(400)
    expect(answer.message.error.code).toBe(-32022)
    expect(answer.message.error.data.supported).toContain('2026-07-28')
  })
})

describe('one declaration, two profiles', () => {
  const servers = { good }
  const access = [{ use: ['*'] }]

  promise('R4', 'what runs in dev runs in production unchanged, once it has a state folder and says who may use what', async () => {
    expect((await signalbox(['check', configured({ servers })])).code).toBe(0)
    const stateDir = join(folder, 'state')
    expect((await signalbox(['check', '--profile', 'production', configured({ servers, stateDir, access })])).code).toBe(0)
  })

  promise(
    'R4',
    'production refuses what is only good for development, naming the key',
    async () => {
      const secret = join(folder, 'secret.txt')
      writeFileSync(secret, 'a-secret-value')
      chmodSync(secret, 0o644)
      const cases: [Record<string, unknown>, RegExp][] = [
        [{ servers, access }, /stateDir/],
        [{ servers, stateDir: folder }, /access/],
        [{ servers, access, stateDir: folder, log: { level: 'trace' } }, /log\.level/],
        [
          { servers: { up: { url: 'http://mcp.example/mcp', headers: { 'X-Key': 'k' } } }, access: [{ use: ['*'] }], stateDir: folder },
          /servers\.up\.url/,
        ],
        [{ servers: { up: { ...good, env: { K: '${file:secret.txt}' } } }, access, stateDir: folder }, /secret\.txt/],
      ]
      for (const [config, named] of cases) {
        expect((await signalbox(['check', '--no-connect', configured(config)])).code, String(named)).toBe(0)
        const run = await signalbox(['check', '--no-connect', '--profile', 'production', configured(config)])
        expect(run.text).toMatch(named)
        expect([10, 11]).toContain(run.code)
      }
      const quickstart = await signalbox(['up', '--profile', 'production'])
      expect(quickstart.code).toBe(10)
      expect(quickstart.text).toContain('quickstart')
    },
    90_000,
  )

  promise(['R4', 'R10'], 'neither profile serves other machines while there is no authentication', async () => {
    for (const profile of ['dev', 'production']) {
      const run = await signalbox([
        'up',
        '--profile',
        profile,
        '--listen',
        '0.0.0.0:0',
        '--config',
        configured({ servers, stateDir: folder }),
      ])
      expect(run.code).toBe(10)
      expect(run.text).toContain('authentica')
    }
  })
})

describe('time-outs that contradict each other', () => {
  promise('R47', 'are a configuration error that names both', async () => {
    const run = await signalbox(['check', '--no-connect', configured({ servers: { good }, timeouts: { call: 60_000, maximum: 5_000 } })])
    expect(run.code).toBe(10)
    expect(run.text).toMatch(/timeouts\.(call|maximum).*contradiction/)
  })
})
