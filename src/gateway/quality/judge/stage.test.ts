// What agents and people are told of results, and what configuration makes of them.
import { describe, expect, it } from 'vitest'
import { testDurable } from '../../../../test/doubles/durable.ts'
import { inText, judging, read, rowsOf } from '../../../../test/doubles/gateway/judging.ts'
import { ManualClock } from '../../../../test/doubles/manual-clock.ts'
import type { ToolQuality } from '../../../core/call/tool-settings.ts'
import { toolHistoriesDomain } from '../index.ts'

type Rig = ReturnType<typeof judging>

const minuteMs = 60_000
const usually = (n: number) => rowsOf(10 + ((n * 7) % 41))

/** Answers with 10 to 50 rows, each to a question of its own. */
async function usual(rig: Rig, calls = 60, from = 0): Promise<void> {
  for (let n = from; n < from + calls; n += 1) await rig.send(usually(n), { args: { sql: `select ${n}` }, takesMs: 200, thenMs: minuteMs })
}

const ask = (rig: Rig, n: number, result: unknown, takesMs = 200) =>
  rig.send(result, { args: { sql: `select other ${n}` }, takesMs, thenMs: minuteMs })

async function begun(rig: Rig, calls = 60): Promise<Rig> {
  await usual(rig, calls)
  expect(rig.alerts()).toEqual([])
  expect(rig.counted).toEqual([])
  return rig
}

describe('rows, and then none', () => {
  it('are noted at the first, and alerted by the fourth with the call that it began with', async () => {
    const rig = await begun(judging())
    const first = await ask(rig, 1, rowsOf(0))
    const { texts, suspect } = read(first)
    expect(texts).toHaveLength(2)
    expect(texts[0]).toBe('{"rows":[]}')
    expect(texts[1]).toMatch(/^suspect: zero rows\. 60 of the last 60 answers had rows.*do not conclude that nothing exists/)
    expect(suspect).toMatchObject([{ kind: 'empty', rule: 'single' }])
    expect(first).toMatchObject({ facts: { found: 'empty', suspect: ['empty'], isError: false, ownBlocks: 1 } })
    for (let n = 2; n <= 4; n += 1) expect(read(await ask(rig, n, rowsOf(0))).suspect).toMatchObject([{ kind: 'empty' }])
    expect(rig.alerts()).toMatchObject([
      {
        severity: 'warn',
        event: 'The results of a tool are not as usual',
        fields: {
          upstream: 'up',
          tool: 'find',
          kind: 'empty',
          owner: 'team-data',
          firstCall: 'call-61',
          text: expect.stringMatching(/4 of 4 answers empty since .*before 0 of 60/),
        },
      },
    ])
    expect(rig.counted.filter((one) => one.startsWith('suspect'))).toHaveLength(4)
    expect(rig.operators.open()).toEqual([{ upstream: 'up', item: 'find', kind: 'empty', severity: 'warn' }])
    expect(rig.operators.results()).toContainEqual({ upstream: 'up', kind: 'empty', results: 4 })
    // It ends once, by itself.
    await usual(rig, 10, 100)
    expect(rig.alerts().map(({ severity }) => severity)).toEqual(['warn', 'info'])
    expect(rig.operators.open()).toEqual([])
    expect(rig.operators.alerts()).toMatchObject([{ kind: 'empty', closedMs: expect.any(Number) }])
  })

  it('are as usual where configuration says so, and counted all the same', async () => {
    const rig = await begun(judging({ quality: { emptyIsNormal: true } }))
    for (let n = 1; n <= 20; n += 1) expect(read(await ask(rig, n, rowsOf(0))).suspect).toEqual([])
    expect(rig.alerts()).toEqual([])
    expect(rig.operators.results()).toContainEqual({ upstream: 'up', kind: 'empty', results: 20 })
  })

  it('are not noted as the first of their kind where sensitivity is low, and alerted as ever', async () => {
    const rig = await begun(judging({ sensitivity: 'low' }))
    expect(read(await ask(rig, 1, rowsOf(0))).suspect).toEqual([])
    for (let n = 2; n <= 4; n += 1) await ask(rig, n, rowsOf(0))
    expect(rig.alerts()).toHaveLength(1)
  })

  it('are said to nobody but metrics and alerts where `annotate` is off', async () => {
    const rig = await begun(judging({ annotate: false }))
    const outcome = await ask(rig, 1, rowsOf(0))
    expect(outcome.kind === 'complete' ? outcome.result.json() : undefined).toEqual(rowsOf(0))
    expect(outcome).toMatchObject({ facts: { found: 'empty', suspect: ['empty'] } })
    expect(outcome.kind === 'complete' ? outcome.facts.ownBlocks : 0).toBeUndefined()
    expect(rig.counted).toEqual(['suspect {"upstream":"up","reason":"empty"}'])
  })

  it('are withheld where configuration blocks what is suspect, and nothing else is', async () => {
    const rig = await begun(judging({ quality: { onSuspect: 'block' } }))
    expect(await ask(rig, 1, rowsOf(0))).toMatchObject({
      kind: 'fault',
      fault: { kind: 'result_suspect', sideEffect: 'none', message: expect.stringContaining('zero rows') },
    })
    expect((await ask(rig, 2, rowsOf(12))).kind).toBe('complete')
  })

  it('after a call that may have taken them away are no surprise, after one that only adds they are', async () => {
    for (const [destructive, kinds] of [
      [true, []],
      [false, ['empty']],
    ] as const) {
      const rig = judging({ sensitivity: 'low' })
      for (let n = 0; n < 80; n += 1) await rig.send(usually(n % 5), { args: { of: n % 5 }, thenMs: minuteMs })
      await rig.send(inText('done'), {
        item: { name: 'change', traits: { readOnly: false, destructive, idempotent: false } },
        thenMs: minuteMs,
      })
      const { suspect } = read(await rig.send(rowsOf(0), { args: { of: 3 } }))
      expect(suspect.map(({ kind }) => kind)).toEqual(kinds)
    }
  })
})

