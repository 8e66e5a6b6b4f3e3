import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, aReport, countedRandom, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRun } from '../../../test/doubles/run.ts'
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { type Gate, through } from '../../core/call/gates.ts'
import type { ItemKind } from '../../core/call/item.ts'
import type { RatesOf } from '../../core/call/item-rates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { type ToolSettings, unconfigured } from '../../core/call/tool-settings.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import { createMemoryLimitStore } from '../../platform/limits/memory.ts'
import { createLimits, type LimitsParts } from './gate.ts'
import { budgetSettings, loopOf } from './settings.ts'

const per10s = (most: number) => ({ most, periodMs: 10_000 })

function setting(change: Partial<LimitsParts> = {}, tool: Partial<ToolSettings> = {}, clock = new ManualClock()) {
  const { report, counted } = aReport()
  const keys = new Set<string>()
  const memory = createMemoryLimitStore(clock, report)
  const store: LimitStore = {
    waitMs: (limit, amount, now) => memory.waitMs(limit, amount, now),
    add: (limit, amount, now) => {
      keys.add(limit.key)
      memory.add(limit, amount, now)
    },
    used: (limit, now) => memory.used(limit, now),
    resetsInMs: (limit, now) => memory.resetsInMs(limit, now),
    clear: (limit) => memory.clear(limit),
  }
  const limits = createLimits({
    store,
    clock,
    random: countedRandom(),
    report,
    rateOf: () => undefined,
    loop: 'off',
    currency: 'USD',
    budgets: budgetSettings.parse({}),
    ...change,
  })
  let sent = 0
  const run = through([limits.gate as unknown as Gate])
  const settings = { ...unconfigured, ...tool }
  interface Asked {
    readonly sub?: string
    readonly run?: string
    readonly team?: string
    readonly tool?: string
    readonly upstream?: string
    readonly args?: unknown
    readonly kind?: ItemKind
    readonly call?: Partial<TargetedCall>
    readonly outcome?: Outcome
    readonly settings?: ToolSettings
  }
  let n = 0
  /** The kind of the fault that came of it; undefined where it was sent. */
  async function call(asked: Asked = {}): Promise<Extract<Outcome, { kind: 'fault' }>['fault'] | undefined> {
    const { sub = 'alice', run: id = 'r1', team, tool: name = 'book', upstream = 'up', kind = 'tool' } = asked
    const { exchange } = anExchange(clock)
    const made: RoutedCall = {
      ...aCall({
        target: name,
        params: payloadOf({ name, arguments: asked.args ?? { n: n++ } }),
        caller: { ...aCall().caller, principal: aPrincipal({ sub }) },
        run: aRun({ id, team }),
      }),
      upstream,
      item: anItem({ kind, upstream, name, visible: name, settings: asked.settings ?? settings }),
      ...asked.call,
    }
    const outcome = await run(made, exchange, async () => {
      sent += 1
      return asked.outcome ?? done()
    })
    exchange.close('delivered')
    return outcome.kind === 'fault' ? outcome.fault : undefined
  }
  const times = async (count: number, asked: Asked = {}): Promise<number> => {
    const before = sent
    for (let i = 0; i < count; i += 1) await call(asked)
    return sent - before
  }
  return { clock, limits, counted, keys, call, times, memory, sent: () => sent }
}

