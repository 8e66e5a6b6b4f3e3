import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Call, RoutedCall } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import type { OpenContinuation, Outcome } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { type Pass, type Step, Table } from '../../core/call/stage.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { createContinuation } from './stage.ts'

const first = '{"name":"weather","arguments":{ "n":9007199254740993 }}'

function asks(continuation: OpenContinuation): Outcome {
  return { kind: 'input_required', requests: payloadOf({ inputRequests: {} }), continuation }
}

function setting(between: Pass<RoutedCall>['run'] = (call, exchange, next) => next(call, exchange)) {
  const clock = new ManualClock()
  const sealer = createSealer(freshKey(), systemRandom)
  const stages = createContinuation({ sealer, clock, random: systemRandom })
  const seen = { sent: [] as RoutedCall[], resumed: [] as RoutedCall[] }
  let answer: Outcome = done()
  let item: Item = anItem()
  const resolve: Step<Call, RoutedCall> = {
    name: 'resolve',
    run: (call, exchange, next) => next({ ...call, upstream: item.upstream, item }, exchange),
  }
  const resume = stages.resume(async (call) => {
    seen.resumed.push(call)
    return answer
  })
  const sent = async (call: RoutedCall): Promise<Outcome> => {
    seen.sent.push(call)
    return answer
  }
  const chain = Table.begin()
    .pass(['invoke'], stages.continued, '')
    .step(['invoke'], resolve, '')
    .pass(['invoke'], { name: 'between', run: between }, '')
    .pass(['invoke'], stages.seal, '')
    .pass(['invoke'], resume, '')
    .end(['invoke'], 'sent', sent, '')
    .chains().invoke
  const leg = (params: string, change: Partial<Call> = {}) =>
    chain(aCall({ params: payload(Buffer.from(params)), ...change }), anExchange(clock).exchange)
  return {
    clock,
    sealer,
    seen,
    leg,
    answer: (next: Outcome) => {
      answer = next
    },
    route: (next: Item) => {
      item = next
    },
    /** The sealed state of a first leg that asked. */
    async open(continuation: OpenContinuation): Promise<string> {
      answer = asks(continuation)
      const outcome = await leg(first)
      answer = done()
      if (outcome.kind !== 'input_required' || outcome.sealed === undefined) throw new Error(outcome.kind)
      return outcome.sealed
    },
  }
}

const next = (state: unknown, args = '{ "n":9007199254740993 }') =>
  `{"name":"weather","arguments":${args},"inputResponses":{"q":{"action":"accept"}},"requestState":${JSON.stringify(state)}}`

const parked = (expiresAtMs: number): OpenContinuation => ({ kind: 'parked', park: 'p-1', owner: 'r-1', expiresAtMs })
const bytes = (call: Call | undefined) => Buffer.from(call?.params.bytes ?? []).toString('utf8')

describe('a requestState comes back as it went out', () => {
  it.each(['{"opaque":"ü\\u0000"}', '', undefined])('byte-exact towards the upstream: %j', async (inner) => {
    const { seen, leg, open } = setting()
    const state = await open({ kind: 'relayed', inner })
    expect(state).not.toContain('opaque')
    expect(await leg(next(state))).toMatchObject({ kind: 'complete' })
    expect(seen.sent[1]?.continuation).toEqual({ kind: 'relayed', inner })
    expect(bytes(seen.sent[1])).toBe('{"name":"weather","arguments":{ "n":9007199254740993 },"inputResponses":{"q":{"action":"accept"}}}')
  })

  it('and brings a parked leg straight to the call that waits, with its answers', async () => {
    const { seen, leg, open, clock } = setting()
    const state = await open(parked(clock.now() + 1_000))
    await leg(next(state))
    expect(seen.sent).toHaveLength(1)
    expect(seen.resumed[0]?.continuation).toMatchObject({ kind: 'parked', park: 'p-1', owner: 'r-1', upstream: 'up' })
    const { continuation } = seen.resumed[0] ?? {}
    expect(continuation?.kind === 'parked' && continuation.answers?.json()).toEqual({ q: { action: 'accept' } })
  })

  it('leg after leg, each with a state of its own', async () => {
    const { leg, open, answer, clock } = setting()
    const state = await open(parked(clock.now() + 1_000))
    answer(asks(parked(clock.now() + 1_000)))
    const second = await leg(next(state))
    expect(second.kind === 'input_required' && second.sealed).not.toBe(state)
    answer(done())
    expect(await leg(next(second.kind === 'input_required' ? second.sealed : ''))).toMatchObject({ kind: 'complete' })
    expect(await leg(next(state))).toMatchObject({ kind: 'fault' })
  })

  it('and belongs to the arguments as the caller sent them, also where others were sent on', async () => {
    const { leg, open, seen } = setting((call, exchange, on) => {
      exchange.note('coerced', { places: ['/n'], asSent: call.params })
      return on({ ...call, params: call.params.edit([{ path: ['arguments', 'n'], value: '1' }]) }, exchange)
    })
    const state = await open({ kind: 'relayed', inner: 'x' })
    expect(await leg(next(state))).toMatchObject({ kind: 'complete' })
    expect(seen.sent.map((call) => call.params.json())).toMatchObject([{ arguments: { n: 1 } }, { arguments: { n: 1 } }])
  })

  it('and a call without one passes as it is, answers or not', async () => {
    const { seen, leg } = setting()
    const params = '{"name":"weather","inputResponses":{"q":{}}}'
    await leg(params)
    expect(bytes(seen.sent[0])).toBe(params)
    expect(seen.sent[0]?.continuation).toBeUndefined()
  })
})

