import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { result, type ScriptedServer, send, startScripted, until } from '../../../test/doubles/upstream/scripted-server.ts'
import type { Report } from '../../core/ports/report.ts'
import { notificationBytes, requestBytes } from '../../core/protocol/jsonrpc.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import type { IncomingNotification, IncomingRequest, WireAnswer, WireRequest } from '../wire/wire.ts'
import { unreachable } from './failures.ts'
import { HttpPools } from './pools.ts'
import { type HttpWireOptions, openHttpWire, type StreamableHttpWire } from './wire.ts'

const json = 'application/json'
const sse = 'text/event-stream'
const report: Report = { log: () => {}, counters: { add: () => {} } }

let server: ScriptedServer
let pools: HttpPools
let wires: StreamableHttpWire[]
let anomalies: string[]
let strays: (IncomingRequest | IncomingNotification)[]

beforeEach(async () => {
  server = await startScripted((asked, response) => send(response, 200, json, result(asked.id)))
  pools = new HttpPools()
  wires = []
  anomalies = []
  strays = []
})

afterEach(async () => {
  await Promise.all(wires.map((wire) => wire.close()))
  await pools.close()
  await server.stop()
})

function open(change: Partial<HttpWireOptions> = {}): StreamableHttpWire {
  const wire = openHttpWire({
    upstream: 'up',
    url: server.url,
    resume: false,
    connectTimeoutMs: 2_000,
    maxMessageBytes: 10_000,
    clock: systemClock,
    random: systemRandom,
    report,
    pools,
    ...change,
  })
  wire.onAnomaly = (type) => anomalies.push(type)
  wire.onStray = (message) => strays.push(message)
  wires.push(wire)
  return wire
}

function ask(wire: StreamableHttpWire, change: Partial<WireRequest> = {}): Promise<WireAnswer> {
  const id = wire.nextId()
  const method = change.method ?? 'tools/call'
  return wire.request({
    id,
    method,
    message: requestBytes(id, method, Buffer.from('{"name":"x"}')),
    headers: { 'mcp-method': method },
    signal: new AbortController().signal,
    onMessage: () => {},
    maxBytes: 100_000,
    ...change,
  })
}

function kinds(answer: WireAnswer): unknown[] {
  if (answer.kind === 'lost') return ['lost', answer.fault.evidence?.execution, answer.fault.kind]
  if (answer.kind === 'status') return ['status', answer.status]
  return [answer.kind]
}

