import { describe, expect, it } from 'vitest'
import { eventsOf, modernBody, modernHeaders, open, send } from '../../../test/doubles/downstream/http-peer.ts'
import { callTool, logged, modernRig, progress, serving, until, untilEnd } from '../../../test/doubles/downstream/modern-rig.ts'
import { type Answering, completed } from '../../../test/doubles/downstream/test-gateway.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { failed } from '../../core/call/outcome.ts'
import { payload } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { metaKey } from '../../core/protocol/names.ts'

const { start } = modernRig()

describe('an answer leaves as one body or as a stream', () => {
  it('is one JSON body where the result comes first', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const answer = await callTool(at, {}, { progressToken: 1 })
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['content-length']).toBe(String(answer.text.length))
    expect(answer.json).toMatchObject({
      id: 1,
      result: { resultType: 'complete', content: [], _meta: { [metaKey.serverInfo]: { name: 'signalbox-test' } } },
    })
  })

  it('is a stream as soon as an event comes first, each with the token of the client', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        exchange.sink.emit(logged('debug'))
        exchange.sink.emit(logged('error'))
        return completed({ content: [] })
      }),
    )
    const answer = await callTool(at, {}, { progressToken: 'mine', [metaKey.logLevel]: 'warning' })
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', 'cache-control': 'no-cache' })
    const events = eventsOf(answer.text)
    expect(events.map((event) => event.method ?? 'result')).toEqual(['notifications/progress', 'notifications/message', 'result'])
    expect(events[0]?.params).toEqual({ progressToken: 'mine', progress: 1 })
    expect(events[1]?.params?.level).toBe('error')
  })

  it('keeps progress and log messages from a client that did not ask', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        exchange.sink.emit(logged('error'))
        return completed({ content: [] })
      }),
    )
    expect((await callTool(at)).headers['content-type']).toBe('application/json')
  })

  it('commits its status late: a refusal of a stage is still a 400', async () => {
    const { at } = await start(serving(() => failed(fault('header_mismatch', { reason: 'mcp-param-x differs' }))))
    const answer = await callTool(at)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ id: 1, error: { code: -32020 } })
  })

  it('beats while a call is quiet, before its first event as well', async () => {
    const clock = new ManualClock()
    let release = (): void => {}
    const { at, gateway } = await start(
      serving(async () => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return completed({ content: [] })
      }),
      { clock, http: { keepAliveMs: 1_000 } },
    )
    const answer = callTool(at)
    await until(() => gateway.calls.length === 1)
    for (let i = 0; i < 4; i += 1) {
      await clock.advance(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    release()
    const { text, headers } = await answer
    expect(headers['content-type']).toBe('text/event-stream')
    expect(text.startsWith(':\n\n:\n\n')).toBe(true)
    expect(eventsOf(text)).toHaveLength(1)
  })

  it('has no timer left when nothing runs', async () => {
    const clock = new ManualClock()
    const { at, gateway } = await start(
      serving(() => completed({ content: [] })),
      { clock },
    )
    await callTool(at)
    await until(() => gateway.calls[0]?.delivery === 'delivered')
    await clock.advance(60_000)
    expect(clock.pending).toBe(0)
  })
})

