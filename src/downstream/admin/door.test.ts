import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Answers, noAnswers } from '../../../test/doubles/admin-parts.ts'
import { keptDecisions, noDecisions } from '../../../test/doubles/decisions.ts'
import { send } from '../../../test/doubles/downstream/http-peer.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { Decision, Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { type AdminDoor, createAdminDoor } from './door.ts'
import type { Tools } from './resources/tools.ts'

let door: AdminDoor
let port = 0
const logged: string[] = []
const acted: unknown[] = []
const maintenance = {
  knows: (name: string) => name === 'a b',
  act: async (...action: unknown[]) => {
    acted.push(action)
    return { state: 'paused', inFlight: 0, held: 2, done: true }
  },
}
const cleared: string[] = []
const budgets = {
  show: () => [
    { id: 'ab12', kind: 'budget', scope: 'run', unit: 'calls', run: 'r1', used: 3, limit: 5 },
    { id: 'cd34', kind: 'rate', scope: 'tool', unit: 'calls', tool: 't', used: 1, limit: 5, windowMs: 1_000, resetsAtMs: 500 },
  ],
  clear: async (id: string) => {
    cleared.push(id)
    if (id === 'cd34') return { kind: 'unkept', reason: 'the disk is full' } as const
    return { kind: id === 'ab12' ? ('cleared' as const) : ('unknown' as const) }
  },
}
const decidedOf: unknown[] = []
const tools: Tools = {
  list: (after, most) => {
    const all = ['a/b', 'c', 'd'].map((tool) => ({ server: 's', tool, state: 'admitted' }))
    return all.filter(({ tool }) => after === undefined || tool > after.tool).slice(0, most)
  },
  find: (server, tool) => (server === 's' && tool === 'a/b' ? { server, tool, state: 'admitted' } : undefined),
  contracts: async (_server, tool) => (tool === 'a/b' ? [{ state: 'admitted' }] : undefined),
  decide: async (server, tool, asked) => {
    decidedOf.push([server, tool, asked])
    if (tool !== 'a/b') return { ok: false, why: 'unknown', detail: 'Nothing is known of it.' }
    if (asked.expect[0] !== seen) return { ok: false, why: 'expect', detail: 'It is c1:2 now.' }
    return { ok: true, entry: { server, tool, state: 'approved' } }
  },
}
const seen = `c1:${'a'.repeat(64)}`
const ends: unknown[] = []
const plan = { fromMs: 0, sunsetMs: 7_776_000_000, replacement: 't_v2' }
const versions = {
  planned: (_upstream: string, tool: string) => {
    const asked = ends.at(-1) as [string, string, { plan: typeof plan }] | undefined
    if (tool === 'c') return { plan, by: 'lock' }
    return tool === 't_v1' && asked !== undefined ? { plan: asked[2].plan, by: 'operator' } : undefined
  },
  report: async (upstream: string, tool: string) =>
    upstream === 'a b' && tool === 't'
      ? {
          days: 14,
          isIncomplete: true,
          usage: [{ tool: 't_v1', version: 1, tenant: '', issuer: 'i', subject: 's', client: 'c', calls: 3, lastMs: 1_000 }],
          pins: [{ key: 'access.0.versions', family: 't', version: 1 }],
          tools: [{ tool: 't_v1', version: 1, end: { plan, by: 'operator' } }],
        }
      : undefined,
  end: async (...asked: [string, string, { version: number | undefined; plan: unknown; override: boolean }]) => {
    ends.push(asked)
    const [upstream, tool, { version, override }] = asked
    if (upstream !== 'a b') return { kind: 'unknown', reason: 'no server' } as const
    const objections = [{ kind: 'pinned', reason: 'callers are pinned to it by access.0.versions' }]
    return override
      ? ({ kind: 'planned', tool: `${tool}_v1`, version, overridden: objections } as const)
      : ({ kind: 'refused', tool: `${tool}_v1`, objections } as const)
  },
}
let decisions = keptDecisions()
const prometheus = { type: 'text/plain; version=0.0.4; charset=utf-8', text: 'signalbox_sessions 1\n' }
let metrics: Answers['metrics'] = async () => prometheus

