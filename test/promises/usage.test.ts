// What calls use is the same number wherever it stands: a hundred thousand calls of several tools, callers, teams and runs, with attempts that
// fail, kept answers, questions to users and tasks, and then the sums of records, metrics and budgets, each way, to the last digit.
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { assembleLimits } from '../../src/assembly/limits.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import type { RoutedCall, TargetedCall } from '../../src/core/call/call.ts'
import type { Item } from '../../src/core/call/item.ts'
import { billion, billionthsOf } from '../../src/core/call/money.ts'
import { failed, type Outcome } from '../../src/core/call/outcome.ts'
import { payloadOf } from '../../src/core/call/payload.ts'
import type { CallRecord } from '../../src/core/call/record.ts'
import { Table } from '../../src/core/call/stage.ts'
import { unconfigured } from '../../src/core/call/tool-settings.ts'
import { fault, type Kind } from '../../src/core/faults/catalogue.ts'
import { evidence } from '../../src/core/faults/evidence.ts'
import { record } from '../../src/gateway/record/stage.ts'
import { degraded } from '../../src/gateway/resilience/degraded.ts'
import { createResilience } from '../../src/gateway/resilience/stage.ts'
import { createMetrics } from '../../src/observe/index.ts'
import { aCall, anExchange, anItem, aReport, countedRandom, done } from '../doubles/gateway/samples.ts'
import { ManualClock } from '../doubles/manual-clock.ts'
import { aPrincipal } from '../doubles/principal.ts'
import { aRun } from '../doubles/run.ts'
import { eventually } from '../peers/processes.ts'
import { randomOf } from '../quality/random.ts'
import { promise } from './promise.ts'

const gauges = {
  upstreams: () => [],
  sessions: () => [],
  clients: () => [],
  tools: () => [],
  alerts: () => [],
  results: () => [],
  incidents: () => [],
  objectives: () => [],
  stages: () => [],
  auditWaiting: () => 0,
  spansQueued: () => 0,
}

type Script = (call: TargetedCall) => Outcome | undefined

function world(more: unknown = {}) {
  const clock = new ManualClock()
  const { report, counted } = aReport()
  const settings = settingsSchema.parse(more)
  const limits = assembleLimits({ settings, clock, random: countedRandom(0.5), report, durable: undefined, shared: undefined })
  const metrics = createMetrics(gauges)
  const rows: CallRecord[] = []
  const recorder = {
    record: (row: CallRecord) => {
      rows.push(row)
      metrics.observe(row)
    },
    bug: (_call: unknown, error: unknown) => {
      throw error
    },
  }
  const resilience = createResilience({
    clock,
    random: countedRandom(),
    report,
    limits: { queue: 1_000, breakerFailures: 1e9, breakerOpenMs: 1 },
    concurrencyOf: () => 1_000,
    perPrincipal: () => false,
  })
  const older = degraded(clock, report, () => undefined)
  /** By the id of the call: how often its server had it, and may have executed it. */
  const executed = new Map<string, number>()
  let script: Script = () => done()
  const send = async (call: TargetedCall): Promise<Outcome> => {
    const outcome = script(call) ?? done()
    const isRun = outcome.kind !== 'fault' || outcome.fault.evidence?.execution === 'unknown'
    if (isRun) executed.set(call.id, (executed.get(call.id) ?? 0) + 1)
    return outcome
  }
  const sent = ['invoke', 'task'] as const
  const chains = Table.begin<RoutedCall>()
    .pass(sent, record({ recorder, clock }), '')
    .gate(sent, limits.gate, '')
    .pass(sent, older.stage, '')
    .pass(sent, resilience.retry, '')
    .end(sent, 'connection', send, '')
    .end(['complete', 'list', 'discover', 'listen'], 'none', send, '')
    .chains()
  const parked = limits.resumed(send)
  async function call(made: TargetedCall, by: Script = () => undefined): Promise<Outcome> {
    script = by
    const { exchange } = anExchange(clock)
    exchange.note('route', { upstream: made.upstream, item: 'item' in made ? (made as RoutedCall).item.name : undefined })
    const outcome = await chains[made.family](made, exchange)
    exchange.close('delivered')
    return outcome
  }
  return { clock, counted, limits, metrics, rows, executed, call, parked }
}

const items = (settings: Partial<Item['settings']>[], readOnly = true): Item[] =>
  settings.map((one, n) =>
    anItem({
      name: `tool ${n}`,
      visible: `tool ${n}`,
      traits: { readOnly, destructive: !readOnly, idempotent: readOnly },
      settings: { ...unconfigured, ...one },
    }),
  )

