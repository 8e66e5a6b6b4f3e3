import { describe, expect, it } from 'vitest'
import { aCall, anExchange, anItem, done, hand, progress } from '../../../test/doubles/gateway/samples.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { failed, unscanned } from '../../core/call/outcome.ts'
import type { CallRecord, Recorder, SettledCall } from '../../core/call/record.ts'
import { type Next, Table } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { CallAudit } from '../../core/ports/call-audit.ts'
import { record } from './stage.ts'

function setting(audit?: CallAudit) {
  const records: CallRecord[] = []
  const bugs: unknown[] = []
  const { exchange, clock, events } = anExchange()
  const recorder: Recorder = { record: (row) => records.push(row), bug: ({ id }, error) => bugs.push([id, error]) }
  const stage = record({ recorder, clock, audit })
  const run = (next: Next) => Table.begin().pass(['invoke'], stage, '').end(['invoke'], 'next', next, '').chains().invoke(aCall(), exchange)
  return { records, bugs, exchange, clock, events, run }
}

describe('every call leaves exactly one record', () => {
  it('with what happened, once its answer is delivered', async () => {
    const { records, exchange, clock, events, run } = setting()
    await run(async (_call, inner) => {
      inner.note('route', { upstream: 'up', item: 'weather' })
      inner.note('attempts', 2)
      inner.sink.emit(progress(1))
      await clock.advance(40)
      return done({ a: 1 })
    })
    expect(records).toEqual([])
    await clock.advance(2)
    exchange.close('delivered')
    exchange.close('failed')
    expect(records).toMatchObject([
      {
        id: 'call-1',
        durationMs: 42,
        outcome: 'complete',
        delivery: 'delivered',
        upstream: 'up',
        item: 'weather',
        target: 'weather',
        attempts: 2,
        stream: { events: 1, firstMs: 0, longestGapMs: 0 },
        termination: '--',
        bytesIn: 33,
        bytesOut: 7,
        fault: undefined,
      },
    ])
    expect(events).toHaveLength(1)
  })

  it('with its run, and the team that a rule of access named', async () => {
    for (const noted of [undefined, aRun({ team: 'readers' })]) {
      const { records, exchange, run } = setting()
      await run(async (_call, inner) => {
        if (noted !== undefined) inner.note('run', noted)
        return done()
      })
      exchange.close('delivered')
      expect(records.map((row) => row.run)).toEqual([noted ?? aRun()])
    }
  })

  it('also when the client went first', async () => {
    const { records, exchange, run } = setting()
    const { promise, give } = hand<ReturnType<typeof done>>()
    const outcome = run(() => promise)
    exchange.close('client_gone')
    expect(records).toEqual([])
    give(failed(fault('cancelled', { reason: 'client_gone' })))
    await outcome
    expect(records).toMatchObject([
      { outcome: 'fault', delivery: 'client_gone', fault: { kind: 'cancelled', category: 'transport' }, attempts: 0 },
    ])
  })

  it('also where something else fails as it closes, and the rest hears of the end', async () => {
    const { records, bugs, exchange, run } = setting()
    const heard: string[] = []
    await run(async (_call, inner) => {
      inner.onClose(() => {
        throw new Error('bug')
      })
      inner.onClose((delivery) => heard.push(delivery))
      return done()
    })
    exchange.close('delivered')
    expect(records).toMatchObject([{ outcome: 'complete', delivery: 'delivered' }])
    expect(bugs).toEqual([['call-1', new Error('bug')]])
    expect(heard).toEqual(['delivered'])
  })

  it('tells an error of the tool from a good result', async () => {
    const { records, exchange, run } = setting()
    await run(async () => ({ ...done(), facts: unscanned(2, true) }) as ReturnType<typeof done>)
    exchange.close('delivered')
    expect(records).toMatchObject([{ outcome: 'tool_error' }])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('bug')
      },
    ],
    ['rejects', () => Promise.reject(new Error('bug'))],
  ] as [string, Next][])('also when a stage %s, which is a bug of ours and a fault for the caller', async (_how, next) => {
    const { records, bugs, exchange, run } = setting()
    expect(await run(next)).toMatchObject({
      kind: 'fault',
      fault: { kind: 'internal', detail: { correlationId: 'call-1' }, sideEffect: 'unknown' },
    })
    exchange.close('delivered')
    expect(records).toMatchObject([{ outcome: 'fault', fault: { kind: 'internal' } }])
    expect(bugs).toEqual([['call-1', new Error('bug')]])
  })
})

describe('no answer leaves before its row of the audit is safe', () => {
  function audited(settled: CallAudit['settled']) {
    const rows: SettledCall[] = []
    const closed: CallRecord[] = []
    const parts = setting({
      refusal: () => undefined,
      settled: (row) => {
        rows.push(row)
        return settled(row)
      },
      closed: (row) => closed.push(row),
      unclaimed: () => undefined,
      refused: () => undefined,
    })
    return { ...parts, rows, closed }
  }

  it('where the audit says that it has to wait', async () => {
    const { promise, give } = hand<boolean>()
    const { rows, run, exchange, records } = audited(() => promise)
    let answer: unknown
    const over = run(async () => done({ a: 1 })).then((outcome) => {
      answer = outcome
    })
    await Promise.resolve()
    exchange.close('delivered')
    expect(rows).toMatchObject([{ id: 'call-1', outcome: 'complete', termination: '--' }])
    expect([answer, records]).toEqual([undefined, []])
    give(true)
    await over
    expect(answer).toMatchObject({ kind: 'complete' })
    expect(records).toMatchObject([{ outcome: 'complete', delivery: 'delivered' }])
  })

  it.each([
    [
      'applied',
      async (_call, inner) => {
        inner.note('item', anItem())
        return done({ a: 1 })
      },
    ],
    ['none', async () => failed(fault('forbidden', {}))],
  ] as [string, Next][])('and where it cannot be kept the answer is a fault: side effect %s', async (sideEffect, next) => {
    const { run, exchange, records, closed } = audited(async () => false)
    expect(await run(next)).toMatchObject({ kind: 'fault', fault: { kind: 'store_unavailable', sideEffect } })
    exchange.close('delivered')
    expect(records).toMatchObject([{ outcome: 'fault', fault: { kind: 'store_unavailable' } }])
    expect(closed).toHaveLength(1)
  })

  it('and leaves at once where nobody waits', async () => {
    const { run, exchange, closed } = audited(() => undefined)
    expect(await run(async () => done())).toMatchObject({ kind: 'complete' })
    exchange.close('client_gone')
    expect(closed).toMatchObject([{ delivery: 'client_gone', termination: 'CL' }])
  })
})