it('an error in words that is given for a success is noted at the first call ever, and one that says so is not', async () => {
  const rig = judging()
  const { texts, suspect } = read(await rig.send(inText('Error: connection pool exhausted, timed out after 30000 ms')))
  expect(suspect).toMatchObject([{ kind: 'error_text' }])
  expect(texts[1]).toMatch(/^suspect: this text is an error message although the tool reported success\./)
  const said = await rig.send({ ...inText('Error: connection pool exhausted'), isError: true })
  expect(said).toMatchObject({ facts: { found: 'tool_error' } })
  expect(read(said).suspect).toEqual([])
  expect(rig.operators.results()).toEqual(
    expect.arrayContaining([
      { upstream: 'up', kind: 'hidden_error', results: 1 },
      { upstream: 'up', kind: 'tool_error', results: 1 },
    ]),
  )
})

it('a tool that takes 5 s where it took 200 ms is alerted by the fifth, without a note', async () => {
  const rig = await begun(judging())
  for (let n = 1; n <= 5; n += 1) expect(read(await ask(rig, n, usually(n), 5_000)).suspect).toEqual([])
  expect(rig.alerts()).toMatchObject([{ severity: 'warn', fields: { kind: 'latency' } }])
})

it('fewer rows than usual of the same questions are information, which calls nobody', async () => {
  const rig = judging()
  const send = (n: number, count: number) => rig.send(rowsOf(count), { args: { sql: `select ${n % 10}` }, takesMs: 200, thenMs: minuteMs })
  for (let n = 0; n < 300; n += 1) await send(n, 20 + (n % 10) * 5 + (n % 3))
  for (let n = 0; n < 6; n += 1) await send(n, 10 + Math.round((n % 10) * 2.5))
  expect(rig.alerts()).toMatchObject([{ severity: 'info', event: 'The results of a tool are not as usual', fields: { kind: 'rows' } }])
  expect(rig.counted).toContain('alerts {"upstream":"up","kind":"rows","severity":"info"}')
  expect(rig.operators.open()).toMatchObject([{ kind: 'rows', severity: 'info' }])
})

