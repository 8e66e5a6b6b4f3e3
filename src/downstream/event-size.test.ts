// What one event of a stream may hold: messages on the way that are larger are dropped, and results are told to be too large, at each door
// that has event streams.
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { eventsOf, modernBody, modernHeaders, send } from '../../test/doubles/downstream/http-peer.ts'
import { imitation } from '../../test/doubles/downstream/imitation.ts'
import { closedAfterEach, events, request, session } from '../../test/doubles/downstream/legacy-http-peer.ts'
import { modernRig, serving } from '../../test/doubles/downstream/modern-rig.ts'
import { completed } from '../../test/doubles/downstream/test-gateway.ts'
import type { Exchange } from '../core/call/exchange.ts'
import type { Outcome } from '../core/call/outcome.ts'
import { payloadOf } from '../core/call/payload.ts'

const modern = modernRig()
const { start } = closedAfterEach()
const sse = closedAfterEach('sse')

const eventBytes = 5_000
const large = 'x'.repeat(eventBytes)

/** Tells much and little, and asks for its result as the stage of results does. */
function talks(told: boolean[]) {
  return (_call: unknown, exchange: Exchange): Outcome => {
    for (const data of ['first', large, large, 'last']) {
      exchange.sink.emit({ kind: 'log', level: 'error', params: payloadOf({ level: 'error', data }) })
    }
    for (const [progress, message] of [large, 'small'].entries()) {
      exchange.sink.emit({ kind: 'progress', params: payloadOf({ progressToken: 'up', progress, message }) })
    }
    const found = completed({ content: [{ type: 'text', text: large }] })
    if (found.kind === 'complete') told.push(exchange.sink.fits?.(found) !== false)
    return completed({ content: [] })
  }
}

const heard = (messages: readonly { method?: string; params?: Record<string, unknown> }[]) =>
  messages.flatMap(({ params }) => (params === undefined ? [] : [params.data ?? params.message]))
const call = (id: unknown = 1) => request('tools/call', { name: 'talk', arguments: {}, _meta: { progressToken: 'p' } }, id)

describe('a message on the way that is larger than an event may be', () => {
  it('is dropped from a stream of 2026-07-28', async () => {
    const told: boolean[] = []
    const { at, context } = await modern.start(serving(talks(told)), { eventBytes })
    const meta = { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' }
    const headers = { ...modernHeaders('tools/call', 'echo'), accept: 'application/json, text/event-stream' }
    const { text } = await send(at.port, { headers, body: modernBody('tools/call', { name: 'echo' }, meta) })
    expect(heard(eventsOf(text) as object[])).toEqual(['first', 'last', 'small'])
    expect(told).toEqual([false])
    expect(context.counted.get('events_dropped')).toBe(3)
    expect(context.logged.filter((line) => line.includes('limits.eventBytes'))).toHaveLength(1)
  })

  it('is dropped from the stream that answers a POST in a session', async () => {
    const told: boolean[] = []
    const at = await start(imitation({ talk: talks(told) }), { eventBytes })
    const own = await session(at)
    const stream = events(at, own, call())
    await stream.ended
    expect(heard(stream.seen)).toEqual(['first', 'last', 'small'])
    expect(told).toEqual([false])
    expect(at.context.counted.get('events_dropped')).toBe(3)
    expect(at.context.logged.filter((line) => line.includes('limits.eventBytes'))).toHaveLength(1)
  })

  it('is dropped from the stream that answers a batch', async () => {
    const told: boolean[] = []
    const at = await start(imitation({ talk: talks(told) }), { eventBytes })
    const own = await session(at, '2025-03-26')
    const stream = events(at, own, `[${call('a')},${call('b')}]`)
    await stream.ended
    expect(heard(stream.seen).sort()).toEqual(['first', 'first', 'last', 'last', 'small', 'small'])
    expect(told).toEqual([false, false])
    expect(
      stream.seen
        .filter(({ result }) => result !== undefined)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['a', 'b'])
  })

  it('is dropped from HTTP+SSE', async () => {
    const told: boolean[] = []
    const at = await sse.start(imitation({ talk: talks(told) }), { eventBytes })
    const logs: unknown[] = []
    const { client } = await sse.client(at, {
      prepare: (one) => one.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params.data)),
    })
    await client.callTool({ name: 'talk' })
    expect(logs).toEqual(['first', 'last'])
    expect(told).toEqual([false])
  })
})
