import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { ask, httpWireRig, json, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { result, send, until } from '../../../test/doubles/upstream/scripted-server.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'
import { HttpPools } from './pools.ts'

const at = httpWireRig()
const { open } = at

describe('a request over Streamable HTTP', () => {
  it('is posted with its headers and gets its JSON answer', async () => {
    const answer = await ask(open(), { headers: { 'mcp-method': 'tools/call', 'mcp-session-id': 's', accept: 'text/html' } })
    expect(answer).toMatchObject({ kind: 'answer', status: 200, answer: { kind: 'result', id: '1' } })
    const [asked] = at.server.asked
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
      at.server.script = (asked, response) => {
        if (i % 3 === 0) send(response, 500, 'text/html', '<h1>no</h1>')
        else if (i % 3 === 1) send(response, 200, sse, `data: ${result(asked.id)}\n\n`)
        else send(response, 200, json, result(asked.id))
      }
      await ask(wire)
    }
    await until(() => at.pools.open === 0)
    expect(at.server.connections).toBeLessThanOrEqual(3)
  })

  it('hands over notifications and requests of its stream, then the answer', async () => {
    at.server.script = (asked, response) => {
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
    expect(at.anomalies).toEqual([])
  })

  it.each([json, sse])('reads %s byte by byte', async (type) => {
    at.server.script = async (asked, response) => {
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
    at.server.script = (asked, response) =>
      send(response, 200, json, result(asked.id, { text, big: 1 }).replace('"big":1', '"big":9007199254740993'))
    const answer = await ask(open(), { maxBytes: 8_000_000 })
    if (answer.kind !== 'answer' || answer.answer.kind !== 'result') throw new Error('no result')
    expect(answer.answer.result.json()).toMatchObject({ text })
    expect(Buffer.from(answer.answer.result.bytes).subarray(-20).toString()).toContain('9007199254740993')
  })

  it('takes an error in any status as the answer where it bears the id', async () => {
    at.server.script = (asked, response) =>
      send(response, 404, json, `{"jsonrpc":"2.0","id":${asked.id},"error":{"code":-32601,"message":"no","data":{"x":1}}}`)
    expect(await ask(open())).toMatchObject({ kind: 'answer', status: 404, answer: { kind: 'error', code: -32601 } })
  })

  it('keeps the session id of initialize, and only of initialize', async () => {
    at.server.script = (asked, response) => send(response, 200, json, result(asked.id), { 'mcp-session-id': `s${asked.id}` })
    const wire = open()
    await ask(wire)
    expect(wire.sessionId).toBeUndefined()
    await ask(wire, { method: 'initialize' })
    expect(wire.sessionId).toBe('s2')
  })

  it('lets a quiet stream stay open until its result comes', async () => {
    let finish = (): void => {}
    at.server.script = (asked, response) => {
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

describe('the end of a signal', () => {
  it('destroys the stream and resolves aborted', async () => {
    let closed = false
    at.server.script = (_, response) => {
      response.writeHead(200, { 'content-type': sse }).flushHeaders()
      response.on('close', () => {
        closed = true
      })
    }
    const controller = new AbortController()
    const answer = ask(open(), { signal: controller.signal })
    await until(() => at.server.asked.length === 1)
    controller.abort()
    expect(await answer).toMatchObject({ kind: 'aborted' })
    await until(() => closed)
    expect(at.pools.open).toBe(0)
  })

  it('before the connection stands sends nothing', async () => {
    const controller = new AbortController()
    const wire = open()
    const answer = ask(wire, { signal: controller.signal })
    controller.abort()
    expect(await answer).toMatchObject({ kind: 'aborted' })
    expect(await ask(wire, { signal: controller.signal })).toMatchObject({ kind: 'aborted' })
    await ask(wire)
    expect(at.server.asked).toHaveLength(1)
  })
})

describe('closing a wire', () => {
  it('resolves what runs as aborted, gives every place back, and leaves other wires alone', async () => {
    at.server.script = () => {}
    const wire = open()
    const other = open()
    const answers = [ask(wire), ask(wire), wire.listen(() => ({}), new AbortController().signal)]
    const kept = ask(other)
    await until(() => at.server.asked.length === 4)
    await wire.close()
    expect(await Promise.all(answers)).toEqual([{ kind: 'aborted', sent: true }, { kind: 'aborted', sent: true }, 'ended'])
    expect(await ask(wire)).toMatchObject({ kind: 'aborted' })
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_unavailable' })
    expect(at.pools.open).toBe(1)
    await other.close()
    expect(await kept).toMatchObject({ kind: 'aborted' })
    expect(at.pools.open).toBe(0)
  })
})

describe('the pool of an origin', () => {
  it('refuses what is beyond its bound, at once and not executed', async () => {
    await at.pools.close()
    at.pools = new HttpPools({ perOrigin: 2 })
    at.server.script = () => {}
    const wire = open()
    const waiting = [ask(wire), ask(wire)]
    expect(kinds(await ask(wire))).toEqual(['lost', 'not_sent', 'overloaded'])
    await wire.close()
    await Promise.all(waiting)
  })
})

describe('a message that wants no answer', () => {
  it('is handed over by 202', async () => {
    at.server.script = (_, response) => void response.writeHead(202).end()
    expect(await open().post(notificationBytes('notifications/initialized', undefined), { 'mcp-session-id': 's' })).toBeUndefined()
    expect(at.server.asked[0]).toMatchObject({ body: '{"jsonrpc":"2.0","method":"notifications/initialized"}' })
  })

  it('ends in a fault where it was refused, reset, or not taken in time', async () => {
    const clock = new ManualClock()
    const wire = open({ clock })
    at.server.script = (_, response) => send(response, 429, 'text/plain', '', { 'retry-after': '3' })
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_busy', retryAfterMs: 3_000 })
    at.server.script = (_, response) => send(response, 401, 'text/plain', '')
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'upstream_auth_failed' })
    at.server.script = (_, __, request) => void request.socket.resetAndDestroy()
    expect(await wire.post(Buffer.from('{}'), {})).toMatchObject({ kind: 'outcome_unknown' })
    at.server.script = () => {}
    const late = wire.post(Buffer.from('{}'), {})
    await until(() => at.server.asked.length === 4)
    await clock.advance(20_000)
    expect(await late).toMatchObject({ kind: 'upstream_timeout' })
    expect(at.pools.open).toBe(0)
  })

  it('ends a session by DELETE', async () => {
    at.server.script = (_, response) => void response.writeHead(204).end()
    await open().deleteSession({ 'mcp-session-id': 's' })
    expect(at.server.asked[0]).toMatchObject({ method: 'DELETE', headers: { 'mcp-session-id': 's' } })
  })
})
