import { describe, expect, it } from 'vitest'
import { ask, httpWireRig, json, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { result, send, until } from '../../../test/doubles/upstream/scripted-server.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'

const at = httpWireRig()
const { open } = at

describe('a status in place of an answer', () => {
  it.each([
    [401, { 'www-authenticate': 'Bearer resource_metadata="x"' }, { challenge: 'Bearer resource_metadata="x"', retryAfterMs: undefined }],
    [429, { 'retry-after': '7' }, { retryAfterMs: 7_000 }],
    [503, { 'retry-after': new Date(systemClock.now() + 90_000).toUTCString() }, {}],
    [307, { location: 'http://127.0.0.1:1/' }, { retryAfterMs: undefined }],
    [404, {}, { body: undefined }],
  ])('%i is told', async (status, headers, expected) => {
    at.server.script = (_, response) => send(response, status, 'text/plain', 'secret', headers as Record<string, string>)
    const answer = await ask(open())
    expect(answer).toMatchObject({ kind: 'status', status, ...expected })
    if (status === 503 && answer.kind === 'status') expect(answer.retryAfterMs).toBeGreaterThan(80_000)
    expect(at.server.asked).toHaveLength(1)
  })

  it('brings a JSON-RPC error without our id along (a lost session of server-everything)', async () => {
    at.server.script = (_, response) =>
      send(response, 400, json, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}')
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 400, body: { code: -32000 } })
    at.server.script = (_, response) => send(response, 400, json, '{"error":"not json-rpc"}')
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 400, body: undefined })
  })
})

describe('an answer that was cut within a character', () => {
  const cutText = Buffer.concat([Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":"'), Buffer.of(0xff), Buffer.from('\\ud83d"}}')])
  it.each([
    [json, cutText],
    [sse, Buffer.concat([Buffer.from('data: '), cutText, Buffer.from('\n\n')])],
  ])('is read as its client would read it, and counted (%s)', async (type, body) => {
    at.server.script = (_, response) => send(response, 200, type, body)
    const answer = await ask(open())
    expect(answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json()).toEqual({ a: '\ufffd\ud83d' })
    expect(at.anomalies).toEqual(['utf8'])
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
    ['another id', 200, json, result(77)],
    ['a request', 200, json, '{"jsonrpc":"2.0","id":1,"method":"ping"}'],
    ['deep nesting', 200, json, `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(50_000)}`],
    ['202', 202, json, ''],
    ['an event that is no JSON', 200, sse, 'data: {"jsonrpc":\n\n'],
    ['an event for another', 200, sse, `data: ${result(77)}\n\n`],
  ])('%s is a protocol error that quotes nothing', async (_, status, type, body) => {
    at.server.script = (__, response) => send(response, status, type, body)
    const answer = await ask(open())
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(at.anomalies).toHaveLength(1)
  })

  it('the id as a string is an answer, and counted', async () => {
    at.server.script = (asked, response) => send(response, 200, json, result(String(asked.id)))
    expect(kinds(await ask(open()))).toEqual(['answer'])
    expect(at.anomalies).toEqual(['id_type'])
  })

  it('tells of keep-alive comments, which are signs of life, and of nothing else', async () => {
    let alive = 0
    at.server.script = (asked, response) => {
      response.writeHead(200, { 'content-type': sse })
      response.write(': one\n\n', () => response.end(`: two\n\nretry: 10\nnonsense: 1\ndata: ${result(asked.id)}\n\n`))
    }
    const onAlive = (): void => {
      alive += 1
    }
    expect((await ask(open(), { onAlive })).kind).toBe('answer')
    expect(alive).toBeGreaterThan(0)
    at.server.script = (asked, response) => send(response, 200, sse, `retry: 10\ndata: ${result(asked.id)}\n\n`)
    const before = alive
    await ask(open(), { onAlive })
    expect(alive).toBe(before)
  })

  it('counts answers to nobody and second answers', async () => {
    at.server.script = (asked, response) =>
      send(response, 200, sse, `data: ${result(9)}\n\ndata: ${result(asked.id)}\n\ndata: ${result(asked.id)}\n\n`)
    expect((await ask(open())).kind).toBe('answer')
    await until(() => at.anomalies.length === 2)
    expect(at.anomalies).toEqual(['orphan', 'duplicate'])
  })
})

describe('an answer that is too large', () => {
  it.each([
    ['told', { 'content-length': '1000000' }],
    ['not told', {}],
  ])('is not read on (%s)', async (_, headers) => {
    let closed = false
    at.server.script = (__, response) => {
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
    at.server.script = (asked, response) => send(response, 200, sse, `data: ${result(asked.id, { a: 'x'.repeat(200_000) })}\n\n`)
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'result_too_large'])
  })
})
