import { describe, expect, it } from 'vitest'
import { send } from '../../../test/doubles/downstream/http-peer.ts'
import { imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { closedAfterEach, events, init, openResponses, request, session } from '../../../test/doubles/downstream/legacy-http-peer.ts'
import { until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'

const { start } = closedAfterEach()

describe('the stream of a session', () => {
  it('is one: a second GET takes its place, resuming or not, and nothing is lost or said twice', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const first = events(at, own)
    await until(() => first.ids.length === 1)
    expect(first.raw.join('')).toMatch(/^id: 0-0\nretry: 1000\ndata: \n\n/)
    await until(() => gateway.listening.length === 1)
    gateway.changed('tools')
    await first.next(({ method }) => method === 'notifications/tools/list_changed')
    const second = events(at, own)
    await first.ended
    gateway.changed('prompts')
    await second.next(({ method }) => method === 'notifications/prompts/list_changed')
    const third = events(at, own, undefined, { 'last-event-id': String(first.ids.at(-1)) })
    await second.ended
    await third.next(({ method }) => method === 'notifications/prompts/list_changed')
    third.stop()
    await third.ended
  })

  it('keeps what came while nobody listened', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const first = events(at, own)
    await until(() => gateway.listening.length === 1)
    first.stop()
    await first.ended
    await until(() => openResponses(at).length === 0)
    gateway.changed('prompts')
    const second = events(at, own)
    await second.next(({ method }) => method === 'notifications/prompts/list_changed')
    second.stop()
    await second.ended
  })

  it('needs an Accept of its kind, and begins with no priming event before 2025-11-25', async () => {
    const at = await start(imitation())
    const own = await session(at, '2025-06-18')
    expect((await send(at.port, { method: 'GET', headers: { ...own, accept: 'application/json' } })).status).toBe(406)
    const stream = events(at, own)
    await until(() => stream.status() === 200)
    expect(stream.raw).toEqual([])
    stream.stop()
    await stream.ended
  })

  it('says `retry:` to no client of the Java SDK, which takes it for a broken stream', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock })
    const stream = events(at, await session(at), undefined, { 'user-agent': 'Java-http-client/17.0.15' })
    await until(() => stream.ids.length === 1)
    at.context.drain.abort()
    await clock.advance(0)
    await stream.ended
    expect(stream.raw.join('')).toBe('id: 0-0\ndata: \n\n')
  })

  it('is kept alive by comments', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock })
    const stream = events(at, await session(at))
    await until(() => stream.ids.length === 1)
    await clock.advance(16_000)
    await until(() => stream.raw.join('').includes(':\n\n'))
    stream.stop()
    await stream.ended
  })

  it('ends in a drain with a time to come back; new sessions are refused', async () => {
    const clock = new ManualClock()
    const at = await start(imitation(), { clock })
    const own = await session(at)
    const stream = events(at, own)
    await until(() => stream.ids.length === 1)
    at.context.drain.abort()
    // One stream is ended at once: only many clients have to come back one after the other.
    await clock.advance(0)
    await stream.ended
    expect(stream.raw.join('')).toMatch(/retry: \d+\n\n$/)
    const refused = await send(at.port, { body: init('2025-11-25') })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    expect((await send(at.port, { headers: own, body: request('ping') })).status).toBe(200)
  })

  it('lets a call end in a drain, and ends it when the grace is over', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock, graceMs: 1_000 })
    const own = await session(at)
    const answer = send(at.port, { headers: own, body: request('tools/call', { name: 'wait', arguments: { tag: 'd' } }) })
    await until(() => gateway.waiting.has('d'))
    at.context.drain.abort()
    await clock.advance(999)
    expect(gateway.ended).toEqual([])
    await clock.advance(1)
    expect(gateway.ended).toEqual(['d:drain'])
    expect((await answer).text).toContain('isError')
  })

  it('of a POST that is over and read to its end is answered 405, so that nobody tries again', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const own = await session(at)
    const stream = events(at, own, request('tools/call', { name: 'progress', _meta: { progressToken: 'p' } }))
    await stream.ended
    expect(stream.seen.map(({ params, result }) => params?.progress ?? result)).toEqual([1, 2, 3, 4, 5, expect.anything()])
    expect(stream.seen[0]?.params?.progressToken).toBe('p')
    const again = events(at, own, undefined, { 'last-event-id': String(stream.ids[3]) })
    await again.ended
    expect(again.seen).toHaveLength(3)
    const last = { ...own, accept: 'text/event-stream', 'last-event-id': String(stream.ids.at(-1)) }
    expect((await send(at.port, { method: 'GET', headers: last })).status).toBe(405)
  })

  it('is made from the start for a client that names it first', async () => {
    const at = await start(imitation())
    const own = await session(at)
    const accept = 'text/event-stream, application/json'
    const answer = await send(at.port, { headers: { ...own, accept }, body: request('tools/list') })
    expect(answer.headers['content-type']).toBe('text/event-stream')
    expect(answer.text).toMatch(/^id: \S+\nretry: \d+\ndata:/)
  })

  it('is made of a late answer, so that a client which loses the connection can come back', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const at = await start(gateway, { clock })
    const own = await session(at)
    // No progress token: nothing comes before the answer.
    const stream = events(at, own, request('tools/call', { name: 'wait', arguments: { tag: 'l' } }))
    await until(() => gateway.waiting.has('l'))
    await clock.advance(1_500)
    await until(() => stream.ids.length === 1)
    stream.stop()
    await stream.ended
    gateway.waiting.get('l')?.(textResult('late'))
    const again = events(at, own, undefined, { 'last-event-id': String(stream.ids[0]) })
    await again.next(({ result }) => result !== undefined)
    await again.ended
  })
})
