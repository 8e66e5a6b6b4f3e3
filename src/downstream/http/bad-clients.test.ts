import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventsOf, modernBody, modernHeaders, open, send } from '../../../test/doubles/downstream/http-peer.ts'
import { modernRig, serving, until, untilEnd } from '../../../test/doubles/downstream/modern-rig.ts'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { failed } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'

const { start } = modernRig()

describe('a client that behaves badly disturbs nobody', () => {
  it('may send its body byte by byte', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    const answered = once(req, 'response')
    for (const byte of Buffer.from(modernBody('tools/call', { name: 'echo' }))) {
      req.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    req.end()
    const [res] = await answered
    expect(res.statusCode).toBe(200)
    res.resume()
    await once(res, 'end')
  })

  it('gets to read that its body is too large, declared or not', async () => {
    const { at } = await start(
      serving(() => completed({ content: [] })),
      { http: { bodyBytes: 1_000 } },
    )
    const body = modernBody('tools/call', { name: 'echo', arguments: 'x'.repeat(3_000_000) })
    const headers = modernHeaders('tools/call', 'echo')
    expect((await send(at.port, { headers, body })).status).toBe(413)
    expect((await send(at.port, { headers: { ...headers, 'transfer-encoding': 'chunked' }, body })).status).toBe(413)
  })

  it('gets a 431 for oversized headers', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [] })))
    const answer = await send(at.port, { headers: { ...modernHeaders('tools/call', 'echo'), 'x-large': 'x'.repeat(20_000) }, body: '{}' })
    expect(answer.status).toBe(431)
    expect(gateway.refusals).toHaveLength(1)
  })

  it('gets a 400 for what is no HTTP', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const socket = connect(at.port, '127.0.0.1')
    socket.end('EHLO example.org\r\n\r\n')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'close')
    expect(Buffer.concat(chunks).toString()).toContain('HTTP/1.1 400')
  })

  it('may go away at any time: every call is closed exactly once', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    for (let i = 0; i < 20; i += 1) {
      const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
      req.on('error', () => {})
      req.end(modernBody('tools/call', { name: 'echo' }))
      await until(() => gateway.calls.length === i + 1)
      req.destroy()
    }
    await until(() => gateway.calls.every((each) => each.delivery === 'client_gone'))
    await until(() => at.door.gauges().requests === 0)
    expect(at.door.gauges()).toEqual({ requests: 0, calls: 0, streams: 0, sessions: 7 })
  })

  it('may go away while some of its requests wait behind others on one connection', async () => {
    const { at, gateway } = await start(
      serving(async (_call, exchange) => {
        await untilEnd(exchange)
        return failed(fault('cancelled', { reason: 'client_gone' }))
      }),
    )
    const body = modernBody('tools/call', { name: 'echo' })
    const headers = {
      host: 'localhost',
      'content-type': 'application/json',
      'content-length': body.length,
      ...modernHeaders('tools/call', 'echo'),
    }
    const lines = Object.entries(headers)
    const pipelined = `POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
    const socket = connect(at.port, '127.0.0.1')
    socket.write(pipelined.repeat(3))
    await until(() => gateway.calls.length === 3)
    socket.destroy()
    await until(() => gateway.calls.every((each) => each.delivery === 'client_gone'))
    expect(at.door.gauges()).toMatchObject({ requests: 0, calls: 0 })
  })

  it('that reads nothing loses events, which are counted, but not its result', async () => {
    const { at, gateway, context } = await start(
      serving(async (_call, exchange) => {
        const big = payloadOf({ progress: 1, message: 'x'.repeat(100_000) })
        for (let i = 0; i < 200; i += 1) exchange.sink.emit({ kind: 'progress', params: big })
        return completed({ content: [] })
      }),
    )
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    req.end(modernBody('tools/call', { name: 'echo' }, { progressToken: 1 }))
    const [res] = await once(req, 'response')
    expect(context.counted.get('events_dropped')).toBeGreaterThan(0)
    const chunks: Buffer[] = []
    for await (const chunk of res) chunks.push(chunk as Buffer)
    expect(eventsOf(Buffer.concat(chunks).toString()).at(-1)?.result).toBeDefined()
    await until(() => gateway.calls[0]?.delivery === 'delivered')
  })

  it('that takes its result too slowly is cut off', async () => {
    const clock = new ManualClock()
    const text = 'x'.repeat(30_000_000)
    const { at, gateway, context } = await start(
      serving(() => completed({ content: [{ type: 'text', text }] })),
      { clock },
    )
    const req = open(at.port, { headers: modernHeaders('tools/call', 'echo') })
    req.on('error', () => {})
    req.end(modernBody('tools/call', { name: 'echo' }))
    const [res] = await once(req, 'response')
    res.on('error', () => {})
    for (let i = 0; i < 300 && gateway.calls[0]?.delivery === undefined; i += 1) {
      await clock.advance(10_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(gateway.calls[0]?.delivery).toBe('client_gone')
    expect(context.logged.some((line) => line.includes('too slowly'))).toBe(true)
    req.destroy()
  })
})