describe('a request over Streamable HTTP', () => {
  it('is posted with its headers and gets its JSON answer', async () => {
    const answer = await ask(open(), { headers: { 'mcp-method': 'tools/call', 'mcp-session-id': 's', accept: 'text/html' } })
    expect(answer).toMatchObject({ kind: 'answer', status: 200, answer: { kind: 'result', id: '1' } })
    const [asked] = server.asked
    expect(asked).toMatchObject({ method: 'POST', path: '/mcp' })
    expect(asked?.headers).toMatchObject({
      'content-type': json,
      accept: `${json}, ${sse}`,
      'mcp-method': 'tools/call',
      'mcp-session-id': 's',
    })
    expect(asked?.body).toBe('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}')
  })

  it('reuses its connections, also after refusals with small bodies and after event streams', async () => {
    const wire = open()
    for (let i = 0; i < 30; i += 1) {
      server.script = (asked, response) => {
        if (i % 3 === 0) send(response, 500, 'text/html', '<h1>no</h1>')
        else if (i % 3 === 1) send(response, 200, sse, `data: ${result(asked.id)}\n\n`)
        else send(response, 200, json, result(asked.id))
      }
      await ask(wire)
    }
    await until(() => pools.open === 0)
    expect(server.connections).toBeLessThanOrEqual(3)
  })

  it('hands over notifications and requests of its stream, then the answer', async () => {
    server.script = (asked, response) => {
      const note = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}'
      const question = '{"jsonrpc":"2.0","id":"q","method":"roots/list"}'
      send(
        response,
        200,
        sse,
        `: hi\n\nevent: ping\ndata: x\n\ndata: ${note}\n\ndata: [${question},${note}]\n\ndata: ${result(asked.id)}\n\n`,
      )
    }
    const heard: string[] = []
    const answer = await ask(open(), { onMessage: (message) => heard.push(message.method) })
    expect(answer.kind).toBe('answer')
    expect(heard).toEqual(['notifications/progress', 'roots/list', 'notifications/progress'])
    expect(anomalies).toEqual([])
  })

  it.each([json, sse])('reads %s byte by byte', async (type) => {
    server.script = async (asked, response) => {
      response.writeHead(200, { 'content-type': type })
      const text =
        type === json ? result(asked.id, { text: 'Zürich' }) : `\uFEFFid: 1\r\ndata: ${result(asked.id, { text: 'Zürich' })}\r\n\r\n`
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      response.end()
    }
    const answer = await ask(open())
    expect(answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json()).toEqual({ text: 'Zürich' })
  })

  it('takes a large answer whole and untouched', async () => {
    const text = 'é'.repeat(2_000_000)
    server.script = (asked, response) =>
      send(response, 200, json, result(asked.id, { text, big: 1 }).replace('"big":1', '"big":9007199254740993'))
    const answer = await ask(open(), { maxBytes: 8_000_000 })
    if (answer.kind !== 'answer' || answer.answer.kind !== 'result') throw new Error('no result')
    expect(answer.answer.result.json()).toMatchObject({ text })
    expect(Buffer.from(answer.answer.result.bytes).subarray(-20).toString()).toContain('9007199254740993')
  })

  it('takes an error in any status as the answer where it bears the id', async () => {
    server.script = (asked, response) =>
      send(response, 404, json, `{"jsonrpc":"2.0","id":${asked.id},"error":{"code":-32601,"message":"no","data":{"x":1}}}`)
    expect(await ask(open())).toMatchObject({ kind: 'answer', status: 404, answer: { kind: 'error', code: -32601 } })
  })

  it('keeps the session id of initialize, and only of initialize', async () => {
    server.script = (asked, response) => send(response, 200, json, result(asked.id), { 'mcp-session-id': `s${asked.id}` })
    const wire = open()
    await ask(wire)
    expect(wire.sessionId).toBeUndefined()
    await ask(wire, { method: 'initialize' })
    expect(wire.sessionId).toBe('s2')
  })

  it('lets a quiet stream stay open until its result comes', async () => {
    let finish = (): void => {}
    server.script = (asked, response) => {
      response.writeHead(200, { 'content-type': sse })
      response.write('data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"}\n\n')
      finish = () => response.end(`data: ${result(asked.id)}\n\n`)
    }
    let heard = 0
    const answer = ask(open(), {
      method: 'subscriptions/listen',
      onMessage: () => {
        heard += 1
      },
    })
    await until(() => heard === 1)
    finish()
    expect((await answer).kind).toBe('answer')
  })
})

describe('a status in place of an answer', () => {
  it.each([
    [401, { 'www-authenticate': 'Bearer resource_metadata="x"' }, { challenge: 'Bearer resource_metadata="x"', retryAfterMs: undefined }],
    [429, { 'retry-after': '7' }, { retryAfterMs: 7_000 }],
    [503, { 'retry-after': new Date(systemClock.now() + 90_000).toUTCString() }, {}],
    [307, { location: 'http://127.0.0.1:1/' }, { retryAfterMs: undefined }],
    [404, {}, { body: undefined }],
  ])('%i is told, never followed', async (status, headers, expected) => {
    server.script = (_, response) => send(response, status, 'text/plain', 'secret', headers as Record<string, string>)
    const answer = await ask(open())
    expect(answer).toMatchObject({ kind: 'status', status, ...expected })
    if (status === 503 && answer.kind === 'status') expect(answer.retryAfterMs).toBeGreaterThan(80_000)
    expect(server.asked).toHaveLength(1)
  })

  it('brings a JSON-RPC error without our id along (a lost session of server-everything)', async () => {
    server.script = (_, response) =>
      send(response, 400, json, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}')
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 400, body: { code: -32000 } })
    server.script = (_, response) => send(response, 400, json, '{"error":"not json-rpc"}')
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 400, body: undefined })
  })
})

describe('an answer that was cut within a character', () => {
  const cutText = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":"'), Buffer.of(0xff), Buffer.from('\\ud83d"}}')])
  it.each([
    [json, cutText],
    [sse, Buffer.concat([Buffer.from('data: '), cutText, Buffer.from('\n\n')])],
  ])('is read as its client would read it, and counted (%s)', async (type, body) => {
    server.script = (_, response) => send(response, 200, type, body)
    const answer = await ask(open())
    expect(answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json()).toEqual({ a: '\ufffd\ud83d' })
    expect(anomalies).toEqual(['utf8'])
  })
})

