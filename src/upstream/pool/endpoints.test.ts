// Several endpoints of one server: calls go to those that can be reached, whoever has a session stays where it is, and a dead one is found
// out by the gateway, not by its callers.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { peer, upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import { modernServer, type Script, type Scripted, scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { startSessionServer } from '../../../test/doubles/upstream/session-server.ts'
import { makeCall, send, start, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'
import { freePort } from '../../../test/peers/free-port.ts'

const never = new AbortController().signal
const quick = (options = {}) => makeCall('tools/call', { name: 'quick' }, options)
const calls = (server: Scripted): number => server.requests.filter(({ body }) => body.method === 'tools/call').length

const replica = (own: Script = () => undefined): Promise<Scripted> => peer(modernServer(own))

describe('calls of a server without sessions', () => {
  test('take turns among its endpoints', async () => {
    const replicas = [await replica(), await replica(), await replica()]
    const { upstream } = upstreamAt({ endpoints: replicas.map(({ url }) => url) })
    for (let n = 0; n < 9; n += 1) expect(textOf(await send(upstream, quick()))).toBe('done')
    expect(replicas.map(calls)).toEqual([3, 3, 3])
  })

  test('never see an endpoint that is down from the start', async () => {
    const alive = await replica()
    const dead = `http://127.0.0.1:${await freePort()}/mcp`
    const { upstream, report } = upstreamAt({ endpoints: [dead, alive.url] })
    expect(await upstream.ready(never)).toBeUndefined()
    for (let n = 0; n < 6; n += 1) expect(textOf(await send(upstream, quick()))).toBe('done')
    expect(calls(alive)).toBe(6)
    const told = report.lines.filter(({ event }) => event.includes('endpoint'))
    expect(told).toMatchObject([{ severity: 'warn', fields: { upstream: 'up', endpoint: dead } }])
  })

  test('find out one that dies, and no caller hears of it: what was not sent goes to another; it is left out, and comes back', async () => {
    const clock = new ManualClock()
    const port = await freePort()
    const serve = () =>
      scripted(
        modernServer(() => undefined),
        port,
      )
    let mortal = await serve()
    const alive = await replica()
    const { upstream } = upstreamAt({ endpoints: [mortal.url, alive.url] }, { clock })
    for (let n = 0; n < 4; n += 1) await send(upstream, quick())
    expect([calls(mortal), calls(alive)]).toEqual([2, 2])
    await mortal.stop()
    const legs = [start(upstream, quick()), start(upstream, quick())]
    for (const { outcome } of legs) expect(textOf(await outcome)).toBe('done')
    expect(legs.flatMap(({ repeats }) => repeats)).toContain('connection_refused')
    const before = calls(alive)
    for (let n = 0; n < 6; n += 1) expect(textOf(await send(upstream, quick()))).toBe('done')
    expect(calls(alive)).toBe(before + 6)
    mortal = await serve()
    onTestFinished(() => mortal.stop())
    // It takes its turn once its connection is there, after whatever pause an attempt meanwhile earned it; until then no call fails.
    while (calls(mortal) === 0) {
      await clock.advance(30_000)
      expect(textOf(await send(upstream, quick()))).toBe('done')
    }
  })

  test('that are in flight end where they are, though their endpoint takes no new ones', async () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const done = { result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }] } }
    const closing = await replica(({ body }) => (body.params?.name === 'slow' ? released.then(() => done) : undefined))
    const staying = await replica()
    const { upstream } = upstreamAt({ endpoints: [closing.url, staying.url] })
    // The first endpoint is the one of the home connection, and the second call's turn.
    await send(upstream, quick())
    const leg = start(upstream, makeCall('tools/call', { name: 'slow' }))
    await expect.poll(() => closing.requests.filter(({ body }) => body.params?.name === 'slow').length).toBe(1)
    closing.refuse()
    const outcomes = [await send(upstream, quick()), await send(upstream, quick()), await send(upstream, quick())]
    expect(outcomes.filter(({ kind }) => kind === 'complete').length).toBeGreaterThanOrEqual(2)
    release()
    expect(textOf(await leg.outcome)).toBe('done')
  })

  test('fail with the last word of an endpoint where none can be reached', async () => {
    const dead = [`http://127.0.0.1:${await freePort()}/mcp`, `http://127.0.0.1:${await freePort()}/mcp`]
    const { upstream } = upstreamAt({ endpoints: dead })
    expect(await send(upstream, quick())).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_unavailable', sideEffect: 'none' } })
    expect(upstream.health()).toMatchObject({ state: 'unavailable' })
  })
})

