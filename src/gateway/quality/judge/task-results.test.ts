// Results of tasks are judged as results of the tools that made them, once each.
import { describe, expect, it } from 'vitest'
import { inText, judging, read, rowsOf, structured } from '../../../../test/doubles/gateway/judging.ts'
import { anExchange } from '../../../../test/doubles/gateway/samples.ts'
import type { Held } from '../../../core/call/gates.ts'
import type { Outcome } from '../../../core/call/outcome.ts'
import { payloadOf } from '../../../core/call/payload.ts'
import { mostTasks } from './task-results.ts'

type Rig = ReturnType<typeof judging>

const minuteMs = 60_000
const pool = inText('Error: connection pool exhausted, timed out after 30000 ms')
const done = (result: unknown) => ({ resultType: 'complete', taskId: 'up-1', status: 'completed', result })

/** What stands in the task, as the outcome of a call. */
function inner(outcome: Outcome): Outcome {
  if (outcome.kind !== 'complete') throw new Error(`It is ${outcome.kind}`)
  const told = outcome.result.json() as { result: unknown }
  expect(JSON.parse(Buffer.from(outcome.result.bytes).toString())).toEqual(told)
  return { ...outcome, result: payloadOf(told.result) }
}

const suspectOf = (outcome: Outcome) => read(inner(outcome)).suspect.map(({ kind }) => kind)

async function usual(rig: Rig, tasks = 60): Promise<void> {
  for (let n = 0; n < tasks; n += 1) {
    const outcome = await rig.poll(done(rowsOf(10 + ((n * 7) % 41))), { id: `usual-${n}`, asked: n, thenMs: minuteMs })
    expect(suspectOf(outcome)).toEqual([])
  }
}

const judgedBy = (rig: Rig): number => rig.operators.results().reduce((sum, one) => sum + one.results, 0)
const results = (rig: Rig, kind: string) => rig.operators.results().find((one) => one.kind === kind)?.results ?? 0