const report: Report = { log: (_severity, event) => void logged.push(event), counters: { add: () => undefined } }

const doorOf = (answers: Partial<Answers>, noting: Decisions = noDecisions): AdminDoor =>
  createAdminDoor({
    ...noAnswers,
    ...answers,
    sealer: createSealer(freshKey(), systemRandom),
    clock: new ManualClock(),
    report,
    decisions: noting,
    listenHost: '127.0.0.1',
  })

beforeEach(async () => {
  decisions = keptDecisions()
  cleared.length = 0
  const answers: Partial<Answers> = {
    upstreams: () => [
      { name: 'a', state: 'ready', quarantined: [], collisions: [] },
      { name: 'b', state: 'unavailable', reason: 'ENOENT', quarantined: [{ name: 'bad', path: '/x', reason: 'y' }] },
    ],
    maintenance,
    budgets,
    tools,
    versions,
    stores: () => [{ name: 'durable', state: 'degraded', reason: 'full' }],
    clients: () => [
      {
        name: 'c',
        version: '1',
        transport: 'http',
        revision: '2026-07-28',
        firstSeenMs: 0,
        lastSeenMs: 1_000,
        calls: 3,
        sdk: 'node',
        sdkVersion: 'unknown',
        owner: 'unknown',
      },
    ],
    metrics: (accept) => metrics(accept),
  }
  door = doorOf(answers, decisions)
  port = (await door.listen({ host: '127.0.0.1', port: 0 })).port
})
afterEach(() => door.close())

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => send(port, { method, path, headers })

/** Less what was refused for what it is, before it was begun. */
const begun = (all: readonly Decision[]) => all.filter(({ method }) => method?.startsWith('POST') !== true)

describe('the admin door with a token', () => {
  it('answers nobody who does not show it, at any address, and tells nothing (A22)', async () => {
    const guarded = doorOf({ access: { ...noAnswers.access, token: 'the-token' }, metrics: async () => prometheus })
    const at = (await guarded.listen({ host: '127.0.0.1', port: 0 })).port
    const ask = (path: string, headers: Record<string, string>, method = 'GET') => send(at, { method, path, headers })
    for (const path of [
      '/metrics',
      '/admin/v1/upstreams',
      '/admin/v1/budgets',
      '/admin/v1/budgets/ab12/actions',
      '/admin/v1/tools/a%20b/t/usage',
      '/admin/v1/tools/a%20b/t/deprecate',
      '/admin/v1/clients',
      '/admin/v1/tools',
      '/admin/v1/tools/s/t/contracts',
      '/admin/v1/tools/s/t/approve',
      '/admin/v1/stores',
      '/nowhere',
    ]) {
      for (const authorization of ['', 'Bearer', 'Bearer the-toke', 'Bearer the-token2', 'Basic the-token', 'the-token']) {
        const { status, headers, text } = await ask(path, { authorization })
        expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer'])
        expect(text).not.toContain('signalbox_sessions')
      }
    }
    expect((await ask('/metrics', { authorization: 'Bearer the-token' })).status).toBe(200)
    expect((await ask('/metrics', {}, 'POST')).status).toBe(401)
    await guarded.close()
  })
})

