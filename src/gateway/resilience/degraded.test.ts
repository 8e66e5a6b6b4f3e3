import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { type ToolSettings, unconfigured } from '../../core/call/tool-settings.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { degraded } from './degraded.ts'
import { mostBytes, mostBytesOfOne, StaleAnswers } from './stale-answers.ts'
import { mostWriters } from './writes.ts'

const reads = { readOnly: true, destructive: false, idempotent: false }

function setting() {
  const clock = new ManualClock()
  const { report, counted } = aReport()
  const { stage, resumed } = degraded(clock, report, (upstream) => (upstream === 'up' ? 60_000 : undefined))
  /** `meanwhile`: while its server is at it. */
  const call = (outcome: Outcome, routed: TargetedCall, meanwhile?: () => Promise<unknown>) =>
    stage.run(routed, anExchange(clock).exchange, async () => {
      await meanwhile?.()
      return outcome
    })
  const leg = (outcome: Outcome, routed: RoutedCall) => resumed(async () => outcome)(routed, anExchange(clock).exchange)
  return { clock, counted, call, leg }
}

function callOf(
  settings: Partial<ToolSettings>,
  change: { args?: unknown; sub?: string; tenant?: string; readOnly?: boolean } = {},
): RoutedCall {
  const { args = { q: 1 }, sub = 'alice', tenant = 'acme', readOnly = true } = change
  const { caller } = aCall()
  const principal = { ...caller.principal, sub, tenant }
  const item = anItem({
    traits: readOnly ? reads : { readOnly: false, destructive: true, idempotent: true },
    settings: { ...unconfigured, ...settings },
  })
  const params = payloadOf({ name: 'weather', arguments: args, _meta: { 'signalbox.dev/run': String(Math.PI) } })
  return { ...aCall({ params, caller: { ...caller, principal } }), upstream: 'up', item }
}

const no = (kind: Kind): Outcome => failed(fault(kind, { upstream: 'up' }))
const staleOf = (outcome: Outcome) =>
  outcome.kind === 'complete' ? (outcome.result.json() as { _meta?: Record<string, unknown> })._meta?.['signalbox.dev/stale'] : undefined

describe('who has changed what a server holds is told nothing that was so before', () => {
  const asked = (change = {}) => callOf({ staleFor: 60_000 }, change)
  const writing = (change = {}) => callOf({}, { readOnly: false, ...change })
  const task = (): TargetedCall => {
    const { item: _, ...call } = writing()
    return { ...call, method: 'tasks/get', family: 'task' }
  }
  const asks: Outcome = { kind: 'input_required', requests: payloadOf({}), continuation: { kind: 'relayed', inner: undefined } }
  const begun: Outcome = { kind: 'task', result: payloadOf({}), handle: 't' }

  async function afterReading() {
    const made = setting()
    await made.call(done({ content: [] }), asked())
    await made.clock.advance(1_000)
    return { ...made, isGiven: async () => (await made.call(no('upstream_unavailable'), asked())).kind === 'complete' }
  }

  it.each<[string, Outcome]>([
    ['that was done', done()],
    ['of which nobody knows whether it was done', failed(fault('outcome_unknown', { upstream: 'up' }, { sideEffect: 'unknown' }))],
    ['that asks something first', asks],
    ['that goes on as a task', begun],
  ])('by a call %s', async (_what, outcome) => {
    const { call, isGiven } = await afterReading()
    await call(outcome, writing())
    expect(await isGiven()).toBe(false)
  })

  it('by the leg of a call that waited for its user, and by a task', async () => {
    for (const change of ['leg', 'task'] as const) {
      const { call, leg, isGiven } = await afterReading()
      expect(await isGiven()).toBe(true)
      if (change === 'leg') await leg(done(), writing())
      else await call(done(), task())
      expect(await isGiven(), change).toBe(false)
    }
  })

  it('but not by a call that was surely not executed, by others, at other servers, or by reading', async () => {
    const { call, leg, isGiven } = await afterReading()
    await call(no('circuit_open'), writing())
    await call(done(), writing({ sub: 'bob' }))
    await call(done(), { ...writing(), upstream: 'other' })
    await call(done(), asked({ args: { q: 9 } }))
    await leg(done(), asked())
    expect(await isGiven()).toBe(true)
  })

  it('also where the answer was on its way meanwhile; what is asked for afterwards is given again', async () => {
    const { clock, call } = setting()
    await call(done({ content: [] }), asked(), async () => {
      await clock.advance(10)
      await call(done(), writing())
      await clock.advance(10)
    })
    expect(await call(no('upstream_unavailable'), asked())).toMatchObject({ kind: 'fault' })
    await clock.advance(10)
    await call(done({ content: [] }), asked())
    expect(await call(no('upstream_unavailable'), asked())).toMatchObject({ kind: 'complete' })
  })

  it('however many others write: what is forgotten of one counts for all', async () => {
    const { clock, call, isGiven } = await afterReading()
    await call(done(), writing())
    await clock.advance(1)
    for (let n = 0; n <= mostWriters; n += 1) await call(done(), writing({ sub: `user ${n}` }))
    expect(await isGiven()).toBe(false)
    await clock.advance(1)
    await call(done({ content: [] }), asked())
    expect(await isGiven()).toBe(true)
  })
})