describe('an endpoint that hangs', () => {
  test('takes five calls to their deadline, and is then left out', async () => {
    const clock = new ManualClock()
    const hanging = await replica(({ body }) => (body.method === 'tools/call' ? 'hang' : undefined))
    const alive = await replica()
    const { upstream } = upstreamAt({ endpoints: [hanging.url, alive.url] }, { clock })
    let late = 0
    for (let n = 0; n < 20; n += 1) {
      const before = calls(hanging)
      const leg = start(upstream, quick(), { clock, limits: { idleMs: 100, totalMs: 100 } })
      const isOver = leg.outcome.then(() => true)
      await expect.poll(() => calls(hanging) > before || Promise.race([isOver, false])).toBe(true)
      if (calls(hanging) > before) await clock.advance(101)
      if ((await leg.outcome).kind === 'fault') late += 1
    }
    expect([late, calls(hanging)]).toEqual([5, 5])
    expect(upstream.health().endpoints).toMatchObject([{ state: 'ejected' }, { state: 'ready' }])
  })
})

describe('a task', () => {
  const created = {
    resultType: 'task',
    taskId: 't',
    status: 'working',
    createdAt: '2026-01-01T00:00:00Z',
    lastUpdatedAt: '2026-01-01T00:00:00Z',
    ttlMs: null,
  }
  const asked = ({ requests }: Scripted) => requests.filter(({ body }) => body.method === 'tasks/get').length
  const withTasks = () =>
    replica(({ body }) => {
      if (body.method === 'tools/call') return { result: created }
      return body.method === 'tasks/get' ? { result: { ...created, resultType: 'complete' } } : undefined
    })

  test('is asked for where it was made, and nowhere else, though that is gone', async () => {
    const replicas = [await withTasks(), await withTasks(), await withTasks()]
    const { upstream } = upstreamAt({ endpoints: replicas.map(({ url }) => url) })
    await send(upstream, quick())
    const made = await send(upstream, quick())
    if (made.kind !== 'task') throw new TypeError(JSON.stringify(made))
    const get = (place: string | undefined) => ({ ...makeCall('tasks/get', { taskId: 't' }), place })
    for (let n = 0; n < 6; n += 1) expect((await send(upstream, get(made.place))).kind).toBe('complete')
    expect(replicas.map(asked).sort()).toEqual([0, 0, 6])
    // Of a task of before the endpoints were several, and of an endpoint that the configuration has no more.
    for (const place of [undefined, 'ffffffffffff']) for (let n = 0; n < 3; n += 1) await send(upstream, get(place))
    expect(replicas.map(asked).sort()).toEqual([2, 2, 8])
    await replicas.find((one) => asked(one) === 8)?.stop()
    expect(await send(upstream, get(made.place))).toMatchObject({
      kind: 'fault',
      fault: { kind: 'upstream_unavailable', sideEffect: 'none' },
    })
    expect(replicas.map(asked).sort()).toEqual([2, 2, 8])
  })
})

