// What an operator does with an upstream: calls are held, refused and let go, in order, and none of them fails that need not.
import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, countedRandom, done, hand } from '../../../test/doubles/gateway/samples.ts'
import { ScriptedUpstream } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { type Next, Table } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { Maintenance } from './maintenance.ts'
import { createResilience } from './stage.ts'

class Server extends ScriptedUpstream {
  readonly order: string[] = []
  up = true
  restarts = 0
  /** A call ends when this does. */
  work: Promise<void> = Promise.resolve()

  readonly take: Next<TargetedCall> = async ({ id }) => {
    this.order.push(id)
    if (!this.up) return failed(fault('upstream_unavailable', { upstream: 'up' }, { evidence: evidence.connection_refused }))
    await this.work
    return done()
  }

  answers(): Promise<boolean> {
    return Promise.resolve(this.up)
  }

  restart(): Promise<void> {
    this.restarts += 1
    return Promise.resolve()
  }
}

function setting({ queue = 2, concurrency = 2 } = {}) {
  const clock = new ManualClock()
  const { report, counted, logged } = aReport()
  const limits = { queue, breakerFailures: 3, breakerOpenMs: 10_000 }
  const alike = { concurrencyOf: () => concurrency, perPrincipal: () => false }
  const resilience = createResilience({ clock, random: countedRandom(1), report, limits, ...alike })
  const server = new Server('up')
  const maintenance = new Maintenance({ clock, log: report.log, resilience, upstreams: new Map([['up', server]]) })
  const chain = Table.begin<TargetedCall>()
    .pass(['invoke'], resilience.retry, '')
    .gate(['invoke'], resilience.breaker, '')
    .gate(['invoke'], resilience.bulkhead, '')
    .end(['invoke'], 'send', server.take, '')
    .chains().invoke as Next<TargetedCall>
  let ids = 0
  const call = (limitMs = 50_000): Promise<Outcome> => {
    ids += 1
    const routed = { ...aCall({ id: String(ids) }), upstream: 'up', item: anItem() }
    return chain(routed, anExchange(clock, { idleMs: limitMs, totalMs: limitMs }).exchange)
  }
  const calls = (count: number) => Array.from({ length: count }, () => call())
  return { clock, resilience, server, maintenance, call, calls, counted, logged }
}

const faultOf = (outcome: Outcome) => (outcome.kind === 'fault' ? outcome.fault : undefined)

describe('a paused upstream', () => {
  it('holds more calls than its queue takes, and lets them go on in order, before those that come after', async () => {
    const { server, maintenance, calls, resilience } = setting()
    expect(await maintenance.act('up', 'pause', 0)).toEqual({ state: 'paused', inFlight: 0, held: 0, done: true })
    const held = calls(20)
    expect(resilience.gauges()).toMatchObject([{ closure: 'paused', queued: 20 }])
    expect(server.order).toEqual([])
    expect(await maintenance.act('up', 'resume', 0)).toMatchObject({ state: 'serving', done: true })
    // The queue is as long as ever, behind those that were held.
    const later = calls(2)
    const outcomes = await Promise.all([...held, ...later])
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: 22 }, () => 'complete'))
    expect(server.order).toEqual(Array.from({ length: 22 }, (_, n) => String(n + 1)))
  })

  it('holds 1,024 at most, and says of the next that they are held', async () => {
    const { maintenance, calls, call } = setting()
    await maintenance.act('up', 'pause', 0)
    const held = calls(1_024)
    const refused = faultOf(await call())
    expect(refused).toMatchObject({ kind: 'overloaded', sideEffect: 'none' })
    expect(refused?.message).toContain('1024 are held while it is paused')
    await maintenance.act('up', 'resume', 0)
    expect((await Promise.all(held)).every(({ kind }) => kind === 'complete')).toBe(true)
  })

  it('tells a call whose deadline comes first that it was paused, and nothing of it was sent', async () => {
    const { clock, server, maintenance, call, resilience } = setting()
    await maintenance.act('up', 'pause', 0)
    const [short, long] = [call(1_000), call(5_000)]
    await clock.advance(1_001)
    expect(faultOf(await short)).toMatchObject({ kind: 'upstream_unavailable', sideEffect: 'none', retryable: true })
    expect(faultOf(await short)?.message).toContain('an operator has paused it')
    expect(resilience.gauges()).toMatchObject([{ queued: 1 }])
    await maintenance.act('up', 'resume', 0)
    expect((await long).kind).toBe('complete')
    expect(server.order).toEqual(['2'])
  })

  it('is paused when the last call at it has ended, or the wait has', async () => {
    const { clock, server, maintenance, call } = setting()
    const work = hand<void>()
    server.work = work.promise
    const running = call()
    const impatient = maintenance.act('up', 'pause', 100)
    await clock.advance(200)
    expect(await impatient).toMatchObject({ state: 'paused', inFlight: 1, done: false, reason: '1 call is still at it' })
    const patient = maintenance.act('up', 'pause', 10_000)
    work.give()
    await running
    await clock.advance(100)
    expect(await patient).toMatchObject({ state: 'paused', inFlight: 0, done: true })
  })

  it('goes on only when the server answers, and with a closed circuit', async () => {
    const { clock, server, maintenance, call, resilience } = setting()
    server.up = false
    const before = [call(), call(), call()]
    await clock.advance(1_000)
    for (const outcome of before) expect(faultOf(await outcome)).toBeDefined()
    expect(resilience.gauges()).toMatchObject([{ circuit: 'open' }])
    await maintenance.act('up', 'pause', 0)
    server.order.length = 0
    const held = call()
    const resumed = maintenance.act('up', 'resume', 10_000)
    await clock.advance(500)
    expect(server.order).toEqual([])
    server.up = true
    await clock.advance(2_000)
    expect(await resumed).toMatchObject({ state: 'serving', done: true })
    expect((await held).kind).toBe('complete')
  })

  it('goes on in the end though the server does not answer, and that is said', async () => {
    const { clock, server, maintenance, call, logged } = setting()
    await maintenance.act('up', 'pause', 0)
    server.up = false
    const held = call()
    const resumed = maintenance.act('up', 'resume', 1_000)
    await clock.advance(3_000)
    expect(await resumed).toMatchObject({ state: 'serving', done: false, reason: expect.stringContaining('does not answer') })
    expect(faultOf(await held)).toMatchObject({ kind: 'upstream_unavailable' })
    expect(logged).toContain('An upstream was resumed: its calls go on')
  })

  it('stays so where it is paused again while it was still to be resumed', async () => {
    const { clock, server, maintenance, resilience } = setting()
    await maintenance.act('up', 'pause', 0)
    server.up = false
    const resumed = maintenance.act('up', 'resume', 10_000)
    await clock.advance(100)
    await maintenance.act('up', 'pause', 0)
    server.up = true
    await clock.advance(3_000)
    expect(await resumed).toMatchObject({ state: 'paused', done: false })
    expect(resilience.gauges()).toMatchObject([{ closure: 'paused' }])
  })
})