it('a deploy that came before it is named', async () => {
  const rig = await begun(judging())
  rig.served.version = '1.3.0'
  for (let n = 1; n <= 4; n += 1) await ask(rig, n, rowsOf(0))
  expect(rig.alerts()).toMatchObject([
    { fields: { deploy: 'deploy 1.3.0', deployedAt: expect.any(String), text: expect.stringContaining('deploy 1.3.0') } },
  ])
})

describe('what operators say of an alert', () => {
  async function alerted(): Promise<{ rig: Rig; id: string }> {
    const rig = await begun(judging())
    for (let n = 1; n <= 4; n += 1) await ask(rig, n, rowsOf(0))
    return { rig, id: String(rig.alerts()[0]?.fields.alert) }
  }

  it('`normal` ends it, and what is so now is not noted again', async () => {
    const { rig, id } = await alerted()
    expect(rig.operators.acknowledge(id, 'normal')).toMatchObject({ id, acknowledged: 'normal', closedMs: expect.any(Number) })
    for (let n = 10; n < 40; n += 1) expect(read(await ask(rig, n, n % 2 === 0 ? rowsOf(0) : usually(n))).suspect).toEqual([])
    expect(rig.operators.open()).toEqual([])
    expect(rig.operators.acknowledge(id, 'normal')).toBeUndefined()
  })

  it('`fault` keeps it open until results are as before, and tells no more of it', async () => {
    const { rig, id } = await alerted()
    expect(rig.operators.acknowledge(id, 'fault')).toMatchObject({ acknowledged: 'fault', closedMs: undefined })
    const before = rig.alerts().length
    for (let n = 10; n < 60; n += 1) await ask(rig, n, rowsOf(0))
    expect(rig.alerts()).toHaveLength(before)
    await usual(rig, 10, 200)
    expect(rig.operators.open()).toEqual([])
  })
})

describe('over a restart', () => {
  /** On a clock of its own, that stands still: its transactions have a time. */
  const stored = () =>
    testDurable({
      ...{ domains: [toolHistoriesDomain], clock: new ManualClock() },
      report: { log: () => undefined, counters: { add: () => undefined } },
    })

  it('what is usual is kept, and what is open too', async () => {
    const durable = stored()
    const before = judging({ durable })
    await before.kept?.start()
    await usual(before)
    await ask(before, 1, rowsOf(0))
    await before.kept?.end()

    const { clock } = before
    const after = judging({ durable, clock })
    await after.kept?.start()
    for (let n = 2; n <= 4; n += 1) expect(read(await ask(after, n, rowsOf(0))).suspect).toMatchObject([{ kind: 'empty' }])
    expect(after.alerts()).toHaveLength(1)
    await after.kept?.end()

    const last = judging({ durable, clock })
    await last.kept?.start()
    expect(last.operators.open()).toEqual([{ upstream: 'up', item: 'find', kind: 'empty', severity: 'warn' }])
    expect(last.operators.report('up', 'find')).toMatchObject({ contract: 'c1:aa', version: '1.0.0', usual: { results: 64, empty: 4 } })
    await usual(last, 10, 200)
    expect(last.alerts().map(({ severity }) => severity)).toEqual(['info'])
    await last.kept?.end()
    await durable.close()
  })

  it('rows that are none of ours are as if there were none', async () => {
    const durable = stored()
    const insert = 'INSERT INTO tool_histories (tenant, upstream, tool, state, alerts, updated_ms) VALUES (?, ?, ?, ?, ?, ?)'
    const alerts = JSON.stringify([{ id: 'x' }, 7, null, { id: '0123456789ab', kind: 'empty', text: 'x', sinceMs: -1 }])
    const states = [new Uint8Array(0), new Uint8Array(3_000).fill(255), new Uint8Array(20_000)]
    for (const [n, state] of states.entries()) await durable.run(insert, ['default', 'up', n === 0 ? 'find' : `t${n}`, state, alerts, n])
    await durable.run(insert, ['default', 'up', 'odd', new Uint8Array(1), '[', 9])
    const odd = judging({ durable })
    await odd.kept?.start()
    expect(odd.operators.open()).toEqual([])
    await usual(odd, 3)
    expect(odd.operators.report('up', 'find')).toMatchObject({ usual: { results: 3 } })
    expect(odd.lines).toEqual([])
    await odd.kept?.end()
    await durable.close()
  })
})