describe('staleFor', () => {
  it('gives the last good answer where the server fails, with its age, until it is too old', async () => {
    const { clock, counted, call } = setting()
    const asked = () => callOf({ staleFor: 60_000 })
    await call(done({ content: [], n: 1 }), asked())
    await call(done({ content: [], n: 2 }), asked())
    await clock.advance(40_000)
    const stale = await call(no('upstream_unavailable'), asked())
    expect(stale).toMatchObject({ kind: 'complete', facts: { hasMeta: true } })
    expect(staleOf(stale)).toEqual({ age_ms: 40_000, source: 'up', fault: 'upstream_unavailable' })
    expect((stale as { result: { json(): unknown } }).result.json()).toMatchObject({
      n: 2,
      content: [{ type: 'text', text: expect.stringMatching(/^stale: this answer is from 40 s ago\..*\(upstream_unavailable\)/) }],
    })
    expect(stale).toMatchObject({ facts: { ownBlocks: 1 } })
    expect(counted.stale_answers).toBe(1)
    await clock.advance(20_001)
    expect(await call(no('upstream_unavailable'), asked())).toMatchObject({ kind: 'fault' })
    // It is gone for good.
    expect(await call(no('upstream_unavailable'), callOf({ staleFor: 900_000 }))).toMatchObject({ kind: 'fault' })
  })

  it.each([
    ['of another principal', callOf({ staleFor: 60_000 }, { sub: 'bob' })],
    ['of another tenant', callOf({ staleFor: 60_000 }, { tenant: 'other' })],
    ['with other arguments', callOf({ staleFor: 60_000 }, { args: { q: 2 } })],
    ['of a tool that writes', callOf({ staleFor: 60_000 }, { readOnly: false })],
    ['that configuration says it of no more', callOf({})],
  ])('not to a call %s', async (_what, other) => {
    const { call } = setting()
    await call(done({ content: [] }), callOf({ staleFor: 60_000 }))
    expect(await call(no('upstream_timeout'), other)).toMatchObject({ kind: 'fault' })
  })

  it('not of a tool that writes, of an error of the tool, of a leg of a question, or where nothing is configured', async () => {
    const { call } = setting()
    const error = done({ content: [], isError: true })
    await call(done(), callOf({ staleFor: 60_000 }, { readOnly: false }))
    await call(done(), callOf({}))
    await call({ ...error, facts: { ...(error as { facts: object }).facts, isError: true } } as Outcome, callOf({ staleFor: 60_000 }))
    await call(done(), { ...callOf({ staleFor: 60_000 }), continuation: { kind: 'relayed', inner: undefined } })
    expect(await call(no('circuit_open'), callOf({ staleFor: 60_000 }))).toMatchObject({ kind: 'fault' })
  })

  it.each<Kind>(['upstream_error', 'cancelled', 'draining', 'upstream_auth_failed', 'result_too_large'])(
    'not in place of %s, which is no failure of the server',
    async (kind) => {
      const { call } = setting()
      await call(done(), callOf({ staleFor: 60_000 }))
      expect(await call(no(kind), callOf({ staleFor: 60_000 }))).toMatchObject({ fault: { kind } })
    },
  )

  it('gives resources of a server that configuration says it of, each by its URI, and no prompts', async () => {
    const { call } = setting()
    const reading = (uri: string, kind: ItemKind = 'resource', upstream = 'up'): RoutedCall => ({
      ...aCall({ method: 'resources/read', target: uri, params: payloadOf({ uri }) }),
      upstream,
      item: anItem({ kind, name: kind === 'template' ? 'note:{id}' : uri, traits: reads }),
    })
    for (const kind of ['resource', 'template', 'prompt'] as const) await call(done({ contents: [] }), reading(`${kind}:1`, kind))
    await call(done({ contents: [] }), reading('resource:1', 'resource', 'other'))
    expect(staleOf(await call(no('circuit_open'), reading('resource:1')))).toMatchObject({ age_ms: 0 })
    expect(staleOf(await call(no('circuit_open'), reading('template:1', 'template')))).toMatchObject({ age_ms: 0 })
    expect(await call(no('circuit_open'), reading('template:2', 'template'))).toMatchObject({ kind: 'fault' })
    expect(await call(no('circuit_open'), reading('resource:2'))).toMatchObject({ kind: 'fault' })
    expect(await call(no('circuit_open'), reading('prompt:1', 'prompt'))).toMatchObject({ kind: 'fault' })
    expect(await call(no('circuit_open'), reading('resource:1', 'resource', 'other'))).toMatchObject({ kind: 'fault' })
  })

  it('counts its age from when it was asked for, and lets no client keep it any longer', async () => {
    const { clock, call } = setting()
    const reading = (): RoutedCall => ({
      ...aCall({ method: 'resources/read', target: 'a:1', params: payloadOf({ uri: 'a:1' }) }),
      upstream: 'up',
      item: anItem({ kind: 'resource', name: 'a:1', traits: reads }),
    })
    await call(done({ contents: [], ttlMs: 600_000, cacheScope: 'public' }), reading(), () => clock.advance(50_000))
    await clock.advance(9_000)
    const stale = await call(no('circuit_open'), reading())
    expect(staleOf(stale)).toMatchObject({ age_ms: 59_000 })
    expect((stale as { result: { json(): unknown } }).result.json()).toMatchObject({ ttlMs: 0, cacheScope: 'public' })
    await clock.advance(2_000)
    expect(await call(no('circuit_open'), reading())).toMatchObject({ kind: 'fault' })
  })

  it('keeps bounded bytes, the newest, and nothing that is large', () => {
    const answers = new StaleAnswers(new ManualClock())
    const large = done({ text: 'x'.repeat(mostBytesOfOne / 2) })
    const asked = (n: number) => callOf({ staleFor: 60_000 }, { args: { n } })
    for (let n = 0; n < 100; n += 1) answers.keep(asked(n), large as never, 0)
    expect(answers.keptBytes).toBeLessThanOrEqual(mostBytes)
    expect(answers.keptBytes).toBeGreaterThan(mostBytes / 2)
    const away = fault('circuit_open', {})
    expect(answers.inPlaceOf(away, asked(0), 60_000, -1)).toBeUndefined()
    expect(answers.inPlaceOf(away, asked(99), 60_000, -1)).toMatchObject({ kind: 'complete' })
    answers.keep(asked(200), done({ text: 'x'.repeat(mostBytesOfOne) }) as never, 0)
    expect(answers.inPlaceOf(away, asked(200), 60_000, -1)).toBeUndefined()
  })
})

describe('tellUser', () => {
  const settings = { tellUser: 'Billing is not answering; nothing was booked.' }
  it('is what the agent is told of a failure on the way or behind the server', async () => {
    const { call } = setting()
    for (const kind of ['upstream_unavailable', 'upstream_timeout', 'circuit_open', 'downstream_rate_limited'] as const)
      expect(await call(no(kind), callOf(settings, { readOnly: false }))).toMatchObject({ fault: { kind, tellUser: settings.tellUser } })
  })

  it('and not of any other, nor of another tool', async () => {
    const { call } = setting()
    for (const kind of ['invalid_arguments', 'upstream_auth_failed', 'cancelled'] as const)
      expect(await call(no(kind), callOf(settings))).not.toMatchObject({ fault: { tellUser: expect.anything() } })
    expect(await call(no('upstream_timeout'), callOf({}))).not.toMatchObject({ fault: { tellUser: expect.anything() } })
  })
})
