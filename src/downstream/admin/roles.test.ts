// Who may ask what of the admin door: each address with the role that it needs, as pairs of who is let in and who is not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noAnswers } from '../../../test/doubles/admin-parts.ts'
import { keptDecisions } from '../../../test/doubles/decisions.ts'
import { type Response, send } from '../../../test/doubles/downstream/http-peer.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { anonymous, type Principal } from '../../core/call/principal.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { createAdminDoor } from './door.ts'
import { includes, type Role, roles } from './role.ts'

/** The least role of each operation. A new address has its row here. */
const needed: Readonly<Record<string, Role>> = {
  'get /metrics': 'viewer',
  'get /admin/v1/openapi.json': 'viewer',
  'get /admin/v1/summary': 'viewer',
  'get /admin/v1/upstreams': 'viewer',
  'post /admin/v1/upstreams/{upstream}/actions': 'operator',
  'get /admin/v1/stores': 'viewer',
  'get /admin/v1/clients': 'viewer',
  'get /admin/v1/alerts': 'viewer',
  'post /admin/v1/alerts/{id}/actions': 'operator',
  'get /admin/v1/silences': 'viewer',
  'post /admin/v1/silences': 'operator',
  'post /admin/v1/silences/{id}/actions': 'operator',
  'get /admin/v1/objectives': 'viewer',
  'get /admin/v1/faults': 'viewer',
  'post /admin/v1/faults/{id}/actions': 'operator',
  'get /admin/v1/tools/{server}/{tool}/quality': 'viewer',
  'get /admin/v1/runs': 'viewer',
  'get /admin/v1/runs/{run}': 'viewer',
  'get /admin/v1/calls/{id}': 'viewer',
  'get /admin/v1/cost': 'viewer',
  'get /admin/v1/audit': 'auditor',
  'get /admin/v1/audit/verify': 'auditor',
  'get /admin/v1/budgets': 'viewer',
  'post /admin/v1/budgets/{id}/actions': 'operator',
  'get /admin/v1/tools': 'viewer',
  'get /admin/v1/tools/{server}/{tool}/contracts': 'viewer',
  'post /admin/v1/tools/{server}/{tool}/approve': 'operator',
  'post /admin/v1/tools/{server}/{tool}/reject': 'operator',
  'get /admin/v1/tools/{server}/{tool}/usage': 'viewer',
  'post /admin/v1/tools/{server}/{tool}/deprecate': 'operator',
  'get /admin/v1/events': 'viewer',
  'get /admin/v1/sessions': 'viewer',
  'get /admin/v1/keys': 'admin',
  'post /admin/v1/keys/{id}/actions': 'admin',
  'get /admin/v1/grants': 'admin',
  'post /admin/v1/grants/actions': 'admin',
  'get /admin/v1/config': 'admin',
  'post /admin/v1/config/reload': 'admin',
  'get /admin/v1/config/revisions': 'admin',
  'get /admin/v1/config/revisions/{revision}': 'admin',
  'post /admin/v1/config/revisions/{revision}/actions': 'admin',
  'get /admin/v1/policy/explain': 'viewer',
}

const person = (group: string, more: Partial<Principal> = {}): Principal => ({
  ...anonymous,
  kind: 'user',
  iss: 'https://idp.example',
  sub: `${group}-person`,
  groups: [group],
  credential: `token-of-${group}`,
  ...more,
})

/** Shown as bearer tokens. */
const people: Readonly<Record<string, Principal>> = {
  ...Object.fromEntries(roles.map((role) => [role, person(role)])),
  nobody: person('guests'),
  stranger: person('admin', { iss: 'https://other.example' }),
  scoped: person('guests', { scopes: ['a', 'b'] }),
  halfScoped: person('guests', { scopes: ['a'] }),
  root: person('viewer', { sub: 'root' }),
  anonymous: { ...anonymous, groups: ['admin'] },
}

const decisions = keptDecisions()
const counted: string[] = []
const asked: string[] = []
const door = createAdminDoor({
  ...noAnswers,
  access: {
    token: 'own-token',
    roles: [
      { subjects: ['root'], role: 'admin' },
      { scopes: ['a', 'b'], role: 'operator' },
      ...roles.map((role) => ({ groups: [role, 'others'], issuers: ['https://idp.example'], role })),
    ],
    identify: (presented) => {
      asked.push(presented.mount)
      const who = people[(presented.headers.get('authorization')?.[0] ?? '').replace('Bearer ', '')]
      return who === undefined
        ? { fault: fault('unauthenticated', { reason: 'it is unknown' }, { challenge: 'Bearer scope="a"' }) }
        : { principal: who }
    },
  },
  sealer: createSealer(freshKey(), systemRandom),
  clock: new ManualClock(),
  report: { log: () => undefined, counters: { add: (_name, labels) => void counted.push(Object.values(labels).join()) } },
  decisions,
  listenHost: '127.0.0.1',
})
let port = 0
beforeAll(async () => {
  port = (await door.listen({ host: '127.0.0.1', port: 0 })).port
})
afterAll(() => door.close())

const as = (who: string | undefined, method: string, path: string, body?: string): Promise<Response> =>
  send(port, {
    method,
    path,
    headers: who === undefined ? {} : { authorization: `Bearer ${who}` },
    ...(body === undefined ? {} : { body }),
  })

/** With a narrowing that is none, where the answer would have no end. */
const addressed = (address: string): string => address.replace(/\{\w+\}/g, 'ab').replace(/\/events$/, '/events?types=none')

const isEnough = async (who: string, operation: string): Promise<boolean> => {
  const [method = '', address = ''] = operation.split(' ')
  const { status, headers, text } = await as(who, method.toUpperCase(), addressed(address), method === 'post' ? '{}' : undefined)
  expect([200, 400, 403, 404]).toContain(status)
  if (status !== 403) return true
  const { role, title } = JSON.parse(text)
  expect([headers['content-type'], title, role]).toEqual(['application/problem+json', 'Forbidden', needed[operation]])
  return false
}