describe('a drained upstream', () => {
  it('refuses what comes, lets what is here go on, and comes back', async () => {
    const { clock, server, maintenance, calls, call } = setting({ concurrency: 1 })
    const work = hand<void>()
    server.work = work.promise
    const here = calls(2)
    const drained = maintenance.act('up', 'drain', 5_000)
    expect(faultOf(await call())).toMatchObject({ kind: 'upstream_unavailable', message: expect.stringContaining('out of service') })
    work.give()
    expect((await Promise.all(here)).map(({ kind }) => kind)).toEqual(['complete', 'complete'])
    await clock.advance(100)
    expect(await drained).toMatchObject({ state: 'drained', done: true })
    await maintenance.act('up', 'resume', 0)
    expect((await call()).kind).toBe('complete')
  })
})

describe('a restart', () => {
  it('waits for what runs, holds what comes, and lets it go on', async () => {
    const { clock, server, maintenance, call } = setting()
    const work = hand<void>()
    server.work = work.promise
    const running = call()
    const restarted = maintenance.act('up', 'restart', 10_000)
    const held = call()
    await clock.advance(100)
    expect([server.restarts, server.order]).toEqual([0, ['1']])
    work.give()
    await running
    await clock.advance(100)
    expect(await restarted).toMatchObject({ state: 'serving', done: true })
    expect([server.restarts, (await held).kind]).toEqual([1, 'complete'])
  })

  it('does not end a call that goes on for too long: nothing is started anew, and calls go on', async () => {
    const { clock, server, maintenance, call } = setting()
    const work = hand<void>()
    server.work = work.promise
    const running = call()
    const restarted = maintenance.act('up', 'restart', 100)
    await clock.advance(500)
    expect(await restarted).toMatchObject({ state: 'serving', done: false, reason: expect.stringContaining('nothing was started anew') })
    expect(server.restarts).toBe(0)
    work.give()
    expect((await running).kind).toBe('complete')
  })

  it('of a paused upstream leaves it paused', async () => {
    const { server, maintenance } = setting()
    await maintenance.act('up', 'pause', 0)
    expect(await maintenance.act('up', 'restart', 0)).toMatchObject({ state: 'paused', done: true })
    expect(server.restarts).toBe(1)
  })

  it('does not stay paused where a bug ends its restart', async () => {
    const { server, maintenance, call, clock } = setting()
    server.restart = () => Promise.reject(new Error('bug'))
    await expect(maintenance.act('up', 'restart', 1_000)).rejects.toThrow('bug')
    const outcome = call()
    await clock.advance(0)
    expect(await outcome).toEqual(done())
  })
})
