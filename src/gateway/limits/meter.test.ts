import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, countedRandom, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aRun } from '../../../test/doubles/run.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import { type Gate, through } from '../../core/call/gates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { TokenCounter } from '../../core/ports/token-counter.ts'
import { createMemoryLimitStore } from '../../platform/limits/memory.ts'
import { createLimits } from './gate.ts'
import { Meter } from './meter.ts'
import { budgetSettings, priceSettings } from './settings.ts'

/** A token is ten bytes here, and nothing is learned. */
const tenBytes: TokenCounter = {
  exact: true,
  estimate: (text) => Math.ceil(text.length / 10),
  count: (_text, told) => told(undefined),
  close: () => undefined,
}

function setting(budgets: unknown, cost?: { call: number; token: number | undefined }, prices: unknown = {}) {
  const clock = new ManualClock()
  const { report } = aReport()
  const store = createMemoryLimitStore(clock, report)
  const meter = new Meter({
    prices: priceSettings.parse(prices),
    random: countedRandom(),
    counter: tenBytes,
  })
  const limits = createLimits({
    store,
    clock,
    random: countedRandom(),
    report,
    meter,
    currency: 'EUR',
    rateOf: () => undefined,
    loop: 'off',
    budgets: budgetSettings.parse(budgets),
  })
  const gate = through([limits.gate as unknown as Gate])
  const made = (text: string, change: Partial<RoutedCall> = {}): RoutedCall => ({
    ...aCall({ params: payloadOf({ name: 'weather', arguments: { text } }), run: aRun() }),
    upstream: 'up',
    item: anItem({ settings: { ...unconfigured, cost } }),
    ...change,
  })
  const call = (outcome: () => Outcome | Promise<Outcome>, text = '', change: Partial<RoutedCall> = {}): Promise<Outcome> => {
    const asked = made(text, change)
    return gate(asked, anExchange(clock).exchange, async () => outcome())
  }
  const used = (unit: string, scope?: string): number =>
    limits.show().find((one) => one.unit === unit && (scope === undefined || one.scope === scope))?.used ?? 0
  return { limits, call, used, clock, made }
}

/** Of so many tokens. */
const answer = (tokens: number): Outcome => done({ text: 'x'.repeat(Math.max(0, tokens * 10 - 11)) })
const sent = Math.ceil(JSON.stringify({ name: 'weather', arguments: { text: '' } }).length / 10)
const warningOf = (outcome: Outcome) =>
  outcome.kind === 'complete' ? (outcome.result.json() as { _meta?: Record<string, unknown> })._meta?.['signalbox.dev/budget'] : undefined

describe('tokens', () => {
  it('are reserved by what the tool gave before, and settled by what came', async () => {
    const { call, used, limits } = setting({ run: { tokens: 10_000 } })
    let seen = 0
    await call(() => {
      seen = used('tokens')
      return answer(1_000)
    })
    expect(seen).toBe(sent + 256)
    expect(used('tokens')).toBe(sent + 1_000)
    await call(() => {
      seen = used('tokens')
      return answer(200)
    })
    expect(seen).toBe(2 * sent + 2_000)
    expect(used('tokens')).toBe(2 * sent + 1_200)
    expect(limits.show()[0]).toMatchObject({ scope: 'run', unit: 'tokens', limit: 10_000 })
  })

  it('that are more than what is left refuse the call, with what it would take', async () => {
    const { call } = setting({ run: { tokens: 2_500 } })
    await call(() => answer(2_000))
    expect(await call(() => answer(1))).toMatchObject({
      fault: {
        kind: 'budget_exhausted',
        retryable: false,
        detail: { scope: 'run', unit: 'tokens', limit: 2_500, used: sent + 2_000, needed: sent + 2_000 },
        message: expect.stringContaining(`${sent + 2_000} of 2500 tokens, and this call is expected to take ${sent + 2_000} more`),
      },
    })
  })

  it('of many calls at once are held back before any has come', async () => {
    const { call } = setting({ run: { tokens: 1_000 } })
    const open: ((outcome: Outcome) => void)[] = []
    const outcomes = Array.from({ length: 10 }, () => call(() => new Promise<Outcome>((resolve) => void open.push(resolve))))
    await Promise.resolve()
    expect(open).toHaveLength(3)
    for (const give of open) give(answer(10))
    expect((await Promise.all(outcomes)).filter(({ kind }) => kind === 'fault')).toHaveLength(7)
  })

  it('are given back where the call never went out, and count for further legs', async () => {
    const { call, used } = setting({ run: { tokens: 10_000 } })
    await call(() => failed(fault('circuit_open')))
    expect(used('tokens')).toBe(0)
    await call(() => answer(100), '', { continuation: { kind: 'relayed', inner: 'a' } })
    expect(used('tokens')).toBe(100)
  })

  it('of further legs are those of the answers and of the result, also where a leg passes no gate', async () => {
    const { call, used, limits, made, clock } = setting({ run: { tokens: 10_000 } })
    const inputResponses = { age: 'x'.repeat(500) }
    const answers = Math.ceil(JSON.stringify(inputResponses).length / 10)
    const params = payloadOf({ name: 'weather', arguments: { text: '' }, inputResponses })
    await call(() => answer(100), '', { params, continuation: { kind: 'relayed', inner: 'a' } })
    expect(used('tokens')).toBe(answers + 100)
    const parked = made('', { params, continuation: { kind: 'parked', park: 'p', owner: 'o', upstream: 'up', answers: undefined } })
    await limits.resumed(async () => answer(200))(parked, anExchange(clock).exchange)
    expect(used('tokens')).toBe(2 * answers + 300)
    const gone = failed(fault('cancelled', {}, { sideEffect: 'none' }))
    await limits.resumed(async () => gone)(parked, anExchange(clock).exchange)
    expect(used('tokens')).toBe(2 * answers + 300)
  })

  it('of the result of a task count once it is there, and for nobody who says to be another run', async () => {
    const { call, used } = setting({ run: { tokens: 10_000 }, principal: { tokens: '10000/1h' } })
    await call(() => answer(10))
    const before = used('tokens')
    const look = (value: unknown, run = aRun()) =>
      call(() => done(value), '', { family: 'task', method: 'tasks/get', params: payloadOf({ taskId: 't' }), run })
    await look({ taskId: 't', status: 'working' })
    expect(used('tokens')).toBe(before)
    await look({ taskId: 't', status: 'completed', result: { text: 'x'.repeat(1_000 - 11) } })
    expect(used('tokens')).toBe(before + 100)
    await look({ taskId: 't', status: 'completed', result: { text: 'x'.repeat(1_000 - 11) } }, aRun({ id: 'made up' }))
    expect([used('tokens'), used('tokens', 'run')]).toEqual([before + 200, before + 100])
  })
})