describe('a limit holds for whom it is meant, and for nobody else', () => {
  it('rate: one tool, all callers together', async () => {
    const { times } = setting({}, { rate: per10s(5) })
    expect(await times(3, { sub: 'alice' })).toBe(3)
    expect(await times(10, { sub: 'bob', run: 'r2' })).toBe(2)
    expect(await times(5, { tool: 'cancel' })).toBe(5)
    expect(await times(5, { upstream: 'other' })).toBe(5)
  })

  it('ratePerPrincipal: one caller, whatever its runs', async () => {
    const { times } = setting({}, { ratePerPrincipal: per10s(5) })
    expect(await times(3, { run: 'r1' })).toBe(3)
    expect(await times(10, { run: 'r2' })).toBe(2)
    expect(await times(10, { sub: 'bob' })).toBe(5)
    expect(await times(5, { tool: 'cancel' })).toBe(5)
  })

  it('ratePerRun: one run', async () => {
    const { times } = setting({}, { ratePerRun: per10s(5) })
    expect(await times(10, { run: 'r1' })).toBe(5)
    expect(await times(10, { run: 'r2' })).toBe(5)
    expect(await times(10, { run: 'r1', sub: 'bob' })).toBe(5)
  })

  it('rate of a server: whatever is asked of it', async () => {
    const { times } = setting({ rateOf: (id) => (id === 'up' ? per10s(6) : undefined) })
    expect(await times(2)).toBe(2)
    expect(await times(2, { kind: 'resource', tool: 'file:///a' })).toBe(2)
    expect(await times(1, { call: { family: 'complete', method: 'completion/complete' } })).toBe(1)
    expect(await times(5, { call: { family: 'task', method: 'tasks/get' } })).toBe(1)
    expect(await times(5, { kind: 'prompt' })).toBe(0)
    expect(await times(5, { call: { family: 'task', method: 'tasks/cancel' } })).toBe(5)
    expect(await times(10, { upstream: 'other' })).toBe(10)
  })

  it('prompts.NAME and resources.NAME: what counts together, whoever uses it, by one caller and in one run', async () => {
    const rates = { rate: per10s(9), ratePerPrincipal: per10s(6), ratePerRun: per10s(3) }
    const ratesOf: RatesOf = ({ kind, name }) => {
      if (kind === 'prompt') return { kind, key: name, name, rates }
      return { kind: 'resource', key: 'log://{day}', name: 'log://{day}', rates }
    }
    const { times, call, limits } = setting({ ratesOf })
    for (const kind of ['prompt', 'resource'] as const) {
      expect(await times(5, { kind, run: 'r1' })).toBe(3)
      expect(await times(5, { kind, run: 'r2' })).toBe(3)
      expect(await times(5, { kind, run: 'r3' })).toBe(0)
      expect(await call({ kind, run: 'r3' })).toMatchObject({ kind: 'rate_limited', detail: { scope: 'principal' } })
      expect(await times(5, { kind, sub: 'bob' })).toBe(3)
      expect(await call({ kind, sub: 'carol' })).toMatchObject({ kind: 'rate_limited', detail: { scope: kind, limit: 9 } })
      expect(await times(5, { kind, upstream: 'other', sub: 'carol' })).toBe(3)
    }
    expect(await times(5, { kind: 'prompt', tool: 'cancel', sub: 'dan' })).toBe(3)
    expect(await times(5, { kind: 'resource', tool: 'log://monday', sub: 'dan' })).toBe(0)
    expect(await times(20)).toBe(20)
    expect(limits.show().filter(({ upstream, scope }) => upstream === 'up' && scope === 'prompt')).toMatchObject([
      { prompt: 'book', used: 9, limit: 9 },
      { prompt: 'cancel', used: 3, limit: 9 },
    ])
    expect(limits.show().find(({ scope }) => scope === 'resource')).toMatchObject({ resource: 'log://{day}', used: 9 })
  })

  it('budgets.run.calls: one run, in all and for good', async () => {
    const { times, clock, call } = setting({ budgets: budgetSettings.parse({ run: { calls: 5 } }) })
    expect(await times(4)).toBe(4)
    expect(await times(4, { kind: 'prompt' })).toBe(1)
    await clock.advance(86_400_000)
    expect(await call()).toMatchObject({
      kind: 'budget_exhausted',
      retryable: false,
      retryAfterMs: undefined,
      detail: { scope: 'run', limit: 5, used: 5 },
      message: expect.stringContaining('The budget of this run is used up: 5 of 5 calls. It was not executed.'),
    })
    expect(await times(5, { run: 'r2' })).toBe(5)
    expect(await times(5, { sub: 'bob' })).toBe(5)
  })

  it('budgets.principal.calls: one caller, whatever runs it claims', async () => {
    const { times, call, clock } = setting({ budgets: budgetSettings.parse({ principal: { calls: '5/1h' } }) })
    for (const run of ['a', 'b', 'c', 'd', 'e']) expect(await times(1, { run })).toBe(1)
    expect(await call({ run: 'f' })).toMatchObject({
      kind: 'budget_exhausted',
      retryable: true,
      retryAfterMs: 3_600_000,
      detail: { scope: 'principal', limit: 5, used: 5, window_ms: 3_600_000, resets_at: new Date(clock.now() + 3_600_000).toISOString() },
    })
    expect(await times(5, { sub: 'bob' })).toBe(5)
    await clock.advance(3_600_000)
    expect(await times(9)).toBe(5)
  })

  it('budgets.team.calls: the runs of one team', async () => {
    const { times, call } = setting({ budgets: budgetSettings.parse({ team: { calls: '5/1h' } }) })
    expect(await times(3, { sub: 'alice', team: 'red' })).toBe(3)
    expect(await times(5, { sub: 'bob', team: 'red' })).toBe(2)
    expect((await call({ team: 'red', sub: 'carol' }))?.message).toContain('The budget of the team red is used up')
    expect(await times(9, { sub: 'bob', team: 'blue' })).toBe(5)
    expect(await times(9, { sub: 'bob' })).toBe(9)
  })

  it('loops: the same tool and arguments in one run', async () => {
    const { times, call } = setting({ loop: { most: 5, periodMs: 10_000 } })
    const args = { q: 'x' }
    expect(await times(10, { args })).toBe(5)
    expect(await call({ args })).toMatchObject({
      kind: 'loop_detected',
      detail: { scope: 'run', limit: 5, used: 5, window_ms: 10_000, cycle_length: 1 },
      message: expect.stringMatching(/^book was called 5 times in 10 s with the same arguments\. It was not executed\./),
    })
    expect(await times(5, { args: { q: 'y' } })).toBe(5)
    expect(await times(5, { args, tool: 'cancel' })).toBe(5)
    expect(await times(5, { args, run: 'r2' })).toBe(5)
    expect(await times(5, { args, sub: 'bob' })).toBe(5)
  })

  it.each([2, 3, 4])('loops: a cycle of %i calls, which the fault names', async (length) => {
    const { call, sent } = setting({ loop: { most: 5, periodMs: 10_000 } })
    let found: Awaited<ReturnType<typeof call>>
    for (let i = 0; i < 100 && found === undefined; i += 1) found = await call({ args: { step: i % length } })
    expect(found).toMatchObject({ kind: 'loop_detected', detail: { cycle_length: length } })
    expect(found?.message).toContain(`in a cycle of ${length} calls`)
    expect(sent()).toBe(5 * length)
  })
})