describe('a requestState that does not hold is refused, and nothing is sent', () => {
  const cases: [string, (s: ReturnType<typeof setting>, state: string) => Promise<Outcome>, RegExp][] = [
    ['altered', (s, state) => s.leg(next(`${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`)), /altered/],
    ['of another kind', (s) => s.leg(next(s.sealer.seal(Buffer.from('{}'), 'session'))), /not issued/],
    ['no string', (s) => s.leg(next(7)), /no string/],
    ['null', (s) => s.leg(next(null)), /no string/],
    [
      'of another caller',
      (s, state) => s.leg(next(state), { caller: { ...aCall().caller, principal: aPrincipal({ sub: 'bob' }) } }),
      /another caller/,
    ],
    [
      'of the same subject of another tenant',
      (s, state) => s.leg(next(state), { caller: { ...aCall().caller, principal: aPrincipal({ tenant: 'acme' }) } }),
      /another caller/,
    ],
    ['of another tool', (s, state) => s.leg(next(state), { target: 'other' }), /another call/],
    ['of another method', (s, state) => s.leg(next(state), { method: 'prompts/get' }), /another call/],
    ['of another mount', (s, state) => s.leg(next(state), { mount: 'up' }), /another call/],
    ['for other arguments', (s, state) => s.leg(next(state, '{ "n":9007199254740992 }')), /arguments differ/],
    [
      'too old',
      async (s, state) => {
        await s.clock.advance(3_600_000)
        return s.leg(next(state))
      },
      /expired/,
    ],
    [
      'of a definition that has changed',
      (s, state) => {
        s.route(anItem({ definition: payloadOf({ name: 'weather', description: 'new' }) }))
        return s.leg(next(state))
      },
      /definition/,
    ],
    [
      'of a name that leads elsewhere now',
      (s, state) => {
        s.route(anItem({ upstream: 'other' }))
        return s.leg(next(state))
      },
      /another server/,
    ],
  ]

  it.each(cases)('%s', async (_case, attempt, reason) => {
    const made = setting()
    const state = await made.open({ kind: 'relayed', inner: 'x' })
    const outcome = await attempt(made, state)
    expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'invalid_continuation' } })
    if (outcome.kind === 'fault') expect(outcome.fault.message).toMatch(reason)
    expect(made.seen.sent).toHaveLength(1)
  })

  it('used twice for a parked call', async () => {
    const { seen, leg, open, clock } = setting()
    const state = await open(parked(clock.now() + 1_000))
    const both = await Promise.all([leg(next(state)), leg(next(state))])
    expect(both.map((outcome) => outcome.kind)).toEqual(['complete', 'fault'])
    expect(seen.resumed).toHaveLength(1)
  })

  it('after the parked call was given up', async () => {
    const { seen, leg, open, clock } = setting()
    const state = await open(parked(clock.now() + 1_000))
    await clock.advance(1_000)
    expect(await leg(next(state))).toMatchObject({ kind: 'fault' })
    expect(seen.resumed).toEqual([])
  })
})