let calls = 0
function made(item: Item, change: Partial<RoutedCall> = {}, text = 'x'): RoutedCall {
  calls += 1
  const params = payloadOf({ name: item.name, arguments: { text } })
  return { ...aCall({ id: `call ${calls}`, target: item.name, params, run: aRun() }), upstream: item.upstream, item, ...change }
}

const lost = (kind: Kind, found: (typeof evidence)[keyof typeof evidence]): Outcome =>
  failed(fault(kind, { upstream: 'up', item: 'tool' }, { evidence: found, sideEffect: found.execution === 'unknown' ? 'unknown' : 'none' }))

describe('what a call costs', () => {
  const priced = items([{ cost: { call: 2, token: 0 }, staleFor: 3_600_000 }])[0] as Item

  it.each<[string, (Outcome | undefined)[], number]>([
    ['one that is answered', [undefined], 2],
    [
      'one whose tool says that it failed',
      [{ ...done({}), facts: { ...(done({}) as { facts: object }).facts, isError: true } } as Outcome],
      2,
    ],
    ['an attempt that may have been executed costs one too', [lost('outcome_unknown', evidence.connection_lost), undefined], 4],
    ['an attempt that was never sent costs nothing', [lost('upstream_unavailable', evidence.connection_ended), undefined], 2],
    ['an attempt that the server did not begin costs nothing', [lost('upstream_unavailable', evidence.session_unknown), undefined], 2],
  ])('%s', async (_what, outcomes, cost) => {
    const { call, rows, clock } = world()
    const waiting = call(made(priced), () => outcomes.shift())
    for (let n = 0; n < 10; n += 1) await clock.advance(100)
    await waiting
    expect(rows[0]?.usage?.cost).toBe(cost)
  })

  it('nothing is used by what never went out, or was refused', async () => {
    const { call, rows, limits } = world({ budgets: { run: { calls: 1, cost: 100 } } })
    await call(made(priced), () => failed(fault('circuit_open')))
    expect(rows.map(({ usage }) => usage)).toEqual([undefined])
    expect(limits.show()).toEqual([])
    await call(made(priced))
    await call(made(priced))
    expect(rows.map(({ usage, fault: found }) => [usage?.cost, found?.kind])).toEqual([
      [undefined, 'circuit_open'],
      [2, undefined],
      [undefined, 'budget_exhausted'],
    ])
  })

  it('a kept answer costs what was sent in vain, and has its tokens, since an agent reads it', async () => {
    const { call, rows } = world()
    await call(made(priced), () => done({ text: 'x'.repeat(400) }))
    await call(made(priced), () => failed(fault('circuit_open', { upstream: 'up', failing: 'up', retryAfterMs: 1 })))
    expect(rows.map(({ outcome, termination }) => [outcome, termination])).toEqual([
      ['complete', '--'],
      ['complete', 'L-'],
    ])
    expect(rows.map(({ usage }) => usage?.cost)).toEqual([2, 0])
    expect(rows[1]?.usage?.got).toBeGreaterThanOrEqual(rows[0]?.usage?.got ?? Number.NaN)
  })

  it('the result of a task costs its tokens, at the price of the tool that made it where the handle says which', async () => {
    const { call, rows } = world({ prices: { perToken: 0.5 } })
    const { item: _, ...task } = made(items([{ cost: { call: 2, token: 0.25 } }])[0] as Item)
    const look = (status: string, change: Partial<TargetedCall> = {}) =>
      call({ ...task, family: 'task', method: 'tasks/get', params: payloadOf({ taskId: 't' }), ...change }, () =>
        done({ status, ...(status === 'completed' ? { result: { text: 'done' } } : {}) }),
      )
    await look('working')
    await look('completed')
    const tool = items([{ cost: { call: 2, token: 0.25 } }])[0] as Item
    await look('completed', { origin: { tool, asked: undefined } })
    const [working, plain, known] = rows.map(({ usage }) => usage)
    expect(working).toBeUndefined()
    expect(plain?.cost).toBe((plain?.got ?? 0) * 0.5)
    expect(known?.cost).toBe((known?.got ?? 0) * 0.25)
    expect([plain?.sent, (plain?.got ?? 0) > 3]).toEqual([0, true])
  })

  it('a further leg costs its tokens, and no call', async () => {
    const { call, rows } = world({ prices: { perToken: 1 } })
    const params = payloadOf({ name: 'tool 0', arguments: {}, inputResponses: { age: { action: 'accept', content: { age: 7 } } } })
    await call(
      made(items([{ cost: { call: 1_000, token: undefined } }])[0] as Item, { params, continuation: { kind: 'relayed', inner: 'a' } }),
    )
    const usage = rows[0]?.usage
    expect(usage?.sent).toBeGreaterThan(3)
    expect(usage?.cost).toBe((usage?.sent ?? 0) + (usage?.got ?? 0))
  })
})

