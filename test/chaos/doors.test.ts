// Bad input at the doors: bodies, headers, framing and sessions that no honest client sends, over raw sockets, drawn by fast-check and
// listed by hand. Each ends in a clear refusal; nothing hangs, nothing is a fault of our own, and a good client beside it is served.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { array, asyncProperty, assert as check, constantFrom, json, oneof, record, string, uint8Array } from '../property.ts'
import { type L7Server, startL7Server } from './l7-server.ts'
import { faultOf, type Json, RawClient, textOf } from './raw-client.ts'
import { type Rig, secrets, startRig } from './rig.ts'
import { cellOf, shown, tell } from './table.ts'

let rig: Rig
let server: L7Server
let port: number

beforeAll(async () => {
  server = await startL7Server('modern')
  server.tools = [
    ...server.tools,
    {
      name: 'strict',
      inputSchema: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          count: { type: 'integer' },
          word: { type: 'string', pattern: '^(a+)+$' },
          tag: { type: 'string' },
        },
        required: ['count'],
        additionalProperties: false,
      },
    },
  ]
  rig = await startRig({ servers: { up: { url: server.url } } })
  await rig.serves('up')
  port = Number(new URL(rig.base).port)
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  await server.stop()
}, 20_000)

const claim = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }
const good = (change: Record<string, unknown> = {}, params: Record<string, unknown> = {}): Record<string, unknown> => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name: 'write', arguments: { tag: 'door' }, _meta: claim, ...params },
  ...change,
})
const standard: Record<string, string> = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'write',
}

interface Raw {
  readonly status: number
  readonly body: string
  readonly message: Json
}