describe('an answer that is no answer', () => {
  it.each([
    ['a page', 200, 'text/html', '<html>secret</html>'],
    ['no type', 200, '', '{}'],
    ['nothing', 200, json, ''],
    ['null', 200, json, 'null'],
    ['an array', 200, json, '[]'],
    ['half of it', 200, json, '{"jsonrpc":"2.0","id":1,"resu'],
    ['text after it', 200, json, `${result(1)}x`],
    ['no jsonrpc', 200, json, '{"id":1,"result":{}}'],
    ['the id as a string', 200, json, result('1')],
    ['another id', 200, json, result(77)],
    ['a request', 200, json, '{"jsonrpc":"2.0","id":1,"method":"ping"}'],
    ['deep nesting', 200, json, `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(50_000)}`],
    ['202', 202, json, ''],
    ['an event that is no JSON', 200, sse, 'data: {"jsonrpc":\n\n'],
    ['an event for another', 200, sse, `data: ${result(77)}\n\n`],
  ])('%s is a protocol error that quotes nothing', async (_, status, type, body) => {
    server.script = (__, response) => send(response, status, type, body)
    const answer = await ask(open())
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(anomalies).toHaveLength(1)
  })

  it('tells of keep-alive comments, which are signs of life, and of nothing else', async () => {
    let alive = 0
    server.script = (asked, response) => {
      response.writeHead(200, { 'content-type': sse })
      response.write(': one\n\n', () => response.end(`: two\n\nretry: 10\nnonsense: 1\ndata: ${result(asked.id)}\n\n`))
    }
    const onAlive = (): void => {
      alive += 1
    }
    expect((await ask(open(), { onAlive })).kind).toBe('answer')
    expect(alive).toBeGreaterThan(0)
    server.script = (asked, response) => send(response, 200, sse, `retry: 10\ndata: ${result(asked.id)}\n\n`)
    const before = alive
    await ask(open(), { onAlive })
    expect(alive).toBe(before)
  })

  it('counts answers to nobody and second answers', async () => {
    server.script = (asked, response) =>
      send(response, 200, sse, `data: ${result(9)}\n\ndata: ${result(asked.id)}\n\ndata: ${result(asked.id)}\n\n`)
    expect((await ask(open())).kind).toBe('answer')
    await until(() => anomalies.length === 2)
    expect(anomalies).toEqual(['orphan', 'duplicate'])
  })

  it('is refused as compressed, which nobody asked for', async () => {
    server.script = (_, response) => send(response, 200, json, Buffer.of(31, 139), { 'content-encoding': 'gzip' })
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
  })
})

describe('an answer that is too large', () => {
  it.each([
    ['told', { 'content-length': '1000000' }],
    ['not told', {}],
  ])('is not read on (%s)', async (_, headers) => {
    let closed = false
    server.script = (__, response) => {
      response.on('close', () => {
        closed = true
      })
      response.writeHead(200, { 'content-type': json, ...(headers as Record<string, string>) })
      const more = (): void => {
        if (!closed) response.write('x'.repeat(16_384), () => setImmediate(more))
      }
      more()
    }
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'result_too_large'])
    await until(() => closed)
  })

  it('is not read on as an event', async () => {
    server.script = (asked, response) => send(response, 200, sse, `data: ${result(asked.id, { a: 'x'.repeat(200_000) })}\n\n`)
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'result_too_large'])
  })
})