describe('how tokens were found', () => {
  it('says so while they are estimated, and no more once they are learned', async () => {
    const { call, rows, clock, counted } = world()
    const tool = items([{}])[0] as Item
    const answer = () => done({ text: 'An agent that misreads its own notes can call one tool a hundred times. '.repeat(4) })
    for (let n = 0; n < 16; n += 1) await call(made(tool), answer)
    expect(rows.every(({ usage }) => usage?.estimated === true)).toBe(true)
    await clock.advance(5_000)
    const isLearned = async () => {
      await call(made(tool), answer)
      return rows.at(-1)?.usage?.estimated === undefined
    }
    expect(await eventually(isLearned)).toBe(true)
    const { sent = 0, got = 0 } = rows.at(-1)?.usage ?? {}
    expect(got).toBe(
      countTokens(JSON.stringify({ text: 'An agent that misreads its own notes can call one tool a hundred times. '.repeat(4) })),
    )
    expect(sent).toBe(countTokens(JSON.stringify({ name: tool.name, arguments: { text: 'x' } })))
    expect(counted.token_samples).toBeGreaterThanOrEqual(32)
  })

  it('telemetry: { tokens: false } counts nothing exactly, and still has tokens', async () => {
    const { call, rows, clock, counted } = world({ telemetry: { tokens: false } })
    for (let n = 0; n < 100; n += 1) await call(made(items([{}])[0] as Item))
    await clock.advance(60_000)
    expect(counted.token_samples).toBeUndefined()
    expect(rows.every(({ usage }) => usage?.estimated === true && usage.sent > 5)).toBe(true)
  })
})