describe('cost', () => {
  it('is that of the call and of its tokens, the tool’s own price before the general one', async () => {
    const { call, used } = setting({ principal: { cost: '10/1d' } }, { call: 2, token: undefined }, { perToken: 0.01 })
    await call(() => answer(100))
    expect(used('cost')).toBeCloseTo(2 + (sent + 100) * 0.01, 9)
    const own = setting({ principal: { cost: '10/1d' } }, { call: 0, token: 0.001 }, { perToken: 0.01 })
    await own.call(() => answer(100))
    expect(own.used('cost')).toBeCloseTo((sent + 100) * 0.001, 9)
  })

  it('refuses in its currency', async () => {
    const { call } = setting({ team: { cost: '5/1d' }, run: { cost: 2 } }, { call: 1.5, token: 0 })
    expect((await call(() => answer(2))).kind).toBe('complete')
    expect(await call(() => answer(2))).toMatchObject({
      fault: {
        kind: 'budget_exhausted',
        detail: { scope: 'run', unit: 'cost', used: 1.5 },
        message: expect.stringContaining('1.5 of 2 EUR'),
      },
    })
  })
})

describe('whose', () => {
  it.each([
    ['principal', { principal: { tokens: '1000/1h' } }, 3],
    ['team', { team: { tokens: '1000/1h' } }, 3],
    ['principal', { principal: { cost: '3/1h' } }, 3],
    ['team', { team: { cost: '3/1h' } }, 3],
  ])('the budget of a %s, %j, is for all its runs', async (scope, budgets, calls) => {
    const { call, clock } = setting(budgets, { call: 1, token: 0 })
    const asked = (run: string, team = 'red') => call(() => answer(300), '', { run: aRun({ id: run, team }) })
    const kinds: string[] = []
    for (let i = 0; i < 6; i += 1) kinds.push((await asked(`run ${i}`)).kind)
    expect(kinds.filter((kind) => kind === 'complete')).toHaveLength(calls)
    expect(await asked('another')).toMatchObject({ fault: { kind: 'budget_exhausted', retryable: true, detail: { scope } } })
    expect((await asked('another', 'blue')).kind).toBe(scope === 'team' ? 'complete' : 'fault')
    await clock.advance(2 * 3_600_000)
    expect((await asked('another')).kind).toBe('complete')
  })
})

describe('a result', () => {
  it('tells of what others used while it was on its way', async () => {
    const { call } = setting({ run: { calls: 5 } })
    const open: ((outcome: Outcome) => void)[] = []
    const outcomes = Array.from({ length: 4 }, () => call(() => new Promise<Outcome>((resolve) => void open.push(resolve))))
    await Promise.resolve()
    for (const give of open) give(done({}))
    for (const outcome of await Promise.all(outcomes)) expect(warningOf(outcome)).toMatchObject([{ used: 4, left: 1 }])
  })

  it('tells from 80 % of a budget on what is left, and nothing before', async () => {
    const { call, clock } = setting({ run: { calls: 10 }, principal: { calls: '100/1h' } })
    const warnings: unknown[] = []
    for (let i = 0; i < 10; i += 1) warnings.push(warningOf(await call(() => done({ content: [], _meta: { own: 1 } }))))
    expect(warnings.slice(0, 7).every((one) => one === undefined)).toBe(true)
    expect(warnings[7]).toEqual([{ scope: 'run', unit: 'calls', limit: 10, used: 8, left: 2 }])
    expect(warnings[9]).toMatchObject([{ used: 10, left: 0 }])
    const last = await setting({ principal: { calls: '1/1h' } }).call(() => done({ _meta: { own: 1 } }))
    expect(warningOf(last)).toMatchObject([
      { scope: 'principal', window_ms: 3_600_000, resets_at: new Date(clock.now() + 3_600_000).toISOString() },
    ])
    expect(last.kind === 'complete' && last.result.json()).toMatchObject({ _meta: { own: 1 } })
    expect(last.kind === 'complete' && last.facts.hasMeta).toBe(true)
  })
})
