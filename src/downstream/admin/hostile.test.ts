// What clients may send to the admin door that mean no good, or are broken: each is answered with a problem, and the next one is served.
import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { noAnswers } from '../../../test/doubles/admin-parts.ts'
import { noDecisions } from '../../../test/doubles/decisions.ts'
import { type Sending, send } from '../../../test/doubles/downstream/http-peer.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { createAdminDoor } from './door.ts'

const acted: unknown[] = []
const logged: string[] = []
const clients = Array.from({ length: 7 }, (_, n) => entry(`c${n}`))
function entry(name: string) {
  return {
    name,
    version: '1',
    transport: 'http',
    revision: '2026-07-28',
    firstSeenMs: 0,
    lastSeenMs: 0,
    calls: 1,
    sdk: 'unknown',
    sdkVersion: 'unknown',
    owner: 'unknown',
  }
}
const door = createAdminDoor({
  ...noAnswers,
  maintenance: {
    knows: () => true,
    act: async (...action) => {
      acted.push(action)
      return { state: 'paused', inFlight: 0, held: 0, done: true }
    },
  },
  clients: () => clients,
  sealer: createSealer(freshKey(), systemRandom),
  clock: new ManualClock(),
  report: { log: (_severity, event) => void logged.push(event), counters: { add: () => undefined } },
  decisions: noDecisions,
  listenHost: '127.0.0.1',
})
let port = 0
beforeAll(async () => {
  port = (await door.listen({ host: '127.0.0.1', port: 0 })).port
})
afterAll(() => door.close())

const at = '/admin/v1/upstreams/up/actions'
const good = '{"action":"pause"}'

it.each<readonly [string, Sending, number]>([
  ['no JSON', { body: '{"action"' }, 400],
  ['nothing', { body: '' }, 400],
  ['no object', { body: '[]' }, 400],
  ['a name that stands twice', { body: '{"action":"drain","action":"pause"}' }, 400],
  ['the same by an escape', { body: '{"action":"drain","\\u0061ction":"pause"}' }, 400],
  ['`__proto__`', { body: '{"action":"pause","__proto__":{"waitMs":1}}' }, 400],
  ['no UTF-8', { body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]) }, 400],
  ['what is nested without end', { body: `${'['.repeat(100_000)}` }, 413],
  ['what is nested deep', { body: `${'['.repeat(3_000)}${']'.repeat(3_000)}` }, 400],
  ['more than is read', { body: `{"action":"pause","x":"${'x'.repeat(70_000)}"}` }, 413],
  ['more than is read, in pieces', { body: 'x'.repeat(500_000), headers: { 'transfer-encoding': 'chunked' } }, 413],
  ['another media type', { body: good, headers: { 'content-type': 'text/plain' } }, 415],
  ['a form', { body: 'action=pause', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
  ['no media type', { body: good, headers: { 'content-type': undefined } }, 415],
  ['a broken media type', { body: good, headers: { 'content-type': ';;;' } }, 415],
  ['what is compressed', { body: gzipSync(good), headers: { 'content-encoding': 'gzip' } }, 415],
  ['another host', { body: good, headers: { host: 'evil.example' } }, 403],
  ['a page of elsewhere', { body: good, headers: { origin: 'https://evil.example' } }, 403],
  ['a page without an origin', { body: good, headers: { origin: 'null' } }, 403],
  ['an address that is none', { path: '/admin/v1/upstreams/%ff/actions', body: good }, 400],
  ['a very long address', { path: `/admin/v1/upstreams/${'x'.repeat(9_000)}/actions`, body: good }, 400],
  ['a method that is not taken', { method: 'PUT', body: good }, 405],
  ['a method of WebDAV', { method: 'PROPFIND', body: good }, 405],
])('%s is refused with a problem, and does nothing', async (_what, sending, status) => {
  const refused = await send(port, { method: 'POST', path: at, ...sending })
  expect([refused.status, refused.headers['content-type']]).toEqual([status, 'application/problem+json'])
  expect(JSON.parse(refused.text)).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) })
  expect(refused.text).not.toMatch(/FST_|node_modules|at .*\.ts/)
  expect(acted).toEqual([])
  expect((await send(port, { method: 'GET', path: '/admin/v1/stores' })).status).toBe(200)
})

it.each([
  ['what is no HTTP', 'hello\r\n\r\n', '400'],
  ['headers that are too large', `GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '431'],
  ['two lengths', 'POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', '400'],
])('%s is answered with a problem and the connection ends', async (_what, bytes, status) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk
  })
  socket.write(bytes)
  await once(socket, 'close')
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(text).toContain('Content-Type: application/problem+json')
})

it('no request of these is a bug of ours', () => {
  expect(logged).toEqual([])
})

it('pages of a list stay whole while entries come and go', async () => {
  const page = async (query: string): Promise<{ clients: { name: string }[]; next?: string }> =>
    (await send(port, { method: 'GET', path: `/admin/v1/clients?${query}` })).json as never
  const first = await page('limit=3')
  expect(first.clients.map(({ name }) => name)).toEqual(['c0', 'c1', 'c2'])
  // One before, one behind, and the one that the cursor names is gone.
  clients.unshift(entry('b'))
  clients.push(entry('c35'))
  clients.splice(
    clients.findIndex(({ name }) => name === 'c2'),
    1,
  )
  const second = await page(`limit=3&cursor=${first.next}`)
  expect(second.clients.map(({ name }) => name)).toEqual(['c3', 'c35', 'c4'])
  const third = await page(`limit=3&cursor=${second.next}`)
  expect([third.clients.map(({ name }) => name), third.next]).toEqual([['c5', 'c6'], undefined])
})

it('a cursor of another list, an altered one and one of nobody are refused', async () => {
  const { next } = (await send(port, { method: 'GET', path: '/admin/v1/clients?limit=1' })).json as { next: string }
  for (const path of [
    `/admin/v1/upstreams?cursor=${next}`,
    `/admin/v1/clients?cursor=${next.slice(0, -2)}AA`,
    '/admin/v1/clients?cursor=WyJjMSJd',
    `/admin/v1/clients?cursor=${next}&cursor=${next}`,
    '/admin/v1/clients?limit=1001',
    '/admin/v1/clients?limit=1.5',
  ]) {
    const { status, text } = await send(port, { method: 'GET', path })
    expect([path, status, JSON.parse(text).errors[0].parameter]).toEqual([path, 400, /limit/.test(path) ? 'limit' : 'cursor'])
  }
})
