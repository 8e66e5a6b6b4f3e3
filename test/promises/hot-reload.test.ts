// Another configuration is put into force while clients call: no call fails for it, what stays the same is not touched, and what cannot be is refused
// as a whole with what was in force still serving.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { load } from '../../src/operate/configuration/load.ts'
import { withState } from '../../src/operate/configuration/state.ts'
import { startLoaded } from '../../src/operate/gateway.ts'
import { connect, type Result, type TestClient } from '../peers/clients.ts'
import { freePort } from '../peers/free-port.ts'
import { portOf } from '../peers/gateway.ts'
import { eventually, marked } from '../peers/processes.ts'
import { everything, filesystem, startEverything } from '../peers/servers.ts'
import { promise } from './promise.ts'

type Config = Record<string, unknown>

const faultOf = (result: Result): Result => result._meta?.['signalbox.dev/fault']
let marks = 0

async function rig(first: (folder: string) => Config, name = 'signalbox.yaml') {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-reload-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const each of ['a', 'b']) mkdirSync(join(folder, each))
  const file = join(folder, name)
  const basis = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, log: { level: 'silent' }, drain: { graceMs: 5_000 } }
  const text = (config: Config): string => JSON.stringify(name.endsWith('.yaml') ? { ...basis, ...config } : config)
  writeFileSync(file, text(first(folder)))
  const options = name.endsWith('.yaml') ? { config: file } : { mcpJson: file, listen: '127.0.0.1:0' }
  const read = await load({ ...options, env: process.env, cwd: folder })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const running = await startLoaded(withState(read.loaded).loaded)
  onTestFinished(() => running.drain())
  await running.settled(20_000)
  const base = `http://127.0.0.1:${portOf(running.address)}`
  const admin = `http://127.0.0.1:${portOf(running.adminAddress)}`
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${admin}${path}`, init)
    return { status: answer.status, etag: answer.headers.get('etag'), body: (await answer.json()) as Result }
  }
  const json = { 'content-type': 'application/json' }
  return {
    folder,
    file,
    running,
    write: (config: Config) => {
      writeFileSync(`${file}.new`, text(config))
      renameSync(`${file}.new`, file)
    },
    text,
    client: async (kind: 'v1 http' | 'v2 modern http' = 'v1 http', mount = '') => {
      const client = await connect(kind, { base, mount })
      onTestFinished(() => client.close())
      return client
    },
    get: (path: string) => ask(path),
    post: (path: string, body: object, headers: Record<string, string> = {}) =>
      ask(path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) }),
    counted: async (outcome: string): Promise<number> => {
      const metrics = await (await fetch(`${admin}/metrics`)).text()
      return Number(new RegExp(`^signalbox_config_reloads_total\\{outcome="${outcome}"\\} (\\d+)`, 'm').exec(metrics)?.[1] ?? 0)
    },
  }
}

/** Calls one after the other until it is stopped; what came of each that did not end well. */
function calling(client: TestClient, tool: string, args: Record<string, unknown>) {
  const failed: unknown[] = []
  let calls = 0
  let stopped = false
  const done = (async () => {
    while (!stopped) {
      calls += 1
      const result = await client.call(tool, args).catch((error: unknown) => ({ isError: true, error: String(error) }))
      if (result.isError === true) failed.push(result)
    }
  })()
  return {
    calls: () => calls,
    stop: async () => {
      stopped = true
      await done
      return failed
    },
  }
}

function stays() {
  marks += 1
  const mark = `signalbox-reload-${process.pid}-${marks}`
  return { mark, server: { ...everything, env: { RELOAD_MARK: mark } } }
}

promise(
  'R45',
  'under load servers come, go and are replaced, over stdio and HTTP: no call fails, and what stays keeps its process and its session',
  async () => {
    const { mark, server } = stays()
    const remote = await startEverything('streamableHttp', await freePort())
    onTestFinished(remote.stop)
    const over = await startEverything('streamableHttp', await freePort())
    onTestFinished(over.stop)
    const http = (port: number) => ({ url: `http://127.0.0.1:${port}/mcp` })
    const { folder, running, write, client, counted } = await rig((at) => ({
      servers: { keep: server, files: filesystem(join(at, 'a')), far: http(remote.port), gone: everything },
    }))
    const pids = marked(mark)
    expect(pids).toHaveLength(1)
    const [old, modern] = [await client(), await client('v2 modern http')]
    await modern.watchTools()
    expect((await old.tools()).some(({ name }) => name.startsWith('gone__'))).toBe(true)
    const loads = [
      calling(old, 'keep__echo', { message: 'a' }),
      calling(modern, 'keep__echo', { message: 'b' }),
      calling(await client(), 'files__list_allowed_directories', {}),
      calling(await client('v2 modern http'), 'files__list_allowed_directories', {}),
      calling(await client(), 'far__echo', { message: 'c' }),
    ]
    const long = old.call('gone__trigger-long-running-operation', { duration: 2, steps: 2 })
    expect(await eventually(() => loads.every(({ calls }) => calls() > 5))).toBe(true)
    write({ servers: { keep: server, files: filesystem(join(folder, 'b')), far: http(over.port), new: everything } })
    const reloaded = await running.reload('SIGHUP')
    expect(reloaded).toMatchObject({
      outcome: 'applied',
      servers: { added: ['new'], removed: ['gone'], replaced: ['files', 'far'], adjusted: [] },
    })
    const [before] = loads.map(({ calls }) => calls())
    expect(await eventually(() => (loads[0]?.calls() ?? 0) > (before ?? 0) + 5)).toBe(true)
    expect((await long).isError).not.toBe(true)
    for (const load of loads) expect(await load.stop()).toEqual([])
    expect(marked(mark)).toEqual(pids)
    expect(JSON.stringify(await old.call('files__list_allowed_directories', {}))).toContain(join(folder, 'b'))
    expect(await eventually(async () => (await old.tools()).some(({ name }) => name === 'new__echo'))).toBe(true)
    expect((await old.tools()).some(({ name }) => name.startsWith('gone__'))).toBe(false)
    expect(
      faultOf(
        await old
          .call('gone__echo', { message: 'x' })
          .catch((error: { data?: unknown }) => ({ _meta: { 'signalbox.dev/fault': error.data ?? 'refused' } })),
      ),
    ).toBeDefined()
    expect(await eventually(() => old.changed.includes('tools') && modern.changed.includes('tools'))).toBe(true)
    expect(await counted('applied')).toBeGreaterThan(0)
  },
  60_000,
)