describe('a hundred thousand calls', () => {
  const tools = items([
    { cost: { call: 0.002, token: 0.000_000_3 } },
    { cost: { call: 0.1, token: 0 } },
    { cost: { call: 0, token: 0.000_000_137_5 } },
    {},
    { cost: { call: 0.7, token: undefined }, staleFor: 3_600_000 },
  ])
  const most = 1_000_000_000
  const budgets = {
    run: { calls: most, tokens: most, cost: 1_000_000 },
    principal: { calls: `${most}/30d`, tokens: `${most}/30d`, cost: '1000000/30d' },
    team: { calls: `${most}/30d`, tokens: `${most}/30d`, cost: '1000000/30d' },
  }

  promise(
    'R68',
    'have the same sums in records, metrics and budgets, by whatever they are added up',
    async () => {
      const { call, rows, clock, limits, metrics, executed } = world({ budgets, prices: { perToken: 0.000_003 } })
      const random = randomOf(7)
      const principals = Array.from({ length: 5 }, (_, n) => aPrincipal({ sub: `user ${n}` }))
      const runs = Array.from({ length: 40 }, (_, n) => aRun({ id: `run ${n}`, team: `team ${n % 3}` }))
      let over = 0
      // The result of a task counts for a run that is known: each begins with a call.
      const ask = async (begin?: number): Promise<void> => {
        const n = begin ?? random.between(0, runs.length - 1)
        const item = random.pick(tools)
        const principal = principals[n % principals.length] as (typeof principals)[number]
        const change = { run: runs[n] as (typeof runs)[number], caller: { ...aCall().caller, principal } }
        const fate = begin === undefined ? random.between(0, 99) : 50
        const attempts: (Outcome | undefined)[] = [done({ text: 'word '.repeat(random.between(0, 200)) })]
        if (fate < 5) attempts.unshift(lost('outcome_unknown', evidence.connection_lost))
        else if (fate < 10) attempts.unshift(lost('upstream_unavailable', evidence.session_unknown))
        else if (fate < 13) attempts.splice(0, 1, failed(fault('circuit_open', { upstream: 'up', failing: 'up', retryAfterMs: 1 })))
        else if (fate < 15) attempts.splice(0, 1, lost('outcome_unknown', evidence.answer_invalid))
        const isTask = fate >= 95
        const isLeg = fate >= 90 && !isTask
        const text = 'x'.repeat(random.between(0, 40))
        const one = isLeg
          ? made(item, {
              ...change,
              params: payloadOf({ name: item.name, inputResponses: { n: calls } }),
              continuation: { kind: 'relayed', inner: `${calls}` },
            })
          : made(item, change, text)
        if (isTask) attempts.splice(0, 1, done({ status: 'completed', result: { text: 'done '.repeat(30) } }))
        const { item: _, ...rest } = one
        const asked: TargetedCall = isTask ? { ...rest, family: 'task', method: 'tasks/get', params: payloadOf({ taskId: 't' }) } : one
        await call(asked, () => attempts.shift())
        over += 1
      }
      for (let batch = 0; batch < 100_000; batch += 1) {
        const waiting = ask(batch < runs.length ? batch : undefined)
        // A call that waits between two attempts goes on when its time has come.
        for (let n = 0; n < 60 && over <= batch; n += 1) await Promise.resolve()
        for (let n = 0; n < 20 && over <= batch; n += 1) await clock.advance(50)
        await waiting
      }
      expect(rows).toHaveLength(100_000)

      const sums = (of: (row: CallRecord) => string) => {
        const found = new Map<string, { calls: number; tokens: number; cost: number }>()
        for (const row of rows) {
          if (row.usage === undefined) continue
          const key = of(row)
          const sum = found.get(key) ?? { calls: 0, tokens: 0, cost: 0 }
          const { sent, got, cost } = row.usage
          const isCall = row.family === 'invoke' && !legs.has(row.id)
          found.set(key, { calls: sum.calls + (isCall ? 1 : 0), tokens: sum.tokens + sent + got, cost: sum.cost + billionthsOf(cost) })
        }
        return found
      }
      const legs = new Set(rows.filter(({ params }) => Buffer.from(params?.bytes ?? '').includes('inputResponses')).map(({ id }) => id))
      expect(legs.size).toBeGreaterThan(1_000)

      // Budgets: of a task the run alone that was known before, and all here were.
      const used = (scope: string, unit: string) =>
        Object.fromEntries(
          limits
            .show()
            .filter((one) => one.scope === scope && one.unit === unit)
            .map((one) => [one.run ?? one.team ?? one.subject ?? '', one.used]),
        )
      for (const [scope, of] of [
        ['run', (row: CallRecord) => row.run?.id ?? ''],
        ['team', (row: CallRecord) => row.run?.team ?? ''],
        ['principal', (row: CallRecord) => row.caller.principal?.sub ?? ''],
      ] as const) {
        const found = [...sums(of)]
        expect(used(scope, 'calls')).toEqual(Object.fromEntries(found.map(([key, sum]) => [key, sum.calls])))
        expect(used(scope, 'tokens')).toEqual(Object.fromEntries(found.map(([key, sum]) => [key, sum.tokens])))
        expect(used(scope, 'cost')).toEqual(Object.fromEntries(found.map(([key, sum]) => [key, sum.cost / billion])))
      }

      // Metrics, by tool.
      const { text } = await metrics.text()
      const exported = (name: string): Map<string, number> => {
        const found = new Map<string, number>()
        for (const [, labels = '', value] of text.matchAll(new RegExp(`^${name}\\{(.*)\\} (.*)$`, 'gm'))) {
          const item = /item="([^"]*)"/.exec(labels)?.[1] ?? ''
          found.set(item, (found.get(item) ?? 0) + Number(value))
        }
        return found
      }
      const byTool = sums((row) => row.item ?? '')
      expect(exported('signalbox_tokens_total')).toEqual(new Map([...byTool].map(([key, { tokens }]) => [key, tokens])))
      expect(exported('signalbox_cost_total')).toEqual(new Map([...byTool].map(([key, { cost }]) => [key, cost / billion])))

      // Each row by itself, from what its server was sent.
      const priceOf = new Map(tools.map((tool) => [tool.name, tool.settings.cost]))
      for (const row of rows) {
        if (row.usage === undefined) continue
        const { sent, got, cost } = row.usage
        const price = priceOf.get(row.item ?? '')
        const executions = row.family === 'task' || legs.has(row.id) ? 0 : (executed.get(row.id) ?? 0)
        const expected = executions * (price?.call ?? 0) + (sent + got) * (price?.token ?? 0.000_003)
        expect(cost, row.id).toBe(Math.round(expected * billion) / billion)
      }
      expect(rows.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(5_000)
    },
    120_000,
  )
})
