import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, countedRandom, done, hand, progress } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { type Next, Table } from '../../core/call/stage.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Random } from '../../core/ports/clock.ts'
import { mostLimits } from './service-limits.ts'
import { createResilience, type ResilienceLimits } from './stage.ts'

const limits: ResilienceLimits = { queue: 2, breakerFailures: 3, breakerOpenMs: 10_000 }
const safe = { item: anItem({ traits: { readOnly: true, destructive: false, idempotent: false } }) }
const risky = { item: anItem() }

function routed(change: Partial<RoutedCall> = {}): RoutedCall {
  return { ...aCall(), upstream: 'up', ...risky, ...change }
}

function setting({
  concurrency = 1,
  fraction = 1,
  perPrincipal = false,
  random = countedRandom(fraction),
  ...change
}: Partial<ResilienceLimits> & { concurrency?: number; fraction?: number; perPrincipal?: boolean; random?: Random } = {}) {
  const clock = new ManualClock()
  const { report, counted, logged } = aReport()
  const resilience = createResilience({
    clock,
    random,
    report,
    limits: { ...limits, ...change },
    concurrencyOf: () => concurrency,
    perPrincipal: () => perPrincipal,
  })
  const chain = (send: Next<TargetedCall>): Next<TargetedCall> =>
    Table.begin<TargetedCall>()
      .pass(['invoke'], resilience.retry, '')
      .gate(['invoke'], resilience.breaker, '')
      .gate(['invoke'], resilience.bulkhead, '')
      .end(['invoke'], 'send', send, '')
      .chains().invoke as Next<TargetedCall>
  return { clock, resilience, counted, logged, chain }
}

/** Answers the outcomes in turn, the last for ever, and counts how often it was asked. */
function peer(...outcomes: Outcome[]) {
  const seen = { sent: 0 }
  const send: Next<TargetedCall> = async () => outcomes[Math.min(seen.sent++, outcomes.length - 1)] as Outcome
  return { seen, send }
}

const no = (kind: Kind, found?: keyof typeof evidence, retryAfterMs?: number): Outcome =>
  failed(fault(kind, { upstream: 'up' }, { evidence: found === undefined ? undefined : evidence[found], retryAfterMs }))

async function settle(clock: ManualClock, outcome: Promise<Outcome>): Promise<Outcome> {
  await clock.advance(5_000)
  return outcome
}

