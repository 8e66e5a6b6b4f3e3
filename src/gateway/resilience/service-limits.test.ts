import { describe, expect, it } from 'vitest'
import { aCall, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { Held } from '../../core/call/gates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { mostLimits, ServiceLimits } from './service-limits.ts'

/** A status of HTTP that asks to wait; `named`: it says how long. */
const status = (code: 429 | 503, ms: number, named = true): Outcome =>
  failed(
    fault(
      'upstream_busy',
      { upstream: 'up', status: code, retryAfterMs: ms, ...(named ? { named } : {}) },
      { evidence: code === 429 ? evidence.too_many_requests : evidence.service_unavailable, retryAfterMs: ms },
    ),
  )
const words = (ms: number): Outcome =>
  failed(
    fault(
      'downstream_rate_limited',
      { upstream: 'up', rule: 'x', retryAfterMs: ms, named: true },
      { evidence: evidence.limit_text, retryAfterMs: ms },
    ),
  )
const no = (kind: Kind, found: keyof typeof evidence): Outcome => failed(fault(kind, { upstream: 'up' }, { evidence: evidence[found] }))

function rig(perPrincipal = false) {
  const clock = new ManualClock()
  const told: unknown[] = []
  const limits = new ServiceLimits(clock, perPrincipal, (...what) => told.push(what))
  const callOf = (name: string, { sub = 'a', headers }: { sub?: string; headers?: Record<string, string> } = {}): RoutedCall => {
    const { caller, ...rest } = aCall()
    return {
      ...rest,
      caller: { ...caller, headers, principal: { ...caller.principal, sub } },
      upstream: 'up',
      item: anItem({ name }),
    }
  }
  const enter = (call: RoutedCall, attempt = 1) => limits.enter(call, attempt)
  const leave = (call: RoutedCall, entered: Held | undefined, outcome: Outcome | undefined): void => {
    if (outcome?.kind === 'fault') limits.heard(outcome.fault, call)
    entered?.leave(outcome, call)
  }
  /** The fault of a call that was not let go; undefined where it was. */
  const send = (call: RoutedCall, outcome: Outcome, attempt = 1) => {
    const entered = enter(call, attempt)
    if (entered !== undefined && 'kind' in entered) return entered.kind === 'fault' ? entered.fault : undefined
    leave(call, entered, outcome)
    return undefined
  }
  return { clock, limits, told, callOf, enter, leave, send }
}

describe('a server that says by a status when to come back', () => {
  it.each([429, 503] as const)('is not asked before (%s): the tool is held back, with what is left of the time', async (code) => {
    const { clock, callOf, send, told } = rig()
    expect(send(callOf('one'), status(code, 30_000))).toBeUndefined()
    await clock.advance(10_000)
    expect(send(callOf('one', { sub: 'other' }), done())).toMatchObject({
      kind: 'downstream_rate_limited',
      retryable: true,
      retryAfterMs: 20_000,
      sideEffect: 'none',
      detail: { upstream: 'up', scope: 'tool', tool: 'one', status: code, held: true },
    })
    expect(send(callOf('two'), done())).toBeUndefined()
    await clock.advance(20_000)
    expect(send(callOf('one'), done())).toBeUndefined()
    expect(told).toEqual([['one', 30_000, code]])
  })

  it('is left alone whole once a second of its tools meets it', async () => {
    const { clock, callOf, send } = rig()
    send(callOf('one'), status(429, 30_000))
    send(callOf('two'), status(429, 10_000))
    expect(send(callOf('three'), done())).toMatchObject({ retryAfterMs: 10_000, detail: { scope: 'upstream', status: 429 } })
    await clock.advance(10_000)
    expect(send(callOf('three'), done())).toBeUndefined()
    expect(send(callOf('two'), done())).toBeUndefined()
    expect(send(callOf('one'), done())).toMatchObject({ retryAfterMs: 20_000, detail: { scope: 'tool' } })
  })

  it('is not left alone whole for words of two tools, or for one that met it before', async () => {
    const { clock, callOf, send } = rig()
    send(callOf('one'), words(30_000))
    send(callOf('two'), words(30_000))
    expect(send(callOf('three'), done())).toBeUndefined()
    send(callOf('four'), status(429, 1_000))
    await clock.advance(1_000)
    send(callOf('five'), status(429, 1_000))
    expect(send(callOf('three'), done())).toBeUndefined()
  })

  it('holds back nothing where it names no time', () => {
    const { callOf, send } = rig()
    for (const code of [429, 503] as const) send(callOf('one'), status(code, 1_000, false))
    send(callOf('one'), status(503, 0))
    expect(send(callOf('one'), done())).toBeUndefined()
  })

  it('is believed for an hour at most', async () => {
    const { clock, callOf, send } = rig()
    send(callOf('one'), status(429, 365 * 86_400_000))
    expect(send(callOf('one'), done())).toMatchObject({ retryAfterMs: 3_600_000 })
    await clock.advance(3_600_000)
    expect(send(callOf('one'), done())).toBeUndefined()
  })

  it('holds back nobody with another credential', () => {
    const { callOf, send } = rig(true)
    for (const tool of ['one', 'two']) send(callOf(tool, { sub: 'a' }), status(429, 30_000))
    expect(send(callOf('three', { sub: 'a' }), done())).toMatchObject({ detail: { scope: 'upstream' } })
    expect(send(callOf('one', { sub: 'b' }), done())).toBeUndefined()
    expect(send(callOf('one', { sub: 'a', headers: { 'x-key': 'other' } }), done())).toBeUndefined()
  })

  it('is asked at once where an operator lets its calls go', () => {
    const { callOf, send, limits } = rig()
    send(callOf('one'), status(503, 30_000))
    limits.clear()
    expect(send(callOf('one'), done())).toBeUndefined()
  })

  it('keeps no more than so many', () => {
    const { callOf, send } = rig(true)
    for (let n = 0; n < mostLimits * 2; n += 1) send(callOf('one', { sub: `s${n}` }), status(429, 30_000))
    expect(send(callOf('one', { sub: 's0' }), done())).toBeUndefined()
    expect(send(callOf('one', { sub: `s${mostLimits * 2 - 1}` }), done())).toBeDefined()
  })
})

describe('when the time is over', () => {
  async function over(...tools: string[]) {
    const made = rig()
    for (const tool of tools) made.send(made.callOf(tool), status(429, 10_000))
    await made.clock.advance(10_000)
    const first = made.callOf('one')
    const entered = made.enter(first) as Held
    expect(entered).toHaveProperty('leave')
    return { ...made, first, entered }
  }

  it('one call goes first, and the others when it was let in', async () => {
    const { callOf, send, leave, first, entered, enter } = await over('one')
    for (let n = 0; n < 3; n += 1) expect(send(callOf('one'), done())).toMatchObject({ retryAfterMs: 1_000, detail: { held: true } })
    leave(first, entered, done())
    for (let n = 0; n < 3; n += 1) expect(enter(callOf('one'))).toBeUndefined()
  })

  it('nobody else goes where that one is told to wait again', async () => {
    const { callOf, send, leave, first, entered } = await over('one')
    leave(first, entered, status(429, 20_000))
    expect(send(callOf('one'), done())).toMatchObject({ retryAfterMs: 20_000 })
  })

  it.each([
    ['it was never sent', no('upstream_unavailable', 'connection_refused')],
    ['a gate of ours refused it', failed(fault('overloaded'))],
    ['a bug of ours ended it', undefined],
  ])('the next goes first where %s', async (_why, outcome) => {
    const { callOf, send, leave, first, entered } = await over('one')
    leave(first, entered, outcome)
    expect(send(callOf('one'), done())).toBeUndefined()
  })

  it('one of all tools goes first where the server was left alone whole', async () => {
    const { callOf, send, leave, first, entered } = await over('one', 'two')
    for (const tool of ['one', 'two', 'three']) expect(send(callOf(tool), done())).toMatchObject({ detail: { scope: 'upstream' } })
    leave(first, entered, done())
    for (const tool of ['one', 'two', 'three']) expect(send(callOf(tool), done())).toBeUndefined()
  })

  it('others wait for it five seconds at most: who is limited is told so fast', async () => {
    const { clock, callOf, send } = await over('one')
    await clock.advance(5_000)
    expect(send(callOf('one'), done())).toBeUndefined()
  })

  it('one that is sent again, and has waited for it, goes', async () => {
    const { callOf, send } = await over('one')
    expect(send(callOf('one'), done(), 2)).toBeUndefined()
  })
})