/** Sends these bytes and reads until the gateway closes, which it must within the time. */
function exchange(bytes: Buffer | string, ms = 4_000): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const chunks: Buffer[] = []
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer; so far: ${Buffer.concat(chunks).toString('latin1').slice(0, 300)}`))
    }, ms)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      const text = Buffer.concat(chunks).toString('utf8')
      const at = text.indexOf('\r\n\r\n')
      const body = text.slice(at + 4)
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), body, message: parsed(body) })
    })
  })
}

function parsed(body: string): Json {
  const data = /^data: ?(.*)$/m.exec(body)?.[1] ?? body
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

function post(body: Buffer | string, headers: Record<string, string> = {}, path = '/mcp/up'): Buffer {
  const all: Record<string, string> = { host: `127.0.0.1:${port}`, connection: 'close', ...standard, ...headers }
  if (all['content-length'] === undefined && all['transfer-encoding'] === undefined) all['content-length'] = String(Buffer.byteLength(body))
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)])
}

const calling = (message: unknown, headers: Record<string, string> = {}): Buffer => post(JSON.stringify(message), headers)

/** A refusal: the status of a client's mistake, and words that say what is wrong. */
function isClear(raw: Raw): void {
  expect(raw.status, raw.body).toBeGreaterThanOrEqual(400)
  expect(raw.status, raw.body).toBeLessThan(500)
  expect(raw.message?.jsonrpc, raw.body).toBe('2.0')
  expect(typeof raw.message.error.code).toBe('number')
  expect(raw.message.error.message.length).toBeGreaterThan(15)
  expect(raw.body).not.toContain('"internal"')
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
const bodyOf = (text: string): string => JSON.stringify(good()).replace('"door"', text)

describe('a body', () => {
  test.each<[string, Buffer | string, number, RegExp]>([
    ['that is empty', '', 400, /empty/],
    ['that is no JSON', '{"jsonrpc":', 400, /JSON/],
    ['with text after it', `${JSON.stringify(good())}x`, 400, /JSON/],
    ['that is a string', '"hello"', 400, /message/],
    ['that is null', 'null', 400, /message/],
    ['that is no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, /UTF-8/],
    ['with a byte order mark alone', '\ufeff', 400, /JSON/],
    ['with a NUL byte in a string', bodyOf('"a\u0000b"'), 400, /control character/],
    ['with a lone surrogate', bodyOf('"\\ud800"'), 400, /surrogate/],
    ['100,000 levels deep', bodyOf(nested(100_000)), 400, /nesting/],
    ['with a key twice', JSON.stringify(good()).replace('"name":"write"', '"name":"read","name":"write"'), 400, /twice/],
    [
      'with a key twice, once escaped',
      JSON.stringify(good()).replace('"name":"write"', '"n\\u0061me":"read","name":"write"'),
      400,
      /twice/,
    ],
    ['of 5 MiB', bodyOf(`"${'x'.repeat(5 * 1_048_576)}"`), 413, /larger than 4194304/],
    ['that is a batch of nothing', '[]', 400, /batch/],
    ['that is a batch of 100,000', JSON.stringify(Array(100_000).fill({ jsonrpc: '2.0', id: 1, method: 'ping' })), 400, /session|batch/i],
    ['that is a batch with a modern message', JSON.stringify([good()]), 400, /batch/],
    ['without jsonrpc', JSON.stringify(good({ jsonrpc: undefined })), 400, /jsonrpc/],
    ['with jsonrpc 1.0', JSON.stringify(good({ jsonrpc: '1.0' })), 400, /jsonrpc/],
    ['with the id null', JSON.stringify(good({ id: null })), 400, /id must be/],
    ['with a fraction as id', JSON.stringify(good({ id: 1.5 })), 400, /id must be/],
    ['with an object as id', JSON.stringify(good({ id: {} })), 400, /id must be/],
    ['with a number as method', JSON.stringify(good({ method: 5 })), 400, /method/],
    ['with a string as params', JSON.stringify(good({ params: 'x' })), 400, /params/],
    ['with an array as params', JSON.stringify(good({ params: [] })), 400, /_meta|params/],
    ['without _meta', JSON.stringify(good({}, { _meta: undefined })), 400, /_meta/],
    ['with a string as _meta', JSON.stringify(good({}, { _meta: 'x' })), 400, /_meta/],
    [
      'without the capabilities',
      JSON.stringify(good({}, { _meta: { ...claim, 'io.modelcontextprotocol/clientCapabilities': undefined } })),
      400,
      /clientCapabilities/,
    ],
    ['with a number as its name', JSON.stringify(good({}, { name: 5 })), 400, /name/],
    [
      'with a number as its revision',
      JSON.stringify(good({}, { _meta: { ...claim, 'io.modelcontextprotocol/protocolVersion': 1 } })),
      400,
      /protocolVersion/,
    ],
    ['with an object as progress token', JSON.stringify(good({}, { _meta: { ...claim, progressToken: {} } })), 400, /progressToken/],
  ])('%s', async (what, body, status, says) => {
    const raw = await exchange(post(body))
    isClear(raw)
    expect(raw.status).toBe(status)
    expect(raw.message.error.message).toMatch(says)
    await rig.neighbourIsFine()
    shown('X11', `a body ${what}`, 'door')
  })

  test('whatever it holds ends in one answer', async () => {
    const value = json({ maxDepth: 4 })
    const damaged = record({
      text: constantFrom(JSON.stringify(good())),
      at: string({ maxLength: 3 }),
      noise: string({ maxLength: 8 }),
    }).map(({ text, at, noise }) => text.slice(0, at.length * 40) + noise + text.slice(at.length * 41))
    const bytes = oneof(
      value.map((text) => Buffer.from(text)),
      damaged.map((text) => Buffer.from(text)),
      uint8Array({ maxLength: 64 }).map((each) => Buffer.from(each)),
      value.map((text) => Buffer.from(JSON.stringify(good({ id: JSON.parse(text) })))),
      value.map((text) => Buffer.from(JSON.stringify(good({ params: JSON.parse(text) })))),
      value.map((text) => Buffer.from(JSON.stringify(good({}, { _meta: JSON.parse(text) })))),
      value.map((text) => Buffer.from(JSON.stringify(good({}, { arguments: JSON.parse(text) })))),
    )
    await check(
      asyncProperty(bytes, async (body) => {
        const raw = await exchange(post(body))
        expect([200, 202, 400, 404, 413]).toContain(raw.status)
        if (raw.status !== 202) expect(raw.message?.jsonrpc, raw.body).toBe('2.0')
        expect(raw.body).not.toContain('"internal"')
      }),
      { numRuns: 150 },
    )
    await rig.neighbourIsFine()
  }, 30_000)
})

describe('headers', () => {
  const sentinel = (text: string): string => `=?base64?${text}?=`
  const calls = good({}, { name: 'strict', arguments: { count: 1, region: 'eu', tag: 'door' } })
  const strict = { 'mcp-name': 'strict' }
  test.each<[string, unknown, Record<string, string>, number, RegExp]>([
    ['no JSON', good(), { 'content-type': 'text/plain' }, 415, /application\/json/],
    ['accept neither form', good(), { accept: 'text/html' }, 406, /Accept/],
    ['another method', good(), { 'mcp-method': 'tools/list' }, 400, /Mcp-Method/],
    ['another name', good(), { 'mcp-name': 'read' }, 400, /Mcp-Name/],
    ['another revision', good(), { 'mcp-protocol-version': '2025-06-18' }, 400, /MCP-Protocol-Version|2025-06-18/],
    ['a revision that nobody knows', good(), { 'mcp-protocol-version': '2999-01-01' }, 400, /2999-01-01|MCP-Protocol-Version/],
    ['a base64 name that is none', good(), { 'mcp-name': sentinel('%%%') }, 400, /Mcp-Name/],
    ['a base64 name that is no UTF-8', good(), { 'mcp-name': sentinel(Buffer.from([0xff]).toString('base64')) }, 400, /Mcp-Name/],
    ['a base64 name of something else', good(), { 'mcp-name': sentinel(Buffer.from('read').toString('base64')) }, 400, /Mcp-Name/],
    ['an argument that is missing from them', calls, strict, 400, /Region/i],
    ['an argument that differs', calls, { ...strict, 'mcp-param-region': 'us' }, 400, /Region/i],
    ['an argument in broken base64', calls, { ...strict, 'mcp-param-region': sentinel('@@') }, 400, /Region/i],
    ['a host that is not ours', good(), { host: 'evil.example' }, 403, /http\.hosts/],
    ['an origin that is not ours', good(), { origin: 'https://evil.example' }, 403, /http\.origins/],
  ])('%s', async (what, message, headers, status, says) => {
    const before = server.effectsOf('door')
    const raw = await exchange(calling(message, headers))
    isClear(raw)
    expect(raw.status, raw.body).toBe(status)
    expect(raw.message.error.message).toMatch(says)
    expect(server.effectsOf('door')).toBe(before)
    shown('T29', `headers: ${what}`, 'modern → -')
  })

  test('a sentinel that is right is understood', async () => {
    const raw = await exchange(calling(good(), { 'mcp-name': sentinel(Buffer.from('write').toString('base64')) }))
    expect(raw.message.result.content[0].text, raw.body).toBe('door')
  })

  test('whatever they hold ends in one answer', async () => {
    const names = constantFrom(
      'mcp-name',
      'mcp-method',
      'mcp-protocol-version',
      'mcp-session-id',
      'accept',
      'content-type',
      'mcp-param-x',
      'last-event-id',
      'origin',
      'traceparent',
    )
    const line = string({ unit: 'binary', maxLength: 40 }).map((text) => text.replace(/[\r\n\0]/g, ' '))
    await check(
      asyncProperty(names, line, async (name, value) => {
        const raw = await exchange(calling(good(), { [name]: value }))
        expect(raw.status, raw.body).toBeGreaterThanOrEqual(200)
        expect(raw.status, raw.body).toBeLessThan(500)
        expect(raw.body).not.toContain('"internal"')
      }),
      { numRuns: 80 },
    )
    await rig.neighbourIsFine()
  }, 30_000)
})

describe('framing', () => {
  const chunked = { 'transfer-encoding': 'chunked' }
  test.each<[string, () => Buffer | string, number]>([
    ['no HTTP at all', () => 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 400],
    [
      'TLS on a plain port',
      () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x0d, 0x0a, 0x0d, 0x0a]),
      400,
    ],
    ['headers of 64 KiB', () => calling(good(), { 'x-large': 'a'.repeat(65_536) }), 431],
    ['two lengths', () => post('{}', { 'content-length': '2', 'Content-Length': '3' }), 400],
    ['a length and chunks', () => post('0\r\n\r\n', { 'content-length': '5', ...chunked }), 400],
    ['a length that is no number', () => post('{}', { 'content-length': 'two' }), 400],
    ['a negative length', () => post('{}', { 'content-length': '-2' }), 400],
    ['chunks without sizes', () => post('zz\r\nhello\r\n', chunked), 400],
    ['a chunk size beyond all', () => post('fffffffffffffffffff\r\n', chunked), 400],
    ['a NUL in a header', () => calling(good(), { 'x-odd': 'a\0b' }), 400],
  ])('%s', async (what, bytes, status) => {
    const raw = await exchange(bytes())
    isClear(raw)
    expect(raw.status, raw.body).toBe(status)
    await rig.neighbourIsFine()
    shown('X11', `framing: ${what}`, 'door')
  })

  test('X11 clients that send one byte and stop hold up nobody', async () => {
    const slow = Array.from({ length: 100 }, () => {
      const socket = connect(port, '127.0.0.1', () => socket.write('P'))
      socket.on('error', () => undefined)
      return socket
    })
    for (let n = 0; n < 3; n += 1) await rig.neighbourIsFine()
    for (const socket of slow) socket.destroy()
    shown('X11', '100 clients that send one byte and stop', 'door')
  })

  test.each(['PUT', 'PATCH', 'DELETE', 'GET', 'TRACE', 'OPTIONS'])('%s without sense is answered', async (verb) => {
    const raw = await exchange(`${verb} /mcp/up HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`)
    expect(raw.status).toBeGreaterThanOrEqual(200)
    expect(raw.status).toBeLessThan(500)
  })

  test('a mount that is not there names those that are', async () => {
    const raw = await exchange(post(JSON.stringify(good()), {}, '/mcp/nowhere'))
    isClear(raw)
    expect(raw.status).toBe(404)
    expect(raw.message.error.message).toContain('/mcp/up')
  })
})

describe('sessions', () => {
  const legacy = { 'mcp-protocol-version': '2025-06-18' }
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

  test('none, an unknown one and the one of another mount are refused with words', async () => {
    const other = await new RawClient('legacy', `${rig.base}/mcp/neighbour`).connect()
    for (const [id, status] of [
      [undefined, 400],
      ['unknown', 404],
      ['a'.repeat(4_000), 404],
      [other.session, 404],
    ] as const) {
      const raw = await exchange(calling(ping, { ...legacy, ...(id === undefined ? {} : { 'mcp-session-id': id }) }))
      isClear(raw)
      expect(raw.status, raw.body).toBe(status)
      expect(raw.message.error.message).toMatch(/initialize/)
    }
    await other.close()
  })

  test('damaged ones are refused, whatever the damage', async () => {
    const client = await new RawClient('legacy', `${rig.base}/mcp/up`).connect()
    const { session = '' } = client
    await check(
      asyncProperty(
        array(string({ minLength: 1, maxLength: 3, unit: 'grapheme-ascii' }), { minLength: 1, maxLength: 3 }),
        async (parts) => {
          const damaged = parts.reduce((text, part, n) => text.slice(0, n * 7) + part.trim() + text.slice(n * 7 + 1), session)
          if (damaged === session) return
          const raw = await exchange(calling(ping, { ...legacy, 'mcp-session-id': damaged }))
          expect([400, 404]).toContain(raw.status)
        },
      ),
      { numRuns: 40 },
    )
    expect((await client.call('write', { tag: 'alive' })).answers).toHaveLength(1)
    await client.close()
    const raw = await exchange(calling(ping, { ...legacy, 'mcp-session-id': session }))
    expect(raw.status).toBe(404)
  }, 20_000)

  test.each<[string, Record<string, unknown>]>([
    ['no revision', { capabilities: {}, clientInfo: { name: 'x', version: '1' } }],
    ['a revision that is no string', { protocolVersion: 5, capabilities: {}, clientInfo: { name: 'x', version: '1' } }],
    ['no params', {}],
    ['capabilities that are none', { protocolVersion: '2025-06-18', capabilities: 'all', clientInfo: null }],
  ])('initialize with %s is answered', async (_what, params) => {
    const raw = await exchange(calling({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, { 'mcp-protocol-version': '' }))
    expect(raw.status).toBeLessThan(500)
    expect(raw.body).not.toContain('"internal"')
    expect(raw.message?.jsonrpc, raw.body).toBe('2.0')
  })

  test('X04 thirty sessions with the same ids and tagged calls: nobody gets what is another’s', async () => {
    const sessions = await Promise.all(Array.from({ length: 30 }, () => new RawClient('legacy', `${rig.base}/mcp/up`).connect()))
    await Promise.all(
      sessions.map(async (client, who) => {
        for (let id = 0; id < 6; id += 1) {
          const answer = await client.call('read', { tag: `${who}/${id}` }, { id })
          expect(answer.answers).toHaveLength(1)
          expect(textOf(answer)).toBe(`${who}/${id}`)
        }
      }),
    )
    await Promise.all(sessions.map((client) => client.close()))
    await rig.neighbourIsFine()
  })
})

describe('arguments', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['L01 a required one is missing', {}, /count/],
    ['L01 a wrong type', { count: 'three' }, /count/],
    ['L01 one too many', { count: 1, colour: 'red' }, /colour/],
    ['L02 a string made for slow patterns', { count: 1, word: `${'a'.repeat(50_000)}!` }, /word/],
    ['L02 a prototype', JSON.parse('{"count":1,"__proto__":{"admin":true}}'), /__proto__/],
  ])('%s: refused with the path, nothing executed', async (what, args, says) => {
    for (const era of ['modern', 'legacy'] as const) {
      const client = await new RawClient(era, `${rig.base}/mcp/up`, { 'x-canary': secrets.client }).connect()
      const before = server.count('tools/call')
      const answer = await client.call('strict', args)
      const executions = server.count('tools/call') - before
      const met = { id: what.slice(0, 3), fault: what.slice(4), era: `${era} → modern`, answer, text: '', executions }
      tell(cellOf({ ...met, allowed: 0, wanted: 'invalid_arguments' }))
      expect(answer.answers).toHaveLength(1)
      expect(faultOf(answer), answer.text).toMatchObject({ kind: 'invalid_arguments', category: 'tool', side_effect: 'none' })
      expect(faultOf(answer)?.tell_user).toMatch(says)
      expect(server.count('tools/call')).toBe(before)
      await client.close()
    }
  })

  test('L03 a near miss is told the nearest name', async () => {
    for (const era of ['modern', 'legacy'] as const) {
      const client = await new RawClient(era, `${rig.base}/mcp/up`).connect()
      const answer = await client.call('wrte')
      expect(answer.answers[0].error.code).toBe(-32602)
      expect(answer.answers[0].error.message).toContain('write')
      shown('L03', 'a near miss of a name', `${era} → modern`, { answers: answer.answers.length })
      await client.close()
    }
  })
})