it('a bug of the judge gives the result as it is, and is told', async () => {
  const rig = judging()
  const broken = {
    get definition(): never {
      throw new Error('a bug')
    },
  }
  const item = Object.defineProperties({}, Object.getOwnPropertyDescriptors(broken))
  const call = {
    id: 'c',
    params: { bytes: Buffer.from('{}') },
    item: Object.assign(item, { kind: 'tool', upstream: 'up', name: 'x', traits: {}, settings: {} }),
  }
  const held = rig.stage.enter(call as never, {} as never) as { leave: (outcome: unknown) => void; amend: (outcome: unknown) => unknown }
  const outcome = { kind: 'complete', result: { bytes: Buffer.from('{}') }, facts: {}, annotations: [] }
  held.leave(outcome)
  expect(held.amend(outcome)).toBe(outcome)
  expect(rig.lines).toMatchObject([{ severity: 'error' }])
})

describe('an answer that stands still', () => {
  /** Of a question that is asked each minute and had another answer each time, and then the same one with another time. */
  async function noted(quality: Pick<ToolQuality, 'ignore'>): Promise<string[]> {
    const rig = judging({ quality })
    const price = (n: number, value: number) => inText({ as_of: `2026-01-01T00:${n}`, price: value })
    for (let n = 0; n < 100; n += 1) await rig.send(price(n, n), { args: { of: 'x' }, thenMs: minuteMs })
    const found: string[] = []
    for (let n = 100; n < 115; n += 1)
      found.push(...read(await rig.send(price(n, 99), { args: { of: 'x' }, thenMs: minuteMs })).suspect.map(({ kind }) => kind))
    return [...new Set(found)]
  }

  it('is noted where what changes each time is ignored', async () => {
    expect(await noted({ ignore: ['$.as_of'] })).toEqual(['frozen'])
    expect(await noted({ ignore: [] })).toEqual([])
  })
})

describe('of the form of a result the record is told', () => {
  const table = (ids: number, other: unknown[] = []) => ({ content: [], structuredContent: { items: Array(ids).fill({ id: 1 }), other } })

  it('how many rows it has, and its shape', async () => {
    const rig = judging()
    await rig.send(table(3))
    expect(rig.seen()).toEqual({ rows: 3, shape: '{items:[{id:n}],other:[…]}' })
    await rig.send(inText('It rains.'))
    expect(rig.seen()).toEqual({ rows: undefined, shape: 'prose' })
    await rig.send(inText([]))
    expect(rig.seen()).toEqual({ rows: 0, shape: 'json' })
  })

  it('rows where they usually are, or where configuration says', async () => {
    const rig = judging()
    for (let n = 0; n < 30; n += 1) await rig.send(table(30, [n]), { args: { n } })
    await rig.send(table(1, Array(100).fill('a long text that takes most of the result')))
    expect(rig.seen()?.rows).toBe(1)
    const configured = judging({ quality: { rows: '$.other' } })
    await configured.send(table(30, ['a']))
    expect(configured.seen()?.rows).toBe(1)
    await configured.send({ content: [], structuredContent: { items: [1, 2] } })
    expect(configured.seen()?.rows).toBeUndefined()
  })

  it('nothing, where the tool says that it failed', async () => {
    const rig = judging()
    await rig.send({ ...inText({ rows: [1] }), isError: true })
    expect(rig.seen()).toBeUndefined()
  })
})