test('a file is read once it stands still: what is half written waits, what is wrong is refused and told, and what is right comes into force', async () => {
  const { mark, server } = stays()
  const { file, folder, write, text, client, get, counted } = await rig(() => ({ servers: { keep: server } }))
  const pids = marked(mark)
  const ours = await client()
  const whole = text({ servers: { keep: server, files: filesystem(join(folder, 'a')) } })
  writeFileSync(file, whole.slice(0, whole.length / 2))
  const looked = readFileSync(file, 'utf8').length
  expect(looked).toBeLessThan(whole.length)
  writeFileSync(file, whole)
  expect(await eventually(async () => (await ours.tools()).some(({ name }) => name.startsWith('files__')))).toBe(true)
  expect([await counted('refused'), await counted('applied')]).toEqual([0, 1])
  write({ servers: { keep: { ...server, comand: 'x' } } })
  expect(await eventually(async () => (await counted('refused')) === 1, 20_000)).toBe(true)
  expect((await ours.call('keep__echo', { message: 'a' })).isError).not.toBe(true)
  expect((await ours.tools()).some(({ name }) => name.startsWith('files__'))).toBe(true)
  expect(marked(mark)).toEqual(pids)
  const { body } = await get('/admin/v1/config/revisions')
  expect(body.revisions.map(({ revision, author }: Result) => [revision, author])).toEqual([
    [2, 'file'],
    [1, 'start'],
  ])
}, 60_000)