describe('two layers', () => {
  const both = { budgets: budgetSettings.parse({ run: { calls: 20 } }) }
  const tool = { rate: per10s(10) }

  it('only the rate of the tool fires for many runs that each do little', async () => {
    const { counted, call } = setting(both, tool)
    const kinds = new Set<string | undefined>()
    for (let i = 0; i < 15; i += 1) kinds.add((await call({ run: `r${i}` }))?.kind)
    expect([...kinds]).toEqual([undefined, 'rate_limited'])
    expect(counted.limit).toBe(5)
  })

  it('only the budget of the run fires for one that goes on slowly', async () => {
    const { clock, call } = setting(both, tool)
    const kinds: (string | undefined)[] = []
    for (let i = 0; i < 25; i += 1) {
      kinds.push((await call())?.kind)
      await clock.advance(2_000)
    }
    expect(kinds.filter((kind) => kind === undefined)).toHaveLength(20)
    expect(new Set(kinds.slice(20))).toEqual(new Set(['budget_exhausted']))
  })

  it('both together: what refuses longest is told, and a refusal by one costs nothing of the other', async () => {
    const { clock, call, times, limits } = setting(both, tool)
    expect(await times(100)).toBe(10)
    expect(limits.show().find(({ scope }) => scope === 'run')).toMatchObject({ used: 10 })
    await clock.advance(10_000)
    expect(await times(100)).toBe(10)
    expect(await call()).toMatchObject({ kind: 'budget_exhausted' })
  })

  it('neither, for an agent that is busy as agents are: 10,000 calls at the defaults', async () => {
    const { clock, call } = setting({ loop: loopOf({}, 'production') })
    const refused: unknown[] = []
    for (let i = 0; i < 10_000; i += 1) {
      // Bursts of distinct reads, the same list again after each step, and a job that is looked at every second.
      const asked =
        i % 10 < 6
          ? { tool: 'read', args: { path: `src/${i % 977}.ts` } }
          : i % 10 < 8
            ? { tool: 'job', args: { id: 7 } }
            : i % 10 === 8
              ? { tool: 'list', args: {} }
              : { tool: 'search', args: { query: `words ${i % 31}` } }
      const fault = await call(asked)
      if (fault !== undefined) refused.push([i, fault.message])
      await clock.advance(i % 10 === 7 ? 1_000 : i % 3 === 0 ? 0 : 60)
    }
    expect(refused).toEqual([])
  })
})

it('loops are found in the production profile unless it says off, in the dev profile only where it says what one is', () => {
  const said = { most: 5, periodMs: 1_000 }
  expect([loopOf({}, 'production'), loopOf({ identical: 'off' }, 'production'), loopOf({ identical: said }, 'production')]).toEqual([
    { most: 50, periodMs: 10_000 },
    'off',
    said,
  ])
  expect([loopOf({}, 'dev'), loopOf({ identical: said }, 'dev')]).toEqual(['off', said])
})