describe('each operation', () => {
  it.each(Object.entries(needed))('%s is for %s and who may do all that it may', async (operation, role) => {
    for (const has of roles) expect([has, await isEnough(has, operation)]).toEqual([has, includes(has, role)])
    expect(await isEnough('own-token', operation)).toBe(true)
    const [method = '', address = ''] = operation.split(' ')
    for (const who of [undefined, 'a-token-of-nobody', 'own-token2', 'anonymous']) {
      const refused = await as(who, method.toUpperCase(), address)
      expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer/)])
    }
    for (const who of ['nobody', 'stranger', 'halfScoped']) {
      const refused = await as(who, method.toUpperCase(), address)
      expect([refused.status, JSON.parse(refused.text).detail]).toEqual([403, 'No rule of `admin.roles` gives this caller a role.'])
    }
  })

  it('has its row here', async () => {
    const { paths } = (await as('viewer', 'GET', '/admin/v1/openapi.json')).json as {
      paths: Record<string, Record<string, { 'x-role': Role }>>
    }
    const found = Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, one]) => [`${method} ${path}`, one['x-role']]),
    )
    expect(Object.fromEntries(found)).toEqual(needed)
  })
})

it('the first rule that holds of a caller decides, and all that it says has to hold', async () => {
  expect(await isEnough('scoped', 'post /admin/v1/budgets/{id}/actions')).toBe(true)
  expect(await isEnough('root', 'post /admin/v1/budgets/{id}/actions')).toBe(true)
})

it('callers are asked for what is theirs at this door, and at no mount of MCP', () => {
  expect(new Set(asked)).toEqual(new Set(['/admin/v1']))
})

it('the audit says who it was, and by which credential', async () => {
  decisions.all.length = 0
  await as('operator', 'POST', '/admin/v1/budgets/ab/actions', '{"action":"clear"}')
  expect(decisions.all).toEqual([
    expect.objectContaining({
      principal: people.operator,
      credential: 'token-of-operator',
      reason: 'clear by operator-person of https://idp.example (127.0.0.1): no limit ab',
    }),
  ])
})

it('the audit says who was refused what, and why, and keeps nothing of what was shown', async () => {
  decisions.all.length = 0
  await as(undefined, 'GET', '/admin/v1/keys')
  await as('a-token-of-nobody', 'POST', '/admin/v1/tools/up/find/approve', '{}')
  await as('nobody', 'GET', '/admin/v1/keys?x=secret')
  await as('viewer', 'POST', '/admin/v1/upstreams/up/actions', '{"action":"restart"}')
  await as(undefined, 'GET', '/secret-of-somebody')
  await send(port, { method: 'GET', path: '/metrics', headers: { host: 'evil.example' } })
  const of = (about: string, why: string) => ({ about, allowed: false, rule: `admin_${why}`, fromAnybody: true })
  expect(decisions.all).toEqual([
    expect.objectContaining({
      ...of('authenticate', 'unauthenticated'),
      ...{ principal: undefined, credential: '', method: 'GET /admin/v1/keys' },
      reason: expect.stringMatching(/^nobody who is known \(127\.0\.0\.1\): /),
    }),
    expect.objectContaining({
      ...of('authenticate', 'unauthenticated'),
      ...{ method: 'POST /admin/v1/tools/{server}/{tool}/approve', upstream: 'up', item: 'find' },
    }),
    expect.objectContaining({
      ...of('operation', 'no_role'),
      ...{ principal: people.nobody, credential: 'token-of-guests', method: 'GET /admin/v1/keys' },
      reason: 'guests-person of https://idp.example (127.0.0.1): No rule of `admin.roles` gives this caller a role.',
    }),
    expect.objectContaining({
      ...of('operation', 'role'),
      ...{ principal: people.viewer, method: 'POST /admin/v1/upstreams/{upstream}/actions', upstream: 'up' },
      reason: expect.stringMatching(/This needs the role operator; the caller is viewer\.$/),
    }),
    expect.objectContaining({ ...of('authenticate', 'unauthenticated'), method: 'GET' }),
    expect.objectContaining({ ...of('operation', 'host'), method: 'GET' }),
  ])
  expect(JSON.stringify(decisions.all)).not.toMatch(/secret|a-token-of-nobody/)
})

it('the audit says what an operator wanted done and was not, too', async () => {
  decisions.all.length = 0
  expect((await as('operator', 'POST', '/admin/v1/budgets/ab/actions', '{"action":"grow"}')).status).toBe(400)
  expect((await as('operator', 'POST', '/nowhere', '{}')).status).toBe(404)
  expect((await as('viewer', 'GET', '/admin/v1/budgets?limit=0')).status).toBe(400)
  expect(decisions.all).toEqual([
    expect.objectContaining({
      ...{ about: 'operation', allowed: false, rule: 'operator', principal: people.operator },
      method: 'POST /admin/v1/budgets/{id}/actions',
      reason: expect.stringContaining('The body is not as it has to be'),
    }),
  ])
})

it('refusals are counted by why', () => {
  expect(new Set(counted)).toEqual(new Set(['unauthenticated', 'no_role', 'role', 'host']))
})

it('who has a role is told what there is, and nobody else', async () => {
  expect((await as('viewer', 'GET', '/nowhere')).status).toBe(404)
  expect((await as('viewer', 'DELETE', '/metrics')).status).toBe(405)
  expect((await as('nobody', 'GET', '/nowhere')).status).toBe(403)
  expect((await as(undefined, 'DELETE', '/metrics')).status).toBe(401)
})