describe('a connection that fails', () => {
  it('was refused: surely not executed', async () => {
    const { port } = server
    await server.stop()
    const answer = await ask(open({ url: `http://127.0.0.1:${port}/mcp` }))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({ fault: { detail: { phase: 'connect', reason: 'connection refused' } } })
  })

  it('speaks no TLS: surely not executed', async () => {
    const answer = await ask(open({ url: server.url.replace('http:', 'https:') }))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({ fault: { detail: { phase: 'tls' } } })
  })

  it('is told from a name that is not known', () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND x'), { code: 'ENOTFOUND' })
    expect(unreachable('up', error, 5).detail).toMatchObject({ phase: 'dns' })
  })

  it('holds a header that cannot be sent: surely not executed, and a matter of configuration', async () => {
    const answer = await ask(open(), { headers: { authorization: 'Bearer s3cret\n' } })
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'config_error'])
    expect(JSON.stringify(answer)).not.toContain('s3cret')
  })

  it('is not made in time by a server that accepts no connection', async () => {
    const code = `const s=require('net').createServer();s.listen({port:0,host:'127.0.0.1',backlog:1},()=>console.log(s.address().port))`
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const port = Number(line.toString())
    child.kill('SIGSTOP')
    const fillers: Socket[] = []
    try {
      for (let i = 0; i < 6; i += 1) fillers.push(connect(port, '127.0.0.1').on('error', () => {}))
      await new Promise((resolve) => setImmediate(resolve))
      const answer = await ask(open({ url: `http://127.0.0.1:${port}/mcp`, connectTimeoutMs: 200 }))
      expect(answer).toMatchObject({
        kind: 'lost',
        fault: { kind: 'upstream_timeout', detail: { afterMs: 200, phase: 'connect' }, evidence: { name: 'connect_timeout' } },
      })
    } finally {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGKILL')
    }
  })

  it.each([
    ['before headers', ''],
    ['after headers', `HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ncontent-length: 500\r\n\r\n`],
    ['within its body', `HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ncontent-length: 500\r\n\r\n{"jsonrpc"`],
    [
      'within an event stream',
      `HTTP/1.1 200 OK\r\ncontent-type: ${sse}\r\n\r\nid: 1\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n`,
    ],
  ])('is reset %s: may have been executed', async (_, before) => {
    server.script = (__, ___, request) => {
      const { socket } = request
      if (before === '') socket.resetAndDestroy()
      else socket.write(before, () => setImmediate(() => socket.resetAndDestroy()))
    }
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
  })

  it('ends in the middle of a chunked answer: may have been executed', async () => {
    server.script = (_, __, { socket }) =>
      void socket.end(`HTTP/1.1 200 OK\r\ncontent-type: ${json}\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"js`)
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
  })

  it('ends its stream without an answer: may have been executed', async () => {
    server.script = (_, response) => send(response, 200, sse, 'id: 1\ndata:\n\n')
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(server.asked).toHaveLength(1)
  })

  it('brings no HTTP', async () => {
    const raw: Server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('SSH-2.0-OpenSSH\r\n\r\n'))
    })
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
    const answer = await ask(open({ url: `http://127.0.0.1:${(raw.address() as { port: number }).port}/` }))
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    raw.close()
  })
})

describe('the end of a signal', () => {
  it('destroys the stream and resolves aborted', async () => {
    let closed = false
    server.script = (_, response) => {
      response.writeHead(200, { 'content-type': sse }).flushHeaders()
      response.on('close', () => {
        closed = true
      })
    }
    const controller = new AbortController()
    const answer = ask(open(), { signal: controller.signal })
    await until(() => server.asked.length === 1)
    controller.abort()
    expect(await answer).toMatchObject({ kind: 'aborted' })
    await until(() => closed)
    expect(pools.open).toBe(0)
  })

  it('before the connection stands sends nothing', async () => {
    const controller = new AbortController()
    const wire = open()
    const answer = ask(wire, { signal: controller.signal })
    controller.abort()
    expect(await answer).toMatchObject({ kind: 'aborted' })
    expect(await ask(wire, { signal: controller.signal })).toMatchObject({ kind: 'aborted' })
    await ask(wire)
    expect(server.asked).toHaveLength(1)
  })
})

describe('closing a wire', () => {
  it('resolves what runs as aborted, gives every place back, and leaves other wires alone', async () => {
    server.script = () => {}
    const wire = open()
    const other = open()
    const answers = [ask(wire), ask(wire), wire.listen(() => ({}), new AbortController().signal)]
    const kept = ask(other)
    await until(() => server.asked.length === 4)
    await wire.close()
    expect(await Promise.all(answers)).toEqual([{ kind: 'aborted', sent: true }, { kind: 'aborted', sent: true }, 'ended'])
    expect(await ask(wire)).toMatchObject({ kind: 'aborted' })
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_unavailable' })
    expect(pools.open).toBe(1)
    await other.close()
    expect(await kept).toMatchObject({ kind: 'aborted' })
    expect(pools.open).toBe(0)
  })
})

describe('the pool of an origin', () => {
  it('refuses what is beyond its bound, at once and not executed', async () => {
    await pools.close()
    pools = new HttpPools({ perOrigin: 2 })
    server.script = () => {}
    const wire = open()
    const waiting = [ask(wire), ask(wire)]
    expect(kinds(await ask(wire))).toEqual(['lost', 'not_sent', 'overloaded'])
    await wire.close()
    await Promise.all(waiting)
  })
})