describe('a failed attempt is repeated only where that is safe', () => {
  it.each<[string, Partial<RoutedCall>, Outcome, number]>([
    ['nothing was sent', risky, no('upstream_unavailable', 'connection_refused'), 3],
    ['the deadline passed', risky, no('upstream_timeout', 'deadline'), 1],
    ['a time limit ran out before anything was sent', safe, no('upstream_timeout', 'connect_timeout'), 1],
    ['the answer was lost', risky, no('outcome_unknown', 'connection_lost'), 1],
    ['the answer was lost, and the tool only reads', safe, no('outcome_unknown', 'connection_lost'), 3],
    ['the answer was lost, and it is a prompt', { item: anItem({ kind: 'prompt' }) }, no('outcome_unknown', 'connection_lost'), 3],
    ['somebody says 503', risky, no('upstream_busy', 'service_unavailable'), 1],
    ['somebody says 503, and the tool only reads', safe, no('upstream_busy', 'service_unavailable'), 3],
    ['somebody says 502, and the tool only reads', safe, no('upstream_http_error', 'server_error'), 3],
    ['the session was unknown, twice', risky, no('upstream_http_error', 'session_unknown'), 2],
    ['the credential was refused, and so was another', risky, no('upstream_auth_failed', 'credential_refused'), 2],
    ['the upstream says no', safe, no('upstream_error', 'error_answer'), 1],
    ['we refused it ourselves', safe, no('overloaded'), 1],
    [
      'the call is parked',
      { ...safe, continuation: { kind: 'parked', park: 'p', owner: 'o', upstream: 'up', answers: undefined } },
      no('upstream_unavailable', 'connection_refused'),
      1,
    ],
  ])('%s: %#', async (_case, change, outcome, sent) => {
    const { clock, chain } = setting({ breakerFailures: 100 })
    const { seen, send } = peer(outcome)
    const { exchange } = anExchange(clock)
    expect(await settle(clock, chain(send)(routed(change), exchange))).toBe(outcome)
    expect(seen.sent).toBe(sent)
    expect(exchange.fact('attempts')).toBe(sent)
  })

  it('gives the first good answer and counts what was repeated', async () => {
    const { clock, chain, counted } = setting()
    const { seen, send } = peer(no('upstream_unavailable', 'connection_refused'), done({ ok: 1 }))
    const { exchange } = anExchange(clock)
    expect(await settle(clock, chain(send)(routed(), exchange))).toMatchObject({ kind: 'complete' })
    expect([seen.sent, counted.retries]).toEqual([2, 1])
  })

  it('reports a dead upstream within a tenth of a second', async () => {
    const { clock, chain } = setting()
    const { send } = peer(no('upstream_unavailable', 'connection_refused'))
    const outcome = chain(send)(routed(), anExchange(clock).exchange)
    await clock.advance(100)
    expect(await Promise.race([outcome, Promise.resolve('waits')])).toMatchObject({ kind: 'fault' })
  })

  it('does not repeat a write whose first event was heard', async () => {
    const { clock, chain } = setting()
    let sent = 0
    const speaking: Next<TargetedCall> = async (_call, exchange) => {
      sent += 1
      exchange.sink.emit(progress(1))
      return no('upstream_unavailable', 'connection_refused')
    }
    const outcome = await settle(clock, chain(speaking)(routed(), anExchange(clock).exchange))
    expect(sent).toBe(1)
    expect(outcome).toMatchObject({ fault: { sideEffect: 'unknown', retryable: false } })
  })

  it('does not forget that an earlier attempt may have been executed', async () => {
    const { clock, chain } = setting()
    const idempotent = { item: anItem({ traits: { readOnly: false, destructive: true, idempotent: true } }) }
    const { send } = peer(no('outcome_unknown', 'connection_lost'), no('upstream_unavailable', 'connection_refused'))
    const outcome = await settle(clock, chain(send)(routed(idempotent), anExchange(clock).exchange))
    expect(outcome).toMatchObject({
      fault: { kind: 'upstream_unavailable', sideEffect: 'unknown', evidence: { name: 'connection_refused' } },
    })
    expect(outcome).toMatchObject({ fault: { message: expect.stringContaining('It may have been executed') } })
  })

  it('sends at once, and not from the budget, where something was renewed; the next attempt is told what', async () => {
    const { clock, chain, counted } = setting({ breakerFailures: 1_000 })
    for (let i = 0; i < 30; i += 1) {
      const told: unknown[] = []
      const send: Next<TargetedCall> = async (_call, attempt) => {
        told.push(attempt.renew)
        return told.length === 1 ? no('upstream_http_error', 'session_unknown') : done()
      }
      expect(await chain(send)(routed(), anExchange(clock).exchange)).toMatchObject({ kind: 'complete' })
      expect(told).toEqual([undefined, 'session'])
    }
    expect(counted.retries).toBe(30)
  })

  it('lets progress only grow over the attempts of a read', async () => {
    const { clock, chain } = setting()
    const { exchange, events } = anExchange(clock)
    const speaking: Next<TargetedCall> = async (_call, attempt) => {
      for (const value of sent === 0 ? [1, 2] : [1, 2, 3]) attempt.sink.emit(progress(value))
      return sent++ === 0 ? no('outcome_unknown', 'connection_lost') : done()
    }
    let sent = 0
    await settle(clock, chain(speaking)(routed(safe), exchange))
    expect(events.map((event) => event.kind === 'progress' && (event.params.json() as { progress: number }).progress)).toEqual([1, 2, 3])
  })

  it('drops the late words of an attempt that is over', async () => {
    const { clock, chain } = setting()
    const { exchange, events } = anExchange(clock)
    const attempts: Exchange[] = []
    const send: Next<TargetedCall> = async (_call, attempt) => {
      attempts.push(attempt)
      return done()
    }
    await chain(send)(routed(), exchange)
    attempts[0]?.sink.emit(progress(1))
    expect(events).toEqual([])
  })

  it('waits as long as the upstream asks, if that fits the deadline', async () => {
    const { clock, chain } = setting({ fraction: 0 })
    const { seen, send } = peer(no('upstream_busy', 'too_many_requests', 3_000), done())
    const outcome = chain(send)(routed(safe), anExchange(clock).exchange)
    await clock.advance(2_999)
    expect(seen.sent).toBe(1)
    await clock.advance(1)
    expect(await outcome).toMatchObject({ kind: 'complete' })
    const late = peer(no('upstream_busy', 'too_many_requests', 60_000))
    expect(await chain(late.send)(routed(safe), anExchange(clock).exchange)).toMatchObject({ fault: { kind: 'upstream_busy' } })
    expect(late.seen.sent).toBe(1)
  })

  it('stops waiting when the caller goes', async () => {
    const { clock, chain } = setting()
    const { seen, send } = peer(no('upstream_busy', 'too_many_requests', 3_000))
    const { exchange } = anExchange(clock)
    const outcome = chain(send)(routed(safe), exchange)
    await clock.advance(10)
    exchange.end('client_gone')
    expect(await outcome).toMatchObject({ kind: 'fault' })
    exchange.close('client_gone')
    expect([seen.sent, clock.pending]).toEqual([1, 0])
  })

  it('adds little load to an upstream that fails everything', async () => {
    const { clock, chain, counted } = setting({ breakerFailures: 1_000 })
    const { seen, send } = peer(no('upstream_unavailable', 'connection_refused'))
    for (let i = 0; i < 200; i += 1) await settle(clock, chain(send)(routed(), anExchange(clock).exchange))
    expect(counted.retries).toBeLessThanOrEqual(20)
    expect(seen.sent).toBe(200 + (counted.retries ?? 0))
  })
})