describe('what nobody has to change passes unharmed', () => {
  it('64-bit integers and unknown fields, both ways', async () => {
    const { at, gateway } = await start(
      serving(() => completed('{"content":[{"type":"hologram","big":9007199254740993}],"x-new":{"n":1e400}}')),
    )
    const body = modernBody('tools/call', { name: 'echo' }).replace('"name"', '"x-new":[18446744073709551615],"name"')
    const answer = await send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
    expect(answer.text).toContain('"content":[{"type":"hologram","big":9007199254740993}],"x-new":{"n":1e400}')
    const bytes = Buffer.from(gateway.calls[0]?.call.params.bytes ?? []).toString()
    expect(bytes).toBe('{"x-new":[18446744073709551615],"name":"echo"}')
  })

  it('64-bit ids and progress tokens', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        return completed({ content: [] })
      }),
    )
    const body = modernBody('tools/call', { name: 'echo' }, { progressToken: 0 }, 0)
      .replace('"id":0', '"id":9007199254740993')
      .replace('"progressToken":0', '"progressToken":9007199254740995')
    const { text } = await send(at.port, { headers: modernHeaders('tools/call', 'echo'), body })
    expect(text).toContain('"id":9007199254740993')
    expect(text).toContain('"progressToken":9007199254740995')
  })

  it('a result that was printed with line breaks stays one event', async () => {
    const { at } = await start(
      serving((_call, exchange) => {
        exchange.sink.emit(progress(1))
        return completed('{\r\n  "content": [],\n  "a": "b\\nc"\n}')
      }),
    )
    const { text } = await callTool(at, {}, { progressToken: 1 })
    expect(eventsOf(text)[1]?.result).toMatchObject({ content: [], a: 'b\nc' })
  })

  it('headers of the client stay outside, but for those that an upstream opted in to', async () => {
    const { at, gateway } = await start(
      serving(() => completed({ content: [] })),
      { forwarded: ['x-tenant'] },
    )
    const headers = { ...modernHeaders('tools/call', 'echo'), 'x-tenant': 'a', 'x-canary': 'b', 'mcp-param-region': '=?base64?w6Q=?=' }
    await send(at.port, { headers, body: modernBody('tools/call', { name: 'echo' }) })
    expect(gateway.calls[0]?.call.caller.headers).toEqual({ 'x-tenant': 'a' })
    const asserted = gateway.calls[0]?.call.asserted
    expect(['mcp-name', 'mcp-param-region', 'mcp-param-other', 'x-canary'].map((name) => asserted?.get(name))).toEqual([
      'echo',
      'ä',
      undefined,
      undefined,
    ])
  })

  it('the trace of the client goes on', async () => {
    const { at, gateway } = await start(serving(() => completed({ content: [] })))
    await callTool(at, {}, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b' })
    await callTool(at, {}, { traceparent: '00-zz' })
    const [first, second] = gateway.calls.map((each) => each.call.trace)
    expect(first).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      parentSpanId: 'b7ad6b7169203331',
      sampled: true,
      tracestate: 'a=b',
    })
    expect(second?.parentSpanId).toBeUndefined()
    expect(second?.traceId).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('subscriptions/listen', () => {
  const listenBody = (id: unknown = 5) => modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } }, {}, id)

  function listening(seen: Exchange[]): Answering {
    return async (_call, exchange) => {
      seen.push(exchange)
      exchange.sink.emit({ kind: 'acknowledged', notifications: { toolsListChanged: true } })
      await untilEnd(exchange)
      return failed(fault('cancelled', { reason: 'over' }))
    }
  }

  it('marks every message with its id and ends with a result when the gateway drains', async () => {
    const seen: Exchange[] = []
    const { at } = await start(listening(seen))
    const answer = send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    await until(() => seen.length === 1)
    seen[0]?.sink.emit({ kind: 'changed', list: 'tools' })
    seen[0]?.sink.emit({ kind: 'updated', uri: 'a:b', params: payload(Buffer.from('{"uri":"other","extra":1}')) })
    seen[0]?.sink.emit(progress(1))
    expect(at.door.gauges().streams).toBe(1)
    const drained = at.door.drain(200)
    const events = eventsOf((await answer).text)
    await drained
    const mark = { [metaKey.subscriptionId]: 5 }
    expect(events.map((event) => event.method)).toEqual([
      'notifications/subscriptions/acknowledged',
      'notifications/tools/list_changed',
      'notifications/resources/updated',
      undefined,
    ])
    for (const event of events.slice(0, 3)) expect(event.params?._meta).toEqual(mark)
    expect(events[2]?.params).toMatchObject({ uri: 'a:b', extra: 1 })
    expect(events[3]).toMatchObject({ id: 5, result: { resultType: 'complete', _meta: mark } })
  })

  it('outlives every deadline', async () => {
    const clock = new ManualClock()
    const seen: Exchange[] = []
    const { at, gateway } = await start(listening(seen), { clock })
    const req = open(at.port, { headers: modernHeaders('subscriptions/listen') })
    req.on('error', () => {})
    req.end(listenBody())
    await until(() => seen.length === 1)
    await clock.advance(3_600_000)
    expect(seen[0]?.signal.aborted).toBe(false)
    req.destroy()
    await until(() => gateway.calls[0]?.delivery === 'client_gone')
  })

  it('is refused while the gateway drains', async () => {
    const { at, context } = await start(listening([]))
    context.drain.abort()
    const answer = await send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    expect(answer.status).toBe(503)
    expect(answer.headers.connection).toBe('close')
    expect(answer.headers['retry-after']).toBeDefined()
  })

  it('answers with its status where it never began', async () => {
    const { at } = await start(() => failed(fault('not_subscribable', { uri: 'a:b', reason: 'nobody owns it' })))
    const answer = await send(at.port, { headers: modernHeaders('subscriptions/listen'), body: listenBody() })
    expect(answer.json).toMatchObject({ error: { code: -32602, data: { uri: 'a:b' } } })
  })
})