describe('the admin door', () => {
  it('tells of each server with state and reason, of the stores and clients, and its metrics', async () => {
    expect(await get('/admin/v1/upstreams?fresh=1')).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      json: {
        upstreams: [
          { name: 'a', state: 'ready' },
          { name: 'b', state: 'unavailable', reason: 'ENOENT', quarantined: [{ name: 'bad' }] },
        ],
      },
    })
    expect((await get('/admin/v1/stores')).json).toEqual({ stores: [{ name: 'durable', state: 'degraded', reason: 'full' }] })
    expect((await get('/admin/v1/clients')).json).toEqual({
      clients: [
        {
          name: 'c',
          version: '1',
          transport: 'http',
          revision: '2026-07-28',
          calls: 3,
          sdk: 'node',
          sdkVersion: 'unknown',
          owner: 'unknown',
          firstSeen: '1970-01-01T00:00:00.000Z',
          lastSeen: '1970-01-01T00:00:01.000Z',
        },
      ],
    })
    const { text, headers } = await get('/metrics')
    expect([text, headers['content-type']]).toEqual(['signalbox_sessions 1\n', 'text/plain; version=0.0.4; charset=utf-8'])
  })

  it.each([
    ['a host that is not this machine, as after DNS rebinding', { host: 'evil.example' }, 403],
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['a page of this machine, which may be anybody’s', { origin: 'http://localhost:5173' }, 403],
  ])('refuses %s', async (_who, headers, status) => {
    const answer = await get('/metrics', headers)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json'])
    expect(JSON.parse(answer.text)).toMatchObject({ title: 'Refused', status })
    expect(answer.text).not.toContain('signalbox_sessions')
  })

  it('names what it serves, and how it is read', async () => {
    const nothing = await get('/mcp')
    expect([nothing.status, JSON.parse(nothing.text).detail]).toEqual([
      404,
      `Served here: ${[
        [
          '/metrics',
          '/admin/v1/openapi.json',
          '/admin/v1/summary',
          '/admin/v1/upstreams',
          '/admin/v1/upstreams/{upstream}/actions',
          '/admin/v1/stores',
        ],
        ['/admin/v1/clients', '/admin/v1/alerts', '/admin/v1/alerts/{id}/actions', '/admin/v1/silences', '/admin/v1/silences/{id}/actions'],
        ['/admin/v1/objectives', '/admin/v1/faults', '/admin/v1/faults/{id}/actions', '/admin/v1/tools/{server}/{tool}/quality'],
        ['/admin/v1/runs', '/admin/v1/runs/{run}', '/admin/v1/calls/{id}', '/admin/v1/cost', '/admin/v1/audit', '/admin/v1/audit/verify'],
        ['/admin/v1/budgets', '/admin/v1/budgets/{id}/actions', '/admin/v1/tools', '/admin/v1/tools/{server}/{tool}/contracts'],
        ['/admin/v1/tools/{server}/{tool}/approve', '/admin/v1/tools/{server}/{tool}/reject'],
        ['/admin/v1/tools/{server}/{tool}/usage', '/admin/v1/tools/{server}/{tool}/deprecate', '/admin/v1/events'],
        ['/admin/v1/sessions', '/admin/v1/keys', '/admin/v1/keys/{id}/actions', '/admin/v1/grants', '/admin/v1/grants/actions'],
        ['/admin/v1/config', '/admin/v1/config/reload', '/admin/v1/config/revisions', '/admin/v1/config/revisions/{revision}'],
        ['/admin/v1/config/revisions/{revision}/actions', '/admin/v1/policy/explain'],
      ]
        .flat()
        .join(', ')}.`,
    ])
    const posted = await get('/admin/v1/clients', {}, 'POST')
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect(await get('/metrics', {}, 'HEAD')).toMatchObject({ status: 200, text: '' })
  })

  it('takes what is to be done to a server, and nothing else at its address', async () => {
    const at = '/admin/v1/upstreams/a%20b/actions'
    const post = (path: string, body: string, headers: Record<string, string> = {}) => send(port, { method: 'POST', path, headers, body })
    expect(await post(at, '{"action":"pause","waitMs":0}')).toMatchObject({
      status: 200,
      json: { name: 'a b', state: 'paused', done: true },
    })
    expect((await post(at, '{"action":"resume"}')).status).toBe(200)
    expect(acted).toEqual([
      ['a b', 'pause', 0],
      ['a b', 'resume', 30_000],
    ])
    for (const body of [
      '',
      'null',
      '[]',
      '{',
      '{"action":"explode"}',
      '{"action":"pause","waitMs":-1}',
      '{"action":"pause","waitMs":1e9}',
    ]) {
      const refused = await post(at, body)
      expect([refused.status, refused.headers['content-type']]).toEqual([400, 'application/problem+json'])
    }
    expect(JSON.parse((await post(at, '{"action":"explode"}')).text)).toMatchObject({
      detail: expect.stringMatching(/pause.*resume.*restart.*drain/),
      errors: [{ pointer: '#/action' }],
    })
    expect(JSON.parse((await post(at, '{"action":"pause","more":1}')).text)).toMatchObject({ errors: [{ pointer: '#/more' }] })
    expect((await post('/admin/v1/upstreams/nobody/actions', '{"action":"pause"}')).status).toBe(404)
    expect((await post('/admin/v1/upstreams/%ff/actions', '{"action":"pause"}')).status).toBe(400)
    expect((await post(at, '{"action":"pause"}', { origin: 'http://localhost:5173' })).status).toBe(403)
    expect((await get(at)).headers.allow).toBe('POST')
    expect(acted.length).toBe(2)
  })

  it('notes who did what, and what came of it', async () => {
    const post = (path: string, action: string, headers: Record<string, string> = {}) =>
      send(port, { method: 'POST', path, headers, body: JSON.stringify({ action }) })
    await post('/admin/v1/upstreams/a%20b/actions', 'pause', { 'signalbox-operator': 'alice' })
    await post('/admin/v1/upstreams/nobody/actions', 'resume')
    await post('/admin/v1/budgets/cd34/actions', 'clear', { 'signalbox-operator': 'x: done, allowed' })
    await post('/admin/v1/budgets/ab12/actions', 'clear', { 'signalbox-operator': 'a'.repeat(65) })
    await post('/admin/v1/budgets/ab12/actions', 'grow')
    await get('/admin/v1/budgets')
    const noted = { id: '', about: 'operation', rule: 'operator', principal: undefined, credential: '' }
    expect(decisions.all).toEqual([
      expect.objectContaining({
        ...noted,
        ...{ allowed: true, method: 'pause', upstream: 'a b' },
        reason: 'pause by an operator who is called alice (127.0.0.1): paused, 0 in flight, 2 held',
      }),
      expect.objectContaining({
        ...noted,
        ...{ allowed: false, method: 'resume', upstream: 'nobody' },
        reason: 'resume by an operator (127.0.0.1): there is no such server',
      }),
      expect.objectContaining({
        ...noted,
        ...{ allowed: false, method: 'clear', item: 't' },
        reason: expect.stringMatching(/^clear by an operator \(127\.0\.0\.1\): the store did not give back limit \{"id":"cd34"/),
      }),
      expect.objectContaining({
        ...noted,
        allowed: true,
        reason: expect.stringMatching(/^clear by an operator \(127.*: limit .*"run":"r1"/),
      }),
      expect.objectContaining({ ...noted, allowed: false, method: 'POST /admin/v1/budgets/{id}/actions' }),
    ])
  })

  it('pages through the tools, shows what was seen of one, and takes what is decided of exactly what was seen', async () => {
    const first = (await get('/admin/v1/tools?limit=2')).json as { tools: { tool: string }[]; next: string }
    expect(first.tools.map(({ tool }) => tool)).toEqual(['a/b', 'c'])
    expect(first.tools).toMatchObject([{}, { deprecation: { by: 'lock', sunset: '1970-04-01T00:00:00.000Z' } }])
    expect((await get(`/admin/v1/tools?limit=2&cursor=${first.next}`)).json).toEqual({
      tools: [{ server: 's', tool: 'd', state: 'admitted' }],
    })
    for (const query of [
      'limit=0',
      'limit=x',
      'limit=-1',
      'cursor=x',
      `cursor=${Buffer.from('{}').toString('base64url')}`,
      `cursor=${first.next}x`,
    ])
      expect((await get(`/admin/v1/tools?${query}`)).status).toBe(400)
    const at = '/admin/v1/tools/s/a%2Fb'
    expect((await get(`${at}/contracts`)).json).toEqual({ server: 's', tool: 'a/b', state: 'admitted', contracts: [{ state: 'admitted' }] })
    expect((await get('/admin/v1/tools/s/none/contracts')).status).toBe(404)
    expect((await get(`${at}/contracts`, {}, 'POST')).headers.allow).toBe('GET, HEAD')
    expect((await get(`${at}/approve`)).headers.allow).toBe('POST')
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      send(port, { method: 'POST', path, headers, body: typeof body === 'string' ? body : JSON.stringify(body) })
    for (const body of [
      '',
      '[]',
      {},
      { expect: [] },
      { expect: ['c1:1'] },
      { expect: seen, reason: '' },
      { expect: seen, reason: 'x'.repeat(501) },
    ])
      expect((await post(`${at}/approve`, body)).status).toBe(400)
    expect(decidedOf).toEqual([])
    expect(await post(`${at}/approve`, { expect: seen, reason: 'PR 7' }, { 'signalbox-operator': 'ana' })).toMatchObject({
      status: 200,
      json: { state: 'approved' },
    })
    expect((await post(`${at}/reject`, { expect: [`x1:${'b'.repeat(64)}`] })).status).toBe(409)
    expect((await post('/admin/v1/tools/s/none/approve', { expect: seen })).status).toBe(404)
    expect((await post('/admin/v1/tools/s/%ff/approve', { expect: seen })).status).toBe(400)
    expect(decidedOf[0]).toEqual(['s', 'a/b', { action: 'approve', expect: [seen], reason: 'PR 7', by: 'ana' }])
    expect(begun(decisions.all).map(({ method, upstream, item, allowed, reason }) => [method, upstream, item, allowed, reason])).toEqual([
      ['approve', 's', 'a/b', true, `approve by an operator who is called ana (127.0.0.1): approved (${seen}): PR 7`],
      ['reject', 's', 'a/b', false, 'reject by an operator (127.0.0.1): It is c1:2 now.'],
      ['approve', 's', 'none', false, expect.stringContaining('Nothing is known')],
    ])
  })

  it('tells what is used of limits, and gives it back', async () => {
    expect((await get('/admin/v1/budgets')).json).toEqual({
      budgets: [
        { id: 'ab12', kind: 'budget', scope: 'run', unit: 'calls', run: 'r1', used: 3, limit: 5 },
        {
          id: 'cd34',
          kind: 'rate',
          scope: 'tool',
          unit: 'calls',
          tool: 't',
          used: 1,
          limit: 5,
          window_ms: 1_000,
          resets_at: '1970-01-01T00:00:00.500Z',
        },
      ],
      all: 2,
    })
    const post = (id: string, body: string) => send(port, { method: 'POST', path: `/admin/v1/budgets/${id}/actions`, body })
    expect((await post('ab12', '{"action":"clear"}')).json).toEqual({ id: 'ab12', cleared: true })
    expect((await post('ff', '{"action":"clear"}')).status).toBe(404)
    for (const body of ['', '[]', 'null', '{"action":"grow"}', '{"action":"clear","x":1}', '{"action":"grow","action":"clear"}'])
      expect((await post('ab12', body)).status).toBe(400)
    expect((await get('/admin/v1/budgets/ab12/actions')).status).toBe(405)
    expect((await post('../clients', '{"action":"clear"}')).status).toBe(404)
    expect((await get('/admin/v1/budgets/ab12/actions', { origin: 'https://evil.example' }, 'POST')).status).toBe(403)
    const unkept = await post('cd34', '{"action":"clear"}')
    expect([unkept.status, unkept.text]).toEqual([503, expect.stringContaining('Nothing was given back')])
    expect(cleared).toEqual(['ab12', 'ff', 'cd34'])
    expect(begun(decisions.all).map(({ allowed }) => allowed)).toEqual([true, false, false])
  })

  it('answers a bug of ours, which stands in the log', async () => {
    metrics = () => Promise.reject(new Error('oops'))
    const { status, text } = await get('/metrics')
    expect(status).toBe(500)
    expect(text).not.toContain('oops')
    expect(logged).toEqual(['A bug in the admin door'])
  })

  it('does not start where its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const taken = (other.address() as { port: number }).port
    await door.close()
    await expect(door.listen({ host: '127.0.0.1', port: taken })).rejects.toMatchObject({ code: 'EADDRINUSE', port: taken })
    await new Promise((resolve) => other.close(resolve))
  })
})