/** Chance that takes its values in turn, evenly over all that are possible. */
function evenly(): Random {
  let drawn = 0
  return { ...countedRandom(), fraction: () => (drawn++ * 0.618_033_988_75) % 1 }
}

describe('many callers of an upstream that was away', () => {
  const callers = 200
  async function storm(change: Parameters<typeof setting>[0], answers: (nth: number) => Outcome) {
    const made = setting({ concurrency: 1_000, breakerFailures: 100_000, random: evenly(), ...change })
    const sentAt: number[] = []
    const send: Next<TargetedCall> = async () => {
      sentAt.push(made.clock.mono())
      return answers(sentAt.length)
    }
    const outcomes = Array.from({ length: callers }, () => made.chain(send)(routed(safe), anExchange(made.clock).exchange))
    await made.clock.advance(20_000)
    return { ...made, sentAt, outcomes: await Promise.all(outcomes) }
  }

  it('cost it at most a tenth more, from the first moment on, and not all at once', async () => {
    const { sentAt, counted } = await storm({}, () => no('upstream_unavailable', 'connection_refused'))
    expect(sentAt.length).toBe(callers + (counted.retries ?? 0))
    expect(counted.retries).toBeLessThanOrEqual(callers / 10)
    expect(counted.retries).toBeGreaterThan(callers / 20)
    const late = sentAt.slice(callers)
    expect(new Set(late).size).toBeGreaterThan(late.length / 2)
  })

  it('come back one after the other where it says when it is back', async () => {
    const { sentAt, outcomes } = await storm({}, (nth) => (nth <= callers ? no('upstream_busy', 'service_unavailable', 5_000) : done()))
    const late = sentAt.slice(callers)
    expect(late.length).toBe(callers / 10)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(5_000)
    expect(new Set(late).size).toBe(late.length)
    expect(outcomes.filter(({ kind }) => kind === 'complete')).toHaveLength(late.length)
  })

  it('find it where three of ten answers are errors: most succeed, and it has no more than a tenth to do on top', async () => {
    const { counted, outcomes } = await storm({}, (nth) => (nth % 10 < 3 ? no('upstream_http_error', 'server_error') : done()))
    expect(outcomes.filter(({ kind }) => kind === 'complete').length).toBeGreaterThan(callers * 0.7)
    expect(counted.retries).toBeLessThanOrEqual(callers / 10)
  })

  it('may repeat again once others have gone well, and no more than before', async () => {
    const made = setting({ breakerFailures: 100_000 })
    const failing = peer(no('upstream_unavailable', 'connection_refused'))
    const call = (send: Next<TargetedCall>) => settle(made.clock, made.chain(send)(routed(), anExchange(made.clock).exchange))
    for (let i = 0; i < 100; i += 1) await call(failing.send)
    expect(made.counted.retries).toBe(10)
    for (let i = 0; i < 1_000; i += 1) await call(peer(done()).send)
    for (let i = 0; i < 100; i += 1) await call(failing.send)
    // Twenty were saved, and these calls earn some too.
    expect(made.counted.retries).toBe(10 + 20 + 9)
  })
})

