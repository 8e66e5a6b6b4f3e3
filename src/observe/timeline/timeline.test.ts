import { describe, expect, it } from 'vitest'
import { anAuditRow } from '../../../test/doubles/audit-row.ts'
import { timelineOf } from './timeline.ts'

const start = Date.UTC(2026, 10, 30, 10)
const failed = { kind: 'upstream_timeout', category: 'transport', sideEffect: 'unknown', message: 'It did not answer.' }
const denied = { kind: 'forbidden', category: 'authentication', sideEffect: 'none', message: 'No rule grants it.' }
const limited = { kind: 'loop_detected', category: 'tool', sideEffect: 'none', message: 'The same again.' }

describe('a timeline', () => {
  it('has the calls of a run in the order in which they began, by turn, whatever the order of the rows', () => {
    const rows = [
      anAuditRow({ id: 'c', seq: 3, at: start + 5_000, turn: 't-2', item: 'create' }),
      anAuditRow({ id: 'b', seq: 2, at: start + 900, item: 'get', arguments: { id: 7 } }),
      anAuditRow({ id: 'a', seq: 1, at: start }),
    ]
    const timeline = timelineOf('r-1', rows, false)
    expect(timeline?.turns.map(({ id, steps }) => [id, steps.map(({ ids, afterMs }) => [ids, afterMs])])).toEqual([
      [
        't-1',
        [
          [['a'], 0],
          [['b'], 900],
        ],
      ],
      ['t-2', [[['c'], 5_000]]],
    ])
    expect(timeline).toMatchObject({
      from: start,
      to: start + 5_210,
      principals: [{ subject: 'alice' }],
      clients: ['agent 2.1'],
      teams: ['support'],
    })
  })

  it('has the trace in place of a turn that nobody states', () => {
    const rows = [anAuditRow({ turn: null }), anAuditRow({ turn: null, trace: '2'.repeat(32), at: start + 10 })]
    expect(timelineOf('r-1', rows, false)?.turns.map(({ id, stated }) => [id, stated])).toEqual([
      ['1'.repeat(32), false],
      ['2'.repeat(32), false],
    ])
  })

  it('adds up what became of the calls, and costs to the last digit', () => {
    const usage = { sent: 1, got: 2, cost: 0.1 }
    const rows = [
      anAuditRow({ usage }),
      anAuditRow({ usage, suspect: ['empty'], found: 'empty', at: start + 1 }),
      anAuditRow({ usage, outcome: 'tool_error', at: start + 2 }),
      anAuditRow({ usage: null, outcome: 'fault', fault: failed, attempts: 3, at: start + 3 }),
      anAuditRow({ usage: null, outcome: 'fault', fault: denied, decision: 'denied', at: start + 4 }),
      anAuditRow({ usage: null, outcome: 'fault', fault: limited, at: start + 5 }),
    ]
    expect(timelineOf('r-1', rows, false)?.totals).toEqual({
      calls: 6,
      good: 1,
      suspect: 1,
      errors: 1,
      faults: 3,
      denied: 1,
      limited: 1,
      again: 2,
      tokens: 9,
      costNano: 300_000_000,
      ms: 6 * 210,
    })
  })

  it('shows a loop as one step that says how often', () => {
    const rows = Array.from({ length: 100 }, (_, n) =>
      anAuditRow({ id: `c${n}`, at: start + n * 100, seq: n, ...(n < 10 ? {} : { outcome: 'fault', fault: limited }) }),
    )
    const [turn] = timelineOf('r-1', rows, false)?.turns ?? []
    expect(turn?.steps.map(({ kind, times, ids, lastAt }) => [kind, times, ids.length, lastAt - start])).toEqual([
      ['ok', 10, 10, 900],
      ['limited', 90, 20, 9_900],
    ])
  })

  it('keeps apart what differs in its arguments, reason or outcome', () => {
    const rows = [
      anAuditRow({ id: 'a' }),
      anAuditRow({ id: 'b', at: start + 1, arguments: { q: 'closed' } }),
      anAuditRow({ id: 'c', at: start + 2, arguments: { q: 'closed' }, why: 'look again' }),
      anAuditRow({ id: 'd', at: start + 3, arguments: { q: 'closed' }, why: 'look again', suspect: ['empty'], found: 'empty' }),
    ]
    expect(timelineOf('r-1', rows, false)?.turns[0]?.steps.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok', 'empty'])
  })

  it('has to each call what was decided under its id, and how its answer left', () => {
    const rows = [
      anAuditRow(),
      anAuditRow({ about: 'delivery', outcome: 'client_gone' }),
      anAuditRow({ about: 'credential', rule: 'renewed' }),
      anAuditRow({ about: 'credential', id: 'another' }),
    ]
    const step = timelineOf('r-1', rows, false)?.turns[0]?.steps[0]
    expect(step).toMatchObject({ delivery: 'client_gone', decisions: [{ about: 'credential', rule: 'renewed' }] })
  })

  it('is none where nothing of it is a call', () => {
    expect(timelineOf('r-1', [anAuditRow({ about: 'operation' })], false)).toBeUndefined()
  })
})