describe('what a call takes', () => {
  const counts = () => setting({ budgets: budgetSettings.parse({ run: { calls: 3 } }) }, { rate: per10s(3) })
  const unsent = (kind: Parameters<typeof fault>[0]) => failed(fault(kind, {}, { sideEffect: 'none' }))

  it.each(['circuit_open', 'overloaded', 'draining', 'cancelled'] as const)('is given back where it never went out: %s', async (kind) => {
    const { times } = counts()
    expect(await times(20, { outcome: unsent(kind) })).toBe(20)
    expect(await times(20)).toBe(3)
  })

  it('is given back where no connection could be had, and kept where the server was reached', async () => {
    const { times } = counts()
    const never = failed(fault('upstream_unavailable', {}, { evidence: evidence.connection_refused }))
    expect(await times(20, { outcome: never })).toBe(20)
    const reached = failed(fault('upstream_http_error', {}, { evidence: evidence.connection_lost }))
    expect(await times(20, { outcome: reached })).toBe(3)
  })

  it('is taken once for a call and its further legs, and once more for a leg that is sent again', async () => {
    const { times } = counts()
    const leg = (inner: string): Partial<TargetedCall> => ({ continuation: { kind: 'relayed', inner } })
    const args = { day: 1 }
    expect(await times(2, { args })).toBe(2)
    for (const inner of ['a', 'b', 'c', 'd']) expect(await times(1, { args, call: leg(inner) })).toBe(1)
    expect(await times(20, { args, call: leg('a') })).toBe(1)
  })

  it('is nothing where it is refused: a thousand more tries change nothing for anybody, and nothing grows', async () => {
    const { times, call, limits, keys, clock } = setting(
      { budgets: budgetSettings.parse({ run: { calls: 100 }, principal: { calls: '100/1h' } }), rateOf: () => per10s(50) },
      { rate: per10s(20), ratePerPrincipal: per10s(10), ratePerRun: per10s(5) },
    )
    expect(await times(6)).toBe(5)
    const before = limits.show()
    const size = keys.size
    expect(await times(1_000)).toBe(0)
    expect(limits.show()).toEqual(before)
    expect(keys.size).toBe(size)
    expect(await times(2, { sub: 'bob' })).toBe(2)
    expect(await times(2, { tool: 'cancel' })).toBe(2)
    // Runs that it makes up take it to what it has as a caller, and no further, and leave nothing once that is used up.
    for (let i = 0; i < 5; i += 1) await call({ run: `made up ${i}` })
    const full = keys.size
    for (let i = 0; i < 1_000; i += 1) expect((await call({ run: `more ${i}` }))?.kind).toBe('rate_limited')
    expect(keys.size).toBe(full)
    await clock.advance(10_000)
    expect(await times(6)).toBe(5)
  })

  it('is asked of the store first where it has to be, all or none', async () => {
    const clock = new ManualClock()
    const memory = createMemoryLimitStore(clock, aReport().report)
    const known = new Set<string>()
    let asked = 0
    const store: LimitStore = {
      ...memory,
      waitMs: (limit, amount, now) => {
        if (known.has(limit.key)) return memory.waitMs(limit, amount, now)
        asked += 1
        return Promise.resolve().then(() => void known.add(limit.key))
      },
      add: (limit, amount, now) => memory.add(limit, amount, now),
      used: (limit, now) => memory.used(limit, now),
      resetsInMs: (limit, now) => memory.resetsInMs(limit, now),
      clear: (limit) => memory.clear(limit),
    }
    const { times, sent } = setting({ store, budgets: budgetSettings.parse({ run: { calls: 5 } }) }, { rate: per10s(3) }, clock)
    await Promise.all(Array.from({ length: 10 }, () => times(1)))
    expect(sent()).toBe(3)
    expect(asked).toBeGreaterThan(0)
  })
})

describe('what operators see', () => {
  it('is what is used, by an id that clears it', async () => {
    const { limits, times, clock } = setting({ budgets: budgetSettings.parse({ run: { calls: 2 } }) }, { rate: per10s(50) })
    expect(limits.show()).toEqual([])
    expect(await times(5)).toBe(2)
    await clock.advance(1_000)
    const [budget, rate] = limits.show()
    const resetsAtMs = clock.now() + 9_000
    expect(rate).toMatchObject({ kind: 'rate', scope: 'tool', tool: 'book', used: 2, limit: 50, windowMs: 10_000, resetsAtMs })
    expect(budget).toMatchObject({ kind: 'budget', scope: 'run', unit: 'calls', run: 'r1', subject: 'alice', used: 2, limit: 2 })
    expect(budget).not.toHaveProperty('windowMs')
    expect(await limits.clear('nothing')).toEqual({ kind: 'unknown' })
    expect(await limits.clear(budget?.id ?? '')).toEqual({ kind: 'cleared' })
    expect(await times(5)).toBe(2)
  })

  it('a catalog that is read anew changes nothing of what is used', async () => {
    const { times } = setting({}, { rate: per10s(5) })
    const rate = per10s(5)
    for (let i = 0; i < 10; i += 1) await times(1, { settings: { ...unconfigured, rate } })
    expect(await times(5, { settings: { ...unconfigured, rate } })).toBe(0)
  })
})