describe('an upstream that fails repeatedly is left alone', () => {
  it('answers at once, unexecuted, until a trial succeeds', async () => {
    const { clock, chain, resilience, logged } = setting()
    const { seen, send } = peer(
      no('upstream_error', 'error_answer'),
      no('outcome_unknown', 'connection_lost'),
      no('outcome_unknown', 'connection_lost'),
      no('outcome_unknown', 'connection_lost'),
      done(),
    )
    for (let i = 0; i < 4; i += 1) await chain(send)(routed(), anExchange(clock).exchange)
    const items = [{ kind: 'tool', item: 'weather', circuit: 'open' }]
    expect(resilience.gauges()).toEqual([{ upstream: 'up', circuit: 'closed', items, inFlight: 0, queued: 0 }])
    const refused = await chain(send)(routed(), anExchange(clock).exchange)
    expect(refused).toMatchObject({
      fault: { kind: 'circuit_open', retryAfterMs: 10_000, sideEffect: 'none', detail: { scope: 'tool', tool: 'weather' } },
    })
    expect(refused).toMatchObject({ fault: { message: expect.stringContaining('What else up offers is not affected') } })
    expect(await chain(peer(done()).send)(routed({ item: anItem({ name: 'other' }) }), anExchange(clock).exchange)).toEqual(done())
    expect(seen.sent).toBe(4)
    await clock.advance(10_000)
    expect(await chain(send)(routed(), anExchange(clock).exchange)).toMatchObject({ kind: 'complete' })
    expect(resilience.gauges()[0]?.items).toEqual([])
    expect(logged).toHaveLength(2)
  })

  it('answers for all of its tools where it cannot be reached at all', async () => {
    const { clock, chain, resilience } = setting({ breakerFailures: 3 })
    await settle(clock, chain(peer(no('upstream_unavailable', 'connection_refused')).send)(routed(), anExchange(clock).exchange))
    expect(resilience.gauges()[0]).toMatchObject({ circuit: 'open', items: [] })
    const other = await chain(peer(done()).send)(routed({ item: anItem({ name: 'other' }) }), anExchange(clock).exchange)
    expect(other).toMatchObject({ fault: { kind: 'circuit_open', detail: { scope: 'upstream', upstream: 'up' } } })
    expect(other).not.toMatchObject({ fault: { detail: { tool: expect.anything() } } })
  })

  it('frees the trial when a bug of ours throws', async () => {
    const { clock, chain } = setting({ breakerFailures: 1 })
    await chain(peer(no('outcome_unknown', 'connection_lost')).send)(routed(), anExchange(clock).exchange)
    await clock.advance(10_000)
    await expect(chain(() => Promise.reject(new Error('bug')))(routed(), anExchange(clock).exchange)).rejects.toThrow('bug')
    expect(await chain(peer(done()).send)(routed(), anExchange(clock).exchange)).toMatchObject({ kind: 'complete' })
  })

  it('does not leave its neighbours alone', async () => {
    const { clock, chain } = setting({ breakerFailures: 1 })
    await chain(peer(no('outcome_unknown', 'connection_lost')).send)(routed(), anExchange(clock).exchange)
    expect(await chain(peer(done()).send)(routed({ upstream: 'other' }), anExchange(clock).exchange)).toMatchObject({ kind: 'complete' })
  })
})

describe('a tool whose service asks to wait', () => {
  const limited = (named: boolean, ms: number): Outcome =>
    failed(
      fault(
        'downstream_rate_limited',
        { upstream: 'up', rule: 'github', retryAfterMs: ms, named },
        { evidence: evidence.limit_text, retryAfterMs: ms },
      ),
    )
  const as = (sub: string) => ({ caller: { ...aCall().caller, principal: { ...aCall().caller.principal, sub } } })

  it('is not asked before, and others are', async () => {
    const { clock, chain } = setting()
    const { seen, send } = peer(limited(true, 30_000), done())
    await chain(send)(routed(), anExchange(clock).exchange)
    await clock.advance(10_000)
    expect(await chain(send)(routed(as('other')), anExchange(clock).exchange)).toMatchObject({
      fault: {
        kind: 'downstream_rate_limited',
        category: 'integration',
        retryable: true,
        retryAfterMs: 20_000,
        sideEffect: 'none',
        detail: { held: true, rule: 'github' },
      },
    })
    expect(seen.sent).toBe(1)
    expect(await chain(send)(routed({ item: anItem({ name: 'other' }) }), anExchange(clock).exchange)).toEqual(done())
    await clock.advance(20_000)
    expect(await chain(send)(routed(), anExchange(clock).exchange)).toEqual(done())
  })

  it('is asked again then by a read that can wait so long', async () => {
    const { clock, chain } = setting({ fraction: 0 })
    const { seen, send } = peer(limited(true, 3_000), done())
    const outcome = chain(send)(routed(safe), anExchange(clock).exchange)
    await clock.advance(2_900)
    expect(seen.sent).toBe(1)
    await clock.advance(200)
    expect(await outcome).toEqual(done())
  })

  it('is asked for others where the limit is that of one caller', async () => {
    const { clock, chain } = setting({ perPrincipal: true })
    const { send } = peer(limited(true, 30_000), done())
    await chain(send)(routed(as('one')), anExchange(clock).exchange)
    expect(await chain(send)(routed(as('two')), anExchange(clock).exchange)).toEqual(done())
    expect(await chain(send)(routed(as('one')), anExchange(clock).exchange)).toMatchObject({ fault: { detail: { held: true } } })
  })

  it('is asked again at once where it named no time, and after an hour whatever it named', async () => {
    const { clock, chain } = setting()
    await chain(peer(limited(false, 1_000)).send)(routed(), anExchange(clock).exchange)
    expect(await chain(peer(done()).send)(routed(), anExchange(clock).exchange)).toEqual(done())
    await chain(peer(limited(true, 86_400_000)).send)(routed(), anExchange(clock).exchange)
    await clock.advance(3_600_000)
    expect(await chain(peer(done()).send)(routed(), anExchange(clock).exchange)).toEqual(done())
  })

  it('keeps so many limits and no more', async () => {
    const { clock, chain } = setting()
    const tool = (n: number) => routed({ item: anItem({ name: `t${n}` }) })
    for (let n = 0; n <= mostLimits; n += 1) await chain(peer(limited(true, 60_000)).send)(tool(n), anExchange(clock).exchange)
    expect(await chain(peer(done()).send)(tool(0), anExchange(clock).exchange)).toEqual(done())
    expect(await chain(peer(done()).send)(tool(1), anExchange(clock).exchange)).toMatchObject({ fault: { detail: { held: true } } })
  })
})

