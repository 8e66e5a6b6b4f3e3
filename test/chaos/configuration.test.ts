// Bad configuration, row by row of the catalogue (C): `check` and `up` name file, line, column, key and the mend, end with the documented
// codes, and start nothing; what only one server lacks takes only that server away.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { interrupted } from '../peers/processes.ts'
import { everything, root } from '../peers/servers.ts'
import { startL7Server } from './l7-server.ts'
import { faultOf, RawClient } from './raw-client.ts'
import { startRig } from './rig.ts'
import { cellOf, shown, tell } from './table.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-broken-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
}

function signalbox(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    child.on('exit', (code) => resolve({ code, out }))
  })
}

/** A server that leaves a file behind if anybody starts it. */
const marker = (name: string): string => join(folder, `${name}.started`)
const server = (name: string): string =>
  `  good:\n    command: ${process.execPath}\n    args: ["-e", "require('fs').writeFileSync('${marker(name)}', '')"]\n`

const invalid: readonly [name: string, text: string, place: RegExp, mend: RegExp][] = [
  ['no-yaml', 'servers: {a: [\n', /:\d+:\d+/, /./],
  ['tab', 'servers:\n\tgood:\n\t\tcommand: x\n', /:2:/, /./],
  ['not-a-map', '- servers\n', /:1:1/, /./],
  ['key-twice', `servers:\n${server('key-twice')}servers: {}\n`, /:\d+:\d+/, /./],
  ['C06-typo', `servers:\n${server('C06-typo')}    comand: x\n`, /:5:/, /command/],
  ['C06-top-typo', `server: {}\nservers:\n${server('C06-top-typo')}`, /:1:1/, /servers/],
  ['wrong-type', `listen: 4280\nservers:\n${server('wrong-type')}`, /:1:/, /HOST:PORT/],
  ['bad-name', `servers:\n  Bad_Name:\n    command: x\n  bad-name:\n    command: x\n`, /:[24]:/, /rename|another name/],
  ['both', `servers:\n${server('both')}    url: http://127.0.0.1:1/mcp\n`, /:\d+:\d+/, /give one of/],
  ['neither', 'servers:\n  good:\n    args: []\n', /:\d+:\d+/, /command/],
  ['bad-url', 'servers:\n  good:\n    url: "::nowhere"\n', /:3:/, /./],
  ['C11-call', `timeouts:\n  call: 9000\n  maximum: 1000\nservers:\n${server('C11-call')}`, /:[23]:/, /lower|raise/],
  ['C11-start', `servers:\n${server('C11-start')}    timeouts: { probe: 9000, start: 100 }\n`, /:5:/, /lower|raise/],
  ['C11-sizes', `limits:\n  resultBytes: 99999999\n  messageBytes: 10\nservers:\n${server('C11-sizes')}`, /:[23]:/, /lower|raise/],
  ['exposed', `listen: 0.0.0.0:0\nservers:\n${server('exposed')}`, /:1:/, /127\.0\.0\.1/],
  ['production', `profile: production\nlisten: 127.0.0.1:0\nservers:\n${server('production')}`, /stateDir/, /folder/],
  ['toolset-clash', `servers:\n${server('toolset-clash')}toolsets:\n  good: { include: [good] }\n`, /:\d+:\d+/, /rename/],
  ['toolset-nobody', `servers:\n${server('toolset-nobody')}toolsets:\n  all: { include: [god] }\n`, /:\d+:\d+/, /good/],
  ['two-bare', `servers:\n${server('two-bare')}    bareNames: true\n  other: { command: x, bareNames: true }\n`, /:\d+:\d+/, /one/],
  ['binary', '\u0000\u0001\u0002', /./, /./],
]

describe('a broken file', () => {
  test.each(invalid)('%s: located, with the mend, and nothing is started', async (name, text, place, mend) => {
    const file = join(folder, `${name}.yaml`)
    writeFileSync(file, text)
    // Both read files in the same way, and each start of a process costs: `up` takes part in every fourth.
    const serves = invalid.findIndex((row) => row[0] === name) % 4 === 0
    const [checked, served] = await Promise.all([signalbox(['check', file]), serves ? signalbox(['up', '--config', file]) : undefined])
    for (const { code, out } of [checked, served ?? checked]) {
      expect(code, out).toBe(10)
      expect(out).toContain(`${name}.yaml`)
      expect(out).toMatch(place)
      expect(out).toMatch(mend)
      expect(out).not.toMatch(/\n\s+at .*\.(js|ts):\d+/)
    }
    expect(existsSync(marker(name))).toBe(false)
    const id = /^C\d\d/.exec(name)?.[0]
    if (id !== undefined) shown(id, `a file with ${name.slice(4)}: refused at its line`, 'start')
  })

  test('a file that is not there', async () => {
    for (const args of [
      ['check', 'nowhere.yaml'],
      ['up', '--config', 'nowhere.yaml'],
    ]) {
      const { code, out } = await signalbox(args)
      expect([2, 10, 11]).toContain(code)
      expect(out).toContain('nowhere.yaml')
    }
  })
})