promise(
  'R74',
  'the admin door reloads for who knows what is in force, says why not, and goes back to what was',
  async () => {
    const { mark, server } = stays()
    const secret = 'hunter2-is-no-password'
    const { folder, write, file, client, get, post, counted } = await rig(() => ({ servers: { keep: server } }))
    const ours = await client()
    const first = await get('/admin/v1/config')
    expect([first.status, first.body.revision, first.etag]).toEqual([200, 1, expect.stringMatching(/^"[0-9a-f]{12}"$/)])
    write({ servers: { keep: server, files: { ...filesystem(join(folder, 'a')), env: { API_TOKEN: secret } } } })
    const checked = await post('/admin/v1/config/reload', { onlyCheck: true })
    expect(checked.body).toMatchObject({ outcome: 'checked', revision: 1, servers: { added: ['files'] } })
    expect(JSON.stringify(checked.body)).not.toContain(secret)
    const stale = await post('/admin/v1/config/reload', {}, { 'if-match': '"000000000000"' })
    expect([stale.status, (await get('/admin/v1/config')).etag]).toEqual([412, first.etag])
    const done = await post('/admin/v1/config/reload', {}, { 'if-match': String(first.etag) })
    expect([done.status, done.body.outcome, done.body.revision]).toEqual([200, 'applied', 2])
    expect(done.etag).not.toBe(first.etag)
    expect((await post('/admin/v1/config/reload', {}, { 'if-match': String(done.etag) })).body.outcome).toBe('unchanged')
    // What is wrong is refused as a whole: the good half of it as well.
    const refusals: [Config, RegExp][] = [
      [{ servers: { keep: server, more: everything }, timeouts: { call: 45_000 } }, /timeouts\.call: another value of it needs a restart/],
      [{ servers: { keep: { ...server, era: 'never' } } }, /servers\.keep\.era/],
      [
        { servers: { keep: { ...everything, args: [join(folder, 'nothing.mjs')] } } },
        /servers\.keep: it serves now, and would not with this/,
      ],
    ]
    for (const [config, reason] of refusals) {
      write(config)
      const refused = await post('/admin/v1/config/reload', {})
      expect([refused.status, refused.body.problems.join('\n')]).toEqual([422, expect.stringMatching(reason)])
      expect((await get('/admin/v1/config')).etag).toBe(done.etag)
    }
    expect(marked(mark)).toHaveLength(1)
    expect((await ours.call('keep__echo', { message: 'a' })).isError).not.toBe(true)
    // A variable that is missing is named before anybody calls. It takes no server away that serves, and stops no other where its own is new.
    const serves = { ...filesystem(join(folder, 'a')), env: { API_TOKEN: secret } }
    const lacks = { ...serves, env: { API_TOKEN: '${env:SIGNALBOX_NOT_SET}' } }
    const stateOf = async (server: string) => {
      const { body } = await get('/admin/v1/upstreams')
      return body.upstreams.find(({ name }: Result) => name === server)
    }
    expect(await eventually(async () => (await stateOf('files')).state === 'ready')).toBe(true)
    write({ servers: { keep: server, files: lacks } })
    const kept = await post('/admin/v1/config/reload', {})
    expect([kept.status, kept.body.problems.join('\n')]).toEqual([422, expect.stringMatching(/servers\.files: .*SIGNALBOX_NOT_SET/)])
    write({ servers: { keep: server, files: serves, late: lacks } })
    expect((await post('/admin/v1/config/reload', {})).body).toMatchObject({
      outcome: 'applied',
      revision: 3,
      servers: { added: ['late'] },
    })
    expect(await stateOf('late')).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('SIGNALBOX_NOT_SET') })
    expect((await stateOf('files')).state).toBe('ready')
    const back = await post('/admin/v1/config/revisions/1/actions', { action: 'rollback' })
    expect(back.body).toMatchObject({ outcome: 'applied', revision: 4, servers: { removed: ['files', 'late'] } })
    expect((await get('/admin/v1/config')).etag).toBe(first.etag)
    expect(await eventually(async () => !(await ours.tools()).some(({ name }) => name.startsWith('files__')))).toBe(true)
    expect(readFileSync(file, 'utf8')).toContain('SIGNALBOX_NOT_SET')
    expect((await post('/admin/v1/config/revisions/99/actions', { action: 'rollback' })).status).toBe(404)
    const page = await get('/admin/v1/config/revisions?limit=3')
    expect(page.body.revisions.map(({ revision }: Result) => revision)).toEqual([4, 3, 2])
    const rest = await get(`/admin/v1/config/revisions?limit=3&cursor=${encodeURIComponent(page.body.next)}`)
    expect([rest.body.revisions.map(({ revision }: Result) => revision), rest.body.next]).toEqual([[1], undefined])
    const second = await get('/admin/v1/config/revisions/2')
    expect(Object.keys(second.body.config.servers)).toEqual(['keep', 'files'])
    expect(JSON.stringify(second.body)).not.toContain(secret)
    expect([await counted('applied'), await counted('refused')]).toEqual([3, 5])
  },
  60_000,
)

test('the file of a client is reloaded as well, and toolsets and what stands beside a connection change without a touch of it', async () => {
  const { mark, server } = stays()
  const desktop = await rig(() => ({ mcpServers: { keep: server } }), 'mcp.json')
  const pids = marked(mark)
  desktop.write({ mcpServers: { keep: server, files: filesystem(join(desktop.folder, 'a')) } })
  const ours = await desktop.client()
  expect(await eventually(() => ours.changed.includes('tools'))).toBe(true)
  expect((await ours.tools()).some(({ name }) => name.startsWith('files__'))).toBe(true)
  expect(marked(mark)).toEqual(pids)
  const other = stays()
  const { write, client, post } = await rig(() => ({ servers: { keep: other.server } }))
  const [child] = marked(other.mark)
  write({ servers: { keep: { ...other.server, rate: '1/1d', owner: 'team' } }, toolsets: { some: { include: ['keep/echo'] } } })
  expect((await post('/admin/v1/config/reload', {})).body).toMatchObject({
    outcome: 'applied',
    servers: { adjusted: ['keep'], replaced: [] },
  })
  const some = await client('v1 http', '/some')
  expect((await some.tools()).map(({ name }) => name)).toEqual(['keep__echo'])
  expect((await some.call('keep__echo', { message: 'a' })).isError).not.toBe(true)
  expect(faultOf(await some.call('keep__echo', { message: 'a' }))).toMatchObject({ kind: 'rate_limited' })
  expect(marked(other.mark)).toEqual([child])
}, 60_000)