describe('an upstream serves so many at once', () => {
  function busy() {
    const made = setting({ concurrency: 1 })
    const order: string[] = []
    const hands: ReturnType<typeof hand<Outcome>>[] = []
    const send: Next<TargetedCall> = (call) => {
      order.push(call.id)
      const one = hand<Outcome>()
      hands.push(one)
      return one.promise
    }
    const start = (id: string, exchange = anExchange(made.clock).exchange) => made.chain(send)(routed({ id }), exchange)
    return { ...made, order, hands, start }
  }

  it('lets the others wait in their order, and refuses more than may wait', async () => {
    const { start, order, hands, counted, clock, resilience } = busy()
    const calls = ['a', 'b', 'c'].map((id) => start(id))
    const refused = await start('d')
    expect(refused).toMatchObject({ fault: { kind: 'overloaded', retryable: true, sideEffect: 'none', retryAfterMs: 1_000 } })
    expect(resilience.gauges()[0]).toMatchObject({ inFlight: 1, queued: 2 })
    for (let i = 0; i < 3; i += 1) {
      hands[i]?.give(done())
      await clock.advance(0)
    }
    await Promise.all(calls)
    expect(order).toEqual(['a', 'b', 'c'])
    expect(counted).toMatchObject({ calls_queued: 2, calls_refused: 1 })
    expect(resilience.gauges()[0]).toMatchObject({ inFlight: 0, queued: 0 })
  })

  it('forgets who left the queue', async () => {
    const { start, order, hands, clock } = busy()
    const first = start('a')
    const { exchange } = anExchange(clock)
    const gone = start('b', exchange)
    const third = start('c')
    exchange.end('client_gone')
    expect(await gone).toMatchObject({ fault: { kind: 'cancelled' } })
    hands[0]?.give(done())
    await clock.advance(0)
    hands[1]?.give(done())
    await Promise.all([first, third])
    expect(order).toEqual(['a', 'c'])
  })

  it('says at the deadline that the call was never executed', async () => {
    const { start, clock } = busy()
    void start('a', anExchange(clock, { idleMs: 900_000, totalMs: 900_000 }).exchange)
    const waiting = start('b', anExchange(clock, { idleMs: 1_000, totalMs: 1_000 }).exchange)
    await clock.advance(1_000)
    expect(await waiting).toMatchObject({ fault: { kind: 'overloaded', sideEffect: 'none' } })
  })

  it('takes a larger limit at once, and forgets upstreams that are gone', async () => {
    const { start, order, clock, resilience } = busy()
    void start('a')
    void start('b')
    await clock.advance(0)
    resilience.update({ limits, concurrencyOf: () => 2, upstreams: ['up'] })
    await clock.advance(0)
    expect(order).toEqual(['a', 'b'])
    resilience.update({ limits, concurrencyOf: () => 2, upstreams: [] })
    expect(resilience.gauges()).toEqual([])
  })
})