describe('a session', () => {
  test('stays on its endpoint, and others go elsewhere', async () => {
    const servers = [await startSessionServer(), await startSessionServer()]
    for (const server of servers) onTestFinished(() => server.stop())
    const { upstream } = upstreamAt({ endpoints: servers.map(({ url }) => url), era: 'legacy' })
    const count = (affinity: string) => send(upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', affinity }))
    for (let n = 1; n <= 3; n += 1) for (const session of ['s-1', 's-2', 's-3', 's-4']) expect(textOf(await count(session))).toBe(String(n))
    // Home is the fifth.
    expect(servers.map((server) => server.open()).sort()).toEqual([2, 3])
  })

  describe('whose endpoint answers, and badly', () => {
    async function two() {
      const servers = [await startSessionServer(), await startSessionServer()]
      for (const server of servers) onTestFinished(() => server.stop())
      const { upstream, report } = upstreamAt({ endpoints: servers.map(({ url }) => url), era: 'legacy' })
      const count = (affinity: string) => send(upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', affinity }))
      expect(textOf(await count('s-1'))).toBe('1')
      expect(await upstream.ready(never)).toBeUndefined()
      // Home is at the first, ours at the second.
      const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]]
      expect([first.open(), second.open()]).toEqual([1, 1])
      const kinds = async (calls: number, affinity = 's-1') => {
        const ends: string[] = []
        for (let n = 0; n < calls; n += 1) {
          const end = await count(affinity)
          ends.push(end.kind === 'fault' ? end.fault.kind : (textOf(end) ?? ''))
        }
        return ends
      }
      return { first, second, upstream, report, kinds }
    }
    const busy = (times: number) => Array.from({ length: times }, () => 'upstream_busy')

    test('stays for four calls that fail in a row, with what it keeps', async () => {
      const { first, second, kinds } = await two()
      second.fail(503)
      expect(await kinds(4)).toEqual(busy(4))
      second.fail(undefined)
      expect(await kinds(2)).toEqual(['2', '3'])
      second.fail(503)
      expect(await kinds(4)).toEqual(busy(4))
      second.fail(undefined)
      expect(await kinds(1)).toEqual(['4'])
      expect([first.open(), second.open()]).toEqual([1, 1])
    })

    test('begins anew at another after five, and stays there', async () => {
      const { first, second, report, kinds } = await two()
      second.fail(503)
      expect(await kinds(8)).toEqual([...busy(5), '1', '2', '3'])
      expect(first.open()).toBe(2)
      await expect.poll(() => second.open()).toBe(0)
      expect(report.lines.filter(({ event }) => event.startsWith('A session of an upstream fails'))).toHaveLength(1)
      second.fail(undefined)
      expect(await kinds(2)).toEqual(['4', '5'])
    })

    test('stays where its endpoint serves others: it is no outlier', async () => {
      const { first, second, kinds } = await two()
      // One more session for each.
      expect([await kinds(1, 's-2'), await kinds(1, 's-3')]).toEqual([['1'], ['1']])
      expect([first.open(), second.open()]).toEqual([2, 2])
      for (let n = 0; n < 8; n += 1) {
        second.fail(503)
        expect(await kinds(1)).toEqual(busy(1))
        second.fail(undefined)
        for (const session of ['s-2', 's-3']) await kinds(1, session)
      }
      expect(await kinds(1)).toEqual(['2'])
    })
  })

  test('whose endpoint died begins anew on another', async () => {
    const servers = [await startSessionServer(), await startSessionServer()]
    const { upstream } = upstreamAt({ endpoints: servers.map(({ url }) => url), era: 'legacy' })
    const count = () => send(upstream, makeCall('tools/call', { name: 'count' }, { principal: 'ann', affinity: 's-1' }))
    expect(textOf(await count())).toBe('1')
    expect(await upstream.ready(never)).toBeUndefined()
    // Each has one session: home the first, ours the second.
    const [first, second] = servers as [(typeof servers)[0], (typeof servers)[0]]
    expect([first.open(), second.open()]).toEqual([1, 1])
    onTestFinished(() => first.stop())
    await second.stop()
    expect(textOf(await count())).toBe('1')
    expect(first.open()).toBe(2)
  })
})