describe('a stream that a legacy server cut', () => {
  it('is taken up again by its last event id after the time the server asked for', async () => {
    const clock = new ManualClock()
    server.script = (asked, response, request) => {
      if (asked.method === 'POST') {
        response.writeHead(200, { 'content-type': sse })
        response.write('id: e1\nretry: 700\ndata:\n\nid: e2\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n', () =>
          setImmediate(() => request.socket.resetAndDestroy()),
        )
      } else if (server.asked.length === 2) {
        response.end()
      } else {
        send(response, 200, sse, `id: e3\ndata: ${result(1)}\n\n`)
      }
    }
    const heard: string[] = []
    const answer = ask(open({ resume: true, clock }), {
      headers: { 'mcp-session-id': 's', 'mcp-protocol-version': '2025-11-25' },
      onMessage: (message) => heard.push(message.method),
    })
    await until(() => clock.pending === 1, 'timer')
    await clock.advance(699)
    expect(server.asked).toHaveLength(1)
    await clock.advance(1)
    await until(() => server.asked.length === 2)
    server.script = (_, response) => send(response, 200, sse, `id: e3\ndata: ${result(1)}\n\n`)
    // The GET without an event stream is a refusal that will not change.
    expect(kinds(await answer)).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(server.asked[1]).toMatchObject({ method: 'GET', headers: { 'last-event-id': 'e2', 'mcp-session-id': 's', accept: sse } })
    expect(heard).toEqual(['notifications/message'])
  })

  it('gives its answer on the second attempt, also where the first met a proxy that failed', async () => {
    const clock = new ManualClock()
    server.script = (asked, response) => {
      if (asked.method === 'POST') send(response, 200, sse, 'id: e1\ndata:\n\n')
      else if (server.asked.length === 2) send(response, 502, 'text/html', 'no')
      else if (server.asked.length === 3) send(response, 200, sse, 'id: e2\ndata:\n\n')
      else send(response, 200, sse, `data: ${result(1)}\n\n`)
    }
    const answer = ask(open({ resume: true, clock }))
    for (const seen of [2, 3, 4]) {
      await until(() => clock.pending > 0, `timer ${seen}`)
      await clock.advance(60_000)
      await until(() => server.asked.length === seen)
    }
    expect(await answer).toMatchObject({ kind: 'answer' })
    expect(server.asked[3]?.headers['last-event-id']).toBe('e2')
  })

  it('is asked for again where it stays quiet, as servers that only replay leave it', async () => {
    const clock = new ManualClock()
    server.script = (asked, response) => {
      if (asked.method === 'POST') send(response, 200, sse, 'id: e1\ndata:\n\n')
      else if (server.asked.length < 4)
        response.writeHead(200, { 'content-type': sse }).write(`id: e${server.asked.length}\ndata: ${result(99)}\n\n`)
      else send(response, 200, sse, `data: ${result(1)}\n\n`)
    }
    const answer = ask(open({ resume: true, clock }))
    await until(() => clock.pending > 0)
    await clock.advance(600)
    for (const seen of [2, 3]) {
      await until(() => server.asked.length === seen)
      await until(() => clock.pending > 0)
      for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve))
      await clock.advance(2_000)
    }
    expect(await answer).toMatchObject({ kind: 'answer' })
    expect(server.asked.map((asked) => asked.headers['last-event-id'])).toEqual([undefined, 'e1', 'e2', 'e3'])
    expect(anomalies).toEqual([])
  })

  it('is given up after a bounded number of attempts, and by the signal between two', async () => {
    const clock = new ManualClock()
    server.script = (asked, response) =>
      asked.method === 'POST' ? send(response, 200, sse, 'id: e1\ndata:\n\n') : send(response, 500, '', '')
    const wire = open({ resume: true, clock })
    const answer = ask(wire)
    let settled = false
    void answer.then(() => {
      settled = true
    })
    while (!settled) {
      await until(() => clock.pending > 0 || settled)
      await clock.advance(60_000)
    }
    expect(kinds(await answer)).toEqual(['lost', 'unknown', 'outcome_unknown'])
    expect(server.asked.length).toBe(5)
    const controller = new AbortController()
    const second = ask(wire, { signal: controller.signal })
    await until(() => clock.pending > 0)
    controller.abort()
    expect(await second).toMatchObject({ kind: 'aborted' })
    expect(clock.pending).toBe(0)
    const third = ask(wire)
    await until(() => clock.pending > 0)
    await wire.close()
    expect(await third).toMatchObject({ kind: 'aborted' })
  })
})