describe('what one server lacks', () => {
  const lacking = (name: string, text: string): string => {
    const file = join(folder, `${name}.yaml`)
    writeFileSync(file, `listen: 127.0.0.1:0\nservers:\n  bad:\n${text}`)
    return file
  }

  test.each([
    ['C01-unset', '    command: node\n    env: { KEY: "${env:CHAOS_UNSET_VARIABLE}" }\n', /CHAOS_UNSET_VARIABLE/],
    ['C02-command', '    command: /no/such/program\n', /\/no\/such\/program/],
    ['C02-cwd', '    command: node\n    cwd: /no/such/folder\n', /\/no\/such\/folder/],
    ['C02-mode', '    command: ./plain.txt\n', /plain\.txt/],
  ])('%s: check names it', async (name, text, says) => {
    writeFileSync(join(folder, 'plain.txt'), 'no program')
    const { code, out } = await signalbox(['check', lacking(name, text)])
    expect(code, out).toBe(11)
    expect(out).toMatch(says)
    expect(out).toContain('bad')
    shown(name.slice(0, 3), `check of ${name.slice(4)}`, 'start')
  })

  test('C01, C02 takes only that server away: calls to it say what to do, the others are served', async () => {
    const rig = await startRig({
      servers: {
        unset: { ...everything, env: { KEY: '${env:CHAOS_UNSET_VARIABLE}' } },
        missing: { command: '/no/such/program' },
        place: { ...everything, cwd: '/no/such/folder' },
      },
    })
    const upstreams = await rig.gateway.upstreams()
    for (const [name, says] of [
      ['unset', 'CHAOS_UNSET_VARIABLE'],
      ['missing', '/no/such/program'],
      ['place', '/no/such/folder'],
    ] as const) {
      const upstream = upstreams.find((each) => each.name === name)
      expect(upstream?.state).not.toBe('ready')
      expect(upstream?.reason).toContain(says)
      for (const era of ['modern', 'legacy'] as const) {
        const answer = await (await new RawClient(era, `${rig.base}/mcp`).connect()).call(`${name}__echo`, { message: 'x' })
        expect(answer.answers).toHaveLength(1)
        const id = name === 'unset' ? 'C01' : 'C02'
        const met = { id, fault: says, era: `${era} → -`, answer, text: '', executions: 0, allowed: 0 }
        tell(cellOf({ ...met, wanted: 'config_error' }))
        const wanted = { kind: 'config_error', category: 'configuration', retryable: false, side_effect: 'none' }
        expect(faultOf(answer), answer.text).toMatchObject(wanted)
        expect(answer.text).toContain(says)
      }
    }
    await rig.neighbourIsFine()
    await rig.end()
  })

  test('a server that does not answer is told by its own exit code', async () => {
    const silent = await startL7Server('legacy')
    silent.diesOnHandshake = true
    const { code, out } = await signalbox([
      'check',
      lacking('silent', `    url: ${silent.url}\n    timeouts: { start: 1000, probe: 500, connect: 500 }\n`),
    ])
    expect(code, out).toBe(12)
    await silent.stop()
  })
})

describe('C03 a port in use', () => {
  const holder = createServer()
  let port = 0
  beforeAll(async () => {
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const address = holder.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  })
  afterAll(() => void holder.close())

  test('ends at once with its code and words', async () => {
    const file = join(folder, 'port.yaml')
    writeFileSync(file, `listen: 127.0.0.1:${port}\nadmin: { listen: 127.0.0.1:0 }\nservers: {}\n`)
    const { code, out } = await signalbox(['up', '--config', file])
    expect(code, out).toBe(3)
    expect(out).toContain(String(port))
    shown('C03', 'a port in use', 'start')
  })

  test.each(['audit.db', 'signalbox.db'])('does so too while another program has locked %s, and a thread waits for it', async (store) => {
    const { file, locked } = lockedStore(store, port)
    const { code, out } = await signalbox(['up', '--config', file])
    locked.close()
    expect(code, out).toBe(3)
    expect(out).toContain(`${port} is in use`)
    expect(out).not.toContain('terminate called')
  })
})

test('a second Ctrl-C ends at once with its code while a thread waits for the lock of a store', async () => {
  const { file, locked } = lockedStore('audit.db', 0)
  const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'up', '--config', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  child.stderr.on('data', (chunk) => (out += chunk))
  const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await interrupted(child)
  expect(await ended, out).toBe(130)
  locked.close()
})

/** A configuration, and a lock on a store of its state folder that is not made yet. */
function lockedStore(store: string, port: number): { readonly file: string; readonly locked: InstanceType<typeof DatabaseSync> } {
  const stateDir = mkdtempSync(join(folder, 'locked-'))
  const file = join(stateDir, 'signalbox.yaml')
  writeFileSync(file, `stateDir: ${stateDir}\nlisten: 127.0.0.1:${port}\nadmin: { listen: 127.0.0.1:0 }\nservers: {}\n`)
  const locked = new DatabaseSync(join(stateDir, store))
  locked.exec('PRAGMA journal_mode = WAL')
  locked.exec('BEGIN IMMEDIATE')
  return { file, locked }
}