describe('versions of a tool', () => {
  const at = '/admin/v1/tools/a%20b/t'
  const post = (body: unknown, path = `${at}/deprecate`) =>
    send(port, { method: 'POST', path, body: typeof body === 'string' ? body : JSON.stringify(body) })

  it('are shown with who uses them, who is pinned to them, and their end', async () => {
    expect((await get(`${at}/usage`)).json).toEqual({
      server: 'a b',
      tool: 't',
      days: 14,
      usage: [
        { tool: 't_v1', version: 1, tenant: '', issuer: 'i', subject: 's', client: 'c', calls: 3, lastCall: '1970-01-01T00:00:01.000Z' },
      ],
      incomplete: true,
      pins: [{ key: 'access.0.versions', family: 't', version: 1 }],
      versions: [
        {
          tool: 't_v1',
          version: 1,
          deprecation: { from: '1970-01-01T00:00:00.000Z', sunset: '1970-04-01T00:00:00.000Z', replacement: 't_v2', by: 'operator' },
        },
      ],
    })
    expect((await get('/admin/v1/tools/x/t/usage')).status).toBe(404)
    expect((await get('/admin/v1/tools/%ff/t/usage')).status).toBe(400)
    expect((await get(`${at}/usage`, {}, 'POST')).status).toBe(405)
    expect((await get(`${at}/deprecate`)).status).toBe(405)
  })

  it('end when nothing speaks against it, or an operator takes it on, which the audit has', async () => {
    ends.length = 0
    const wanted = { version: 1, from: '2027-01-15', sunset: '2027-06-01', replacement: 't_v2' }
    const refused = await post(wanted)
    expect(refused.status).toBe(409)
    expect(JSON.parse(refused.text)).toMatchObject({
      objections: [{ kind: 'pinned' }],
      detail: expect.stringContaining('access.0.versions'),
    })
    expect((await post({ ...wanted, override: true })).status).toBe(400)
    const done = await post({ ...wanted, override: true, reason: 'agreed with them' })
    expect(done.status).toBe(200)
    expect(done.json).toMatchObject({ tool: 't_v1', version: 1, deprecation: { sunset: '2027-06-01T00:00:00.000Z', by: 'operator' } })
    expect((await post({ cancel: true }, '/admin/v1/tools/x/t/deprecate')).status).toBe(404)
    expect(ends).toHaveLength(3)
    expect(ends[0]).toMatchObject(['a b', 't', { version: 1, plan: { fromMs: Date.UTC(2027, 0, 15), sunsetMs: Date.UTC(2027, 5, 1) } }])
    expect(begun(decisions.all).map(({ about, method, upstream, item, allowed }) => [about, method, upstream, item, allowed])).toEqual([
      ['operation', 'deprecate', 'a b', 't_v1', false],
      ['operation', 'deprecate', 'a b', 't_v1', true],
      ['operation', 'cancel deprecation', 'x', 't', false],
    ])
    expect(begun(decisions.all)[1]?.reason).toMatch(/over: callers are pinned.*\(agreed with them\)/)
  })

  it.each([
    '',
    '[]',
    '{',
    { version: 0 },
    { version: '1' },
    { from: 'soon' },
    { sunset: '2027-02-30' },
    { sunset: 7 },
    { from: '2027-06-01', sunset: '2027-01-01' },
    { replacement: '' },
    { replacement: 'x'.repeat(257) },
    { override: 1 },
    { reason: 'a\0b' },
    { cancel: 'yes' },
  ])('not by %j', async (body) => {
    ends.length = 0
    expect((await post(body)).status).toBe(400)
    expect(ends).toEqual([])
  })
})