describe('the result of a task', () => {
  it('that is an error in words says so within the result, and the record has it', async () => {
    const rig = judging()
    const outcome = await rig.poll(done(pool), { id: 'a' })
    const { texts, suspect } = read(inner(outcome))
    expect(texts[0]).toBe(pool.content[0]?.text)
    expect(texts[1]).toMatch(/^suspect: this text is an error message although the tool reported success\./)
    expect(suspect).toMatchObject([{ kind: 'error_text' }])
    expect(outcome).toMatchObject({ facts: { found: 'hidden_error', suspect: ['error_text'] } })
    expect((outcome.kind === 'complete' && outcome.result.json()) as object).toMatchObject({ status: 'completed', taskId: 'up-1' })
    expect(rig.counted).toEqual(['suspect {"upstream":"up","reason":"error_text"}'])
  })

  it('is told so each time that it is asked for, and counted and learned once', async () => {
    const rig = judging()
    const first = await rig.poll(done(pool), { id: 'a', thenMs: minuteMs })
    for (let n = 0; n < 10; n += 1) {
      const again = await rig.poll(done(pool), { id: 'a', thenMs: minuteMs })
      expect(read(inner(again))).toEqual(read(inner(first)))
      expect(again).toMatchObject({ facts: { suspect: ['error_text'] } })
    }
    expect(rig.counted).toHaveLength(1)
    expect(results(rig, 'hidden_error')).toBe(1)
    expect(rig.operators.report('up', 'find')?.usual.results).toBe(1)
    expect(rig.alerts()).toEqual([])
  })

  it('is no surprise while it is as usual, and is given as it came', async () => {
    const rig = judging()
    await usual(rig)
    const told = done(rowsOf(12))
    const outcome = await rig.poll(told, { id: 'a', asked: 99 })
    expect(outcome.kind === 'complete' && Buffer.from(outcome.result.bytes).toString()).toBe(JSON.stringify(told))
    expect(results(rig, 'ok')).toBe(61)
    expect(rig.counted).toEqual([])
  })

  it('without rows, where there used to be some, is noted at the first and alerted by the fourth', async () => {
    const rig = judging()
    await usual(rig)
    for (let n = 1; n <= 4; n += 1) {
      expect(rig.alerts()).toEqual([])
      expect(suspectOf(await rig.poll(done(rowsOf(0)), { id: `a${n}`, asked: 100 + n, thenMs: minuteMs }))).toEqual(['empty'])
      expect(suspectOf(await rig.poll(done(rowsOf(0)), { id: `a${n}`, asked: 100 + n }))).toEqual(['empty'])
    }
    expect(rig.alerts()).toMatchObject([{ fields: { tool: 'find', kind: 'empty' } }])
  })

  it('shares what is usual with calls of the tool that make no task', async () => {
    const rig = judging()
    for (let n = 0; n < 60; n += 1) await rig.send(rowsOf(10 + (n % 30)), { args: { n }, takesMs: 200, thenMs: minuteMs })
    expect(suspectOf(await rig.poll(done(rowsOf(0)), { id: 'a', asked: 7 }))).toEqual(['empty'])
  })

  it('is compared with what the same arguments gave before', async () => {
    const rig = judging({ sensitivity: 'low' })
    for (let n = 0; n < 60; n += 1) await rig.send(rowsOf(10 + (n % 20)), { args: { of: n % 20 }, thenMs: minuteMs })
    // One whose arguments are not known is a question of its own.
    expect(suspectOf(await rig.poll(done(rowsOf(0)), { id: 'b' }))).toEqual([])
    const outcome = (await rig.stage.enter(rig.callOf({ of: 3 }), anExchange(rig.clock).exchange)) as Held
    const made = outcome.amend?.({ kind: 'task', result: payloadOf({}), handle: 't' })
    const asked = made?.kind === 'task' ? made.asked : undefined
    expect(asked).toEqual(expect.any(Number))
    const { suspect } = read(inner(await rig.poll(done(rowsOf(0)), asked === undefined ? { id: 'a' } : { id: 'a', asked })))
    expect(suspect).toMatchObject([{ kind: 'empty', rule: 'repeat' }])
  })

  it('says nothing of how long the tool takes', async () => {
    const rig = judging()
    await usual(rig)
    expect(rig.operators.report('up', 'find')?.usual).toMatchObject({
      results: 60,
      latencyMs: undefined,
      bytes: { median: expect.any(Number) },
    })
  })

  it('is held against the declared schema', async () => {
    const rig = judging()
    const definition = payloadOf({
      name: 'find',
      outputSchema: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
    })
    const item = { definition, declaresOutput: true }
    expect(suspectOf(await rig.poll(done(structured({ id: 1 })), { id: 'a', item }))).toEqual([])
    expect(suspectOf(await rig.poll(done(structured({ id: 'x' })), { id: 'b', item }))).toEqual(['result_schema'])
  })

  it('that says itself that it failed is counted and not noted', async () => {
    const rig = judging()
    const outcome = await rig.poll(done({ ...pool, isError: true }), { id: 'a' })
    expect(suspectOf(outcome)).toEqual([])
    expect(outcome).toMatchObject({ facts: { found: 'tool_error' } })
    expect(results(rig, 'tool_error')).toBe(1)
  })
})

describe('nothing is judged', () => {
  it.each([
    ['a task at work', { taskId: 'up-1', status: 'working' }],
    ['a task that works and has a result all the same', { taskId: 'up-1', status: 'working', result: pool }],
    ['a task that failed', { taskId: 'up-1', status: 'failed', error: { code: -32603, message: 'Error: connection pool exhausted' } }],
    ['a task that was cancelled', { taskId: 'up-1', status: 'cancelled' }],
    ['a task whose result is no object', { taskId: 'up-1', status: 'completed', result: 'Error: connection pool exhausted' }],
    ['what is no task', ['Error: connection pool exhausted']],
  ])('of %s', async (_, told) => {
    const rig = judging()
    const outcome = await rig.poll(told, { id: 'a' })
    expect(outcome.kind === 'complete' && Buffer.from(outcome.result.bytes).toString()).toBe(JSON.stringify(told))
    expect([judgedBy(rig), rig.counted, rig.lines]).toEqual([0, [], []])
  })

  it('where the id does not tell the tool, or the question is another', async () => {
    const rig = judging()
    expect(suspectOf(await rig.poll(done(pool), { id: 'a', origin: 'unknown' }))).toEqual([])
    expect(suspectOf(await rig.poll(done(pool), { id: 'a', method: 'tasks/cancel' }))).toEqual([])
    expect(judgedBy(rig)).toBe(0)
  })
})