describe('the GET stream', () => {
  it('brings stray messages, opens again after its end, and resumes within a session', async () => {
    const clock = new ManualClock()
    let round = 0
    server.script = (_, response) => {
      round += 1
      send(response, 200, sse, `retry: 50\nid: e${round}\ndata: {"jsonrpc":"2.0","method":"notifications/n${round}"}\n\n`)
    }
    const controller = new AbortController()
    let session = 'a'
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': session }), controller.signal)
    await until(() => clock.pending === 1)
    await clock.advance(50)
    await until(() => strays.length === 2 && clock.pending === 1)
    session = 'b'
    await clock.advance(50)
    await until(() => strays.length === 3 && clock.pending === 1)
    controller.abort()
    expect(await ended).toBe('ended')
    expect(strays.map((message) => message.method)).toEqual(['notifications/n1', 'notifications/n2', 'notifications/n3'])
    expect(server.asked.map((asked) => asked.headers['last-event-id'])).toEqual([undefined, 'e1', undefined])
    expect(clock.pending).toBe(0)
  })

  it.each([
    [405, { 'mcp-session-id': 's' }],
    [404, {}],
    [200, {}],
  ])('is unsupported by %i and not asked for again', async (status, headers) => {
    server.script = (_, response) => send(response, status, 'text/plain', '')
    expect(await open().listen(() => headers, new AbortController().signal)).toBe('unsupported')
    expect(server.asked).toHaveLength(1)
  })

  it('is tried again, ever more slowly, where the server is away or has lost the session', async () => {
    const clock = new ManualClock()
    server.script = (_, response) => send(response, server.asked.length === 1 ? 503 : 404, 'text/plain', '')
    const controller = new AbortController()
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': 's' }), controller.signal)
    for (let seen = 1; seen < 5; seen += 1) {
      await until(() => server.asked.length === seen && clock.pending > 0)
      await clock.advance(60_000)
    }
    controller.abort()
    expect(await ended).toBe('ended')
  })

  it('drops an event over the cap with its stream, and goes on', async () => {
    const clock = new ManualClock()
    server.script = (_, response) => {
      if (server.asked.length === 1) send(response, 200, sse, `id: 1\ndata: ${'x'.repeat(20_000)}\n\n`)
      else send(response, 200, sse, 'data: {"jsonrpc":"2.0","method":"notifications/a"}\n\n')
    }
    const controller = new AbortController()
    const ended = open({ clock }).listen(() => ({ 'mcp-session-id': 's' }), controller.signal)
    await until(() => clock.pending > 0)
    await clock.advance(60_000)
    await until(() => strays.length === 1)
    controller.abort()
    await ended
    expect(anomalies).toEqual(['oversize'])
    expect(server.asked[1]?.headers['last-event-id']).toBeUndefined()
  })
})

describe('a message that wants no answer', () => {
  it('is handed over by 202', async () => {
    server.script = (_, response) => void response.writeHead(202).end()
    expect(await open().post(notificationBytes('notifications/initialized', undefined), { 'mcp-session-id': 's' })).toBeUndefined()
    expect(server.asked[0]).toMatchObject({ body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' })
  })

  it('ends in a fault where it was refused, reset, or not taken in time', async () => {
    const clock = new ManualClock()
    const wire = open({ clock })
    server.script = (_, response) => send(response, 429, 'text/plain', '', { 'retry-after': '3' })
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_busy', retryAfterMs: 3_000 })
    server.script = (_, response) => send(response, 401, 'text/plain', '')
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_auth_failed' })
    server.script = (_, __, request) => void request.socket.resetAndDestroy()
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'outcome_unknown' })
    server.script = () => {}
    const late = wire.post(Buffer.from('{}'), {})
    await until(() => server.asked.length === 4)
    await clock.advance(20_000)
    expect(await late).toMatchObject({ kind: 'upstream_timeout' })
    expect(pools.open).toBe(0)
  })

  it('ends a session by DELETE', async () => {
    server.script = (_, response) => void response.writeHead(204).end()
    await open().deleteSession({ 'mcp-session-id': 's' })
    expect(server.asked[0]).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 's' } })
  })
})