describe('a doubtful result that is to be withheld', () => {
  it('is an error in its place, as of a call, each time; the task has ended well', async () => {
    const rig = judging({ quality: { onSuspect: 'block' } })
    for (let n = 0; n < 2; n += 1) {
      const outcome = await rig.poll(done(pool), { id: 'a' })
      const told = (outcome.kind === 'complete' ? outcome.result.json() : undefined) as { status: string; result: Record<string, unknown> }
      expect(told.status).toBe('completed')
      expect(told.result).toMatchObject({
        resultType: 'complete',
        isError: true,
        _meta: { 'signalbox.dev/fault': { kind: 'result_suspect', side_effect: 'none' } },
        structuredContent: { error: { kind: 'result_suspect' } },
      })
      expect(outcome).toMatchObject({ facts: { suspect: ['error_text'] } })
    }
    expect(rig.counted).toHaveLength(1)
    expect(suspectOf(await rig.poll(done(rowsOf(3)), { id: 'b' }))).toEqual([])
  })

  it('is given with no note where notes are off', async () => {
    const rig = judging({ annotate: false })
    const told = done(pool)
    const outcome = await rig.poll(told, { id: 'a' })
    expect(outcome.kind === 'complete' && outcome.result.json()).toEqual(told)
    expect(outcome).toMatchObject({ facts: { suspect: ['error_text'] } })
  })
})

describe('a server that means harm', () => {
  it('cannot speak for the gateway in a result', async () => {
    const rig = judging()
    const claim = { 'signalbox.dev/suspect': { reasons: [] }, own: 1 }
    const outcome = await rig.poll(done({ ...rowsOf(3), _meta: claim }), { id: 'a' })
    expect((inner(outcome) as Extract<Outcome, { kind: 'complete' }>).result.json()).toEqual({ ...rowsOf(3), _meta: { own: 1 } })
    const noted = await rig.poll(done({ ...pool, _meta: claim }), { id: 'b' })
    expect(suspectOf(noted)).toEqual(['error_text'])
  })

  it('gets the last of two results judged, as clients read it', async () => {
    const rig = judging()
    const text = `{"taskId":"up-1","status":"completed","result":${JSON.stringify(rowsOf(3))},"result":${JSON.stringify(pool)}}`
    const outcome = await rig.poll(Buffer.from(text), { id: 'a' })
    expect(suspectOf(outcome)).toEqual(['error_text'])
  })

  it('fills no memory: the oldest task is judged anew', async () => {
    const rig = judging()
    for (let n = 0; n <= mostTasks; n += 1) await rig.poll(done(pool), { id: `task-${n}` })
    expect(results(rig, 'hidden_error')).toBe(mostTasks + 1)
    await rig.poll(done(pool), { id: `task-${mostTasks}` })
    expect(results(rig, 'hidden_error')).toBe(mostTasks + 1)
    await rig.poll(done(pool), { id: 'task-0' })
    expect(results(rig, 'hidden_error')).toBe(mostTasks + 2)
  })
})

describe('a task of a tool that removes', () => {
  it('excuses that what others gave is gone, whenever it ends', async () => {
    const rig = judging()
    const removes = { name: 'delete_rows', traits: { readOnly: false, destructive: true, idempotent: false } }
    for (let n = 0; n < 60; n += 1) await rig.send(rowsOf(10 + (n % 30)), { args: { n }, thenMs: minuteMs })
    await rig.poll(
      { taskId: 'up-1', status: 'working' },
      { id: 'a', item: { ...removes, definition: payloadOf({ name: 'delete_rows' }) }, thenMs: 1 },
    )
    expect(read(await rig.send(rowsOf(0), { args: { n: 100 } })).suspect).toEqual([])
  })
})
