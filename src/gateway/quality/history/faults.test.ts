// Kinds of faults beside emptiness and latency, and what an episode of one is from its beginning to its end.
import { describe, expect, it } from 'vitest'
import { aHash, emptyResult, errorResult, objectResult, rowsResult, Traffic } from '../../../../test/doubles/gateway/tool-traffic.ts'
import type { Looked } from '../looked.ts'

const hourMs = 3_600_000
const seeds = [1, 2, 3, 4, 5]
const rows = (t: Traffic) => () => rowsResult(t.draws.between(10, 50))

describe('errors in words, cut results, violations', () => {
  it.each([
    ['error_text', errorResult()],
    ['truncated', rowsResult(20, { kind: 'truncated', rule: 'json_cut' })],
    ['result_schema', rowsResult(20, { kind: 'schema_violation', rule: 'schema' })],
  ])('%s: each is noted, the fourth in a row is told', (kind, looked) => {
    const t = new Traffic(1)
    t.times(200, rows(t))
    expect(t.until(10, () => looked)).toEqual({ note: 1, alert: 4 })
    expect(t.alerts[0]).toMatchObject({ what: 'opened', kind, results: 4, affected: 4 })
    expect(t.notes).toBe(4)
  })

  it('gives the words of the error', () => {
    const t = new Traffic(1)
    t.times(20, rows(t))
    expect(t.call(errorResult()).reasons).toEqual([
      { kind: 'error_text', rule: 'failure', usual: '0 of 20 answers were so before', seen: 'connection pool exhausted' },
    ])
  })

  it('a tool that says so in its first results, as one that lints, is believed', () => {
    const t = new Traffic(1)
    t.times(2_000, () => (t.draws.chance(0.4) ? errorResult({ weak: true }) : rowsResult(t.draws.between(1, 9))))
    expect(t.notes).toBeLessThan(10)
    expect(t.alerts).toEqual([])
    // What is beyond doubt is said all the same, and that all answers are the same.
    expect(t.call(errorResult()).reasons).toHaveLength(1)
    expect(t.until(20, () => errorResult({ weak: true, hash: 5, bytes: 80 })).alert).toBeGreaterThan(0)
    expect(t.alerts.at(-1)).toMatchObject({ kind: 'frozen' })
  })

  it('a tool whose answers are about errors now and then is believed, but not while it surely fails', () => {
    const now = (t: Traffic, others: () => Looked) =>
      t.times(3_000, (i) => (i % 100 === 60 ? errorResult({ weak: true }) : i % 50 === 20 ? others() : rowsResult(t.draws.between(10, 50))))
    const well = new Traffic(1)
    now(well, rows(well))
    // Of those that follow three are of another shape.
    expect(well.rules.filter((rule) => rule.startsWith('error_text'))).toHaveLength(5)
    expect(well.notes).toBeLessThanOrEqual(8)
    const failing = new Traffic(1)
    now(failing, () => errorResult())
    expect(failing.notes).toBe(30 + 60)
  })

  it('errors that say that they are errors are nothing new', () => {
    const t = new Traffic(1)
    t.times(200, rows(t))
    expect(t.until(100, () => errorResult({ kind: 'tool_error' }))).toEqual({ note: 0, alert: 0 })
  })
})

describe('results of another size', () => {
  it('a hundred times: noted with the first, told with the fourth', () => {
    for (const seed of seeds) {
      const t = new Traffic(seed)
      t.times(200, rows(t))
      expect(
        t.until(10, () => rowsResult(30, { bytes: 243_000 })),
        `${seed}`,
      ).toEqual({ note: 1, alert: 4 })
      expect(t.alerts[0]).toMatchObject({ kind: 'size', text: expect.stringMatching(/^size 237 KiB at the median of the last 4 results/) })
    }
  })

  it('single ones do not make the next usual, but many of them do', () => {
    const t = new Traffic(3)
    t.times(400, rows(t))
    for (let fault = 0; fault < 16; fault += 1) {
      expect(t.call(rowsResult(30, { bytes: 243_000 })).reasons[0], `${fault}`).toMatchObject({ kind: 'size' })
      t.times(100, rows(t))
    }
    const often = new Traffic(3)
    often.times(4_000, (i) => (i % 30 === 29 ? rowsResult(30, { bytes: 243_000 }) : rowsResult(often.draws.between(10, 50))))
    expect(often.notes).toBeLessThan(40)
    expect(often.call(rowsResult(30, { bytes: 243_000 })).reasons).toEqual([])
  })

  it('one without rows is too large all the same', () => {
    const t = new Traffic(3)
    t.times(100, rows(t)).times(1, () => emptyResult())
    t.times(100, rows(t))
    expect(t.call(rowsResult(0, { bytes: 243_000 })).reasons).toMatchObject([{ kind: 'size', rule: 'single' }])
  })

  it('of a long episode 20 are noted', () => {
    const t = new Traffic(3)
    t.times(200, rows(t)).times(100, () => rowsResult(30, { bytes: 243_000 }))
    expect(t.alerts.filter(({ what }) => what === 'opened')).toHaveLength(1)
    expect(t.notes).toBe(20)
  })

  it('is all right where sizes are of a heavy tail', () => {
    const t = new Traffic(7)
    const result = () => objectResult({ bytes: 200 * (1 - t.draws.next()) ** (-1 / 1.1), hash: aHash() })
    t.times(5_000, result)
    expect(t.rules.filter((rule) => rule.startsWith('size')).length).toBeLessThanOrEqual(2)
    expect(t.alerts.filter(({ kind }) => kind === 'size')).toEqual([])
  })
})

describe('answers that do not change', () => {
  it('the same answer to the same question', () => {
    const t = new Traffic(1)
    const call = (i: number) => ({ asked: i % 3 })
    t.times(200, () => objectResult(), call)
    const stuck = [11, 12, 13]
    const found = t.until(20, (i) => objectResult({ hash: stuck[i % 3] as number }), call)
    expect(found.alert).toBeGreaterThan(0)
    expect(found.alert).toBeLessThanOrEqual(8)
    expect(found.note).toBeGreaterThan(0)
    expect(t.rules.every((rule) => rule.startsWith('frozen'))).toBe(true)
    expect(t.alerts[0]?.severity).toBe('info')
  })

  it('one answer to every question: noted with the second', () => {
    const t = new Traffic(1)
    t.times(200, rows(t))
    expect(t.until(20, () => rowsResult(20, { hash: 9 }))).toEqual({ note: 2, alert: 5 })
    expect(t.alerts[0]?.severity).toBeUndefined()
  })

  it('of one that says the same for long 3 are noted', () => {
    const t = new Traffic(1)
    t.times(
      200,
      () => objectResult(),
      () => ({ asked: 5 }),
    )
    t.times(
      500,
      () => objectResult({ hash: 9 }),
      () => ({ asked: 5 }),
    )
    expect(t.notes).toBe(3)
    expect(t.alerts.filter(({ what }) => what === 'opened')).toHaveLength(1)
  })

  it('is all right of a tool that always says the same', () => {
    const t = new Traffic(1)
    t.times(
      1_000,
      () => objectResult({ hash: 9 }),
      (i) => ({ asked: i % 7 }),
    )
    expect([t.notes, t.alerts]).toEqual([0, []])
  })
})

describe('another shape', () => {
  it.each([
    ['format', () => objectResult({ format: 'prose', keys: [] })],
    ['rows_gone', () => objectResult()],
  ])('%s: noted with the first, told with the fourth', (rule, looked) => {
    const t = new Traffic(1)
    t.times(150, rows(t))
    expect(t.until(10, looked)).toEqual({ note: 1, alert: 4 })
    expect(new Set(t.rules)).toEqual(new Set([`result_shape/${rule}`]))
  })

  it('members that were always there are missing', () => {
    const t = new Traffic(1)
    t.times(150, () => objectResult())
    const { reasons } = t.call(objectResult({ keys: ['id:string', 'title:string', 'cost:string', 'at:string'] }))
    expect(reasons).toEqual([
      { kind: 'result_shape', rule: 'members', usual: '4 members that were always there', seen: '3 of them missing or of another type' },
    ])
  })

  it('members without a value are there', () => {
    const t = new Traffic(1)
    t.times(150, () => objectResult())
    t.times(5, () => objectResult({ keys: ['id:number', 'name:null', 'price:null', 'at:null'] }))
    expect(t.notes).toBe(0)
  })

  it('is all right of a tool that gives values of every kind, errors among them', () => {
    const error = errorResult({ format: 'json', rule: 'error_member', keys: ['error:string'] })
    const cache = new Traffic(1)
    cache.times(600, (i) => (i % 50 === 49 ? error : i % 3 === 0 ? objectResult() : objectResult({ format: 'prose', keys: [] })))
    expect(cache.notes).toBe(0)
    const other = new Traffic(1)
    other.times(100, () => objectResult())
    expect(other.call(error).reasons).toMatchObject([{ kind: 'error_text' }])
  })

  it('is all right of what gives the texts of others, and where it was so now and then', () => {
    const payload = new Traffic(1, { isPayload: true })
    payload.times(500, (i) => (i % 50 === 0 ? objectResult({ format: 'prose', keys: [] }) : rowsResult(20)))
    expect(payload.notes).toBe(0)
    const mixed = new Traffic(1)
    mixed.times(500, (i) => (i % 5 === 0 ? objectResult({ format: 'prose', keys: [] }) : rowsResult(20)))
    expect([mixed.notes, mixed.alerts]).toEqual([0, []])
  })
})

describe('another shape for a week', () => {
  it('is the usual one then, and what was before is none', () => {
    const t = new Traffic(1)
    t.times(150, rows(t))
    t.times(
      8 * 24,
      () => objectResult(),
      () => ({ afterMs: hourMs }),
    )
    expect(t.alerts.at(-1)).toMatchObject({ kind: 'result_shape', what: 'closed', text: expect.stringMatching(/usual from now on$/) })
    const notes = t.notes
    t.times(300, () => objectResult())
    expect(t.notes).toBe(notes)
    expect(t.call(objectResult({ format: 'prose', keys: [] })).reasons).toMatchObject([{ kind: 'result_shape', rule: 'format' }])
  })
})

describe('half the rows', () => {
  it('of the same questions: told, not noted', () => {
    const t = new Traffic(1)
    const call = (i: number) => ({ asked: i % 10 })
    t.times(300, (i) => rowsResult(20 + (i % 10) * 5 + t.draws.between(-2, 2)), call)
    const found = t.until(40, (i) => rowsResult(10 + Math.round((i % 10) * 2.5)), call)
    expect(found.note).toBe(0)
    expect(found.alert).toBeGreaterThan(0)
    expect(t.alerts[0]).toMatchObject({ kind: 'rows', what: 'opened', severity: 'info' })
  })
})

describe('an episode', () => {
  it('opens, is told of again when it has grown, and closes once after eight good results; a second one opens anew', () => {
    const t = new Traffic(1)
    t.times(100, rows(t))
    t.times(120, () => emptyResult())
    expect(t.notes).toBe(120)
    expect(t.alerts.map(({ what, affected }) => [what, affected])).toEqual([
      ['opened', 4],
      ['updated', 10],
      ['updated', 100],
    ])
    t.times(7, rows(t))
    expect(t.alerts).toHaveLength(3)
    t.times(200, rows(t))
    expect(t.alerts).toHaveLength(4)
    expect(t.alerts[3]).toMatchObject({ what: 'closed', results: 120, affected: 120, text: expect.stringMatching(/as usual again$/) })
    expect(t.until(10, () => emptyResult())).toEqual({ note: 1, alert: 4 })
  })

  it('what a fault showed is not learned, however long it took', () => {
    const t = new Traffic(1)
    t.times(100, rows(t))
    t.times(500, () => emptyResult())
    t.times(20, rows(t))
    expect(t.alerts.at(-1)).toMatchObject({ what: 'closed' })
    t.times(3, () => emptyResult())
    expect(t.call(emptyResult()).alerts[0]?.text).toMatch(/^4 of 4 answers empty since .* before 0 of 1\d\d$/)
  })

  it('acknowledged as normal it ends, and what it showed is usual', () => {
    const t = new Traffic(1)
    t.times(100, rows(t))
    t.times(6, () => emptyResult())
    const told = t.history.acknowledge('empty', 'normal', t.nowMs)
    expect(told).toEqual([expect.objectContaining({ what: 'closed', affected: 6, text: expect.stringMatching(/usual from now on$/) })])
    const before = t.notes
    t.times(100, (i) => (i % 3 === 0 ? rowsResult(20) : emptyResult()))
    expect([t.notes - before, t.alerts.length]).toEqual([0, 1])
  })

  it('acknowledged as a fault nothing more is told until it has ended, and nothing of it is learned', () => {
    const t = new Traffic(1)
    t.times(100, rows(t))
    t.times(6, () => emptyResult())
    expect(t.history.acknowledge('empty', 'fault', t.nowMs)).toEqual([])
    t.times(50, () => emptyResult())
    expect(t.notes).toBe(56)
    expect(t.alerts).toHaveLength(1)
    t.times(8, rows(t))
    expect(t.alerts.map(({ what }) => what)).toEqual(['opened', 'closed'])
    expect(t.until(10, () => emptyResult())).toEqual({ note: 1, alert: 4 })
  })

  it.each([
    ['latency', 24],
    ['size', 24],
    ['empty', 7 * 24],
  ] as const)('%s: usual by itself after %i hours', (kind, hours) => {
    const t = new Traffic(1)
    const looked = kind === 'empty' ? () => emptyResult() : kind === 'size' ? () => rowsResult(30, { bytes: 243_000 }) : rows(t)
    const call = () => ({ latencyMs: kind === 'latency' ? t.draws.about(5_000, 0.1) : 200, afterMs: hourMs })
    t.times(100, rows(t), () => ({ latencyMs: t.draws.about(200, 0.1) }))
    t.times(hours - 2, looked, call)
    expect(t.alerts.map(({ what }) => what)).not.toContain('closed')
    t.times(10, looked, call)
    expect(t.alerts.at(-1)).toMatchObject({ kind, what: 'closed', text: expect.stringMatching(/usual from now on/) })
    const told = t.alerts.length
    t.times(100, looked, call)
    expect(t.alerts).toHaveLength(told)
  })

  it('names the deploy that came before it', () => {
    const t = new Traffic(1)
    t.history.deployed({ contract: 'a', version: '1.2' }, t.nowMs)
    t.times(100, rows(t))
    t.history.deployed({ contract: 'b', version: '1.3' }, t.nowMs)
    t.times(4, () => emptyResult())
    expect(t.alerts[0]?.text).toMatch(/before 0 of 100; new contract, deploy 1\.3 at \d\d:\d\d UTC$/)
    const old = new Traffic(1)
    old.history.deployed({ contract: 'a', version: '1.2' }, old.nowMs)
    old.history.deployed({ contract: 'a', version: '1.3' }, old.nowMs)
    old.nowMs += 48 * hourMs
    old.times(100, rows(old)).times(4, () => emptyResult())
    expect(old.alerts[0]?.text).toMatch(/before 0 of 100$/)
  })
})

describe('settings', () => {
  it('emptyIsNormal: nothing is said of empty ones', () => {
    const t = new Traffic(1, { emptyIsNormal: true })
    t.times(100, rows(t)).times(50, () => emptyResult())
    expect([t.notes, t.alerts]).toEqual([0, []])
  })

  it('sensitivity low: nothing only because it is the first of its kind', () => {
    const t = new Traffic(1, { sensitivity: 'low' })
    t.times(100, rows(t))
    expect(t.until(10, () => emptyResult())).toEqual({ note: 3, alert: 4 })
    expect(t.rules[0]).toBe('empty/accumulated')
  })

  it('rows: the path that counts', () => {
    const looked = (count: number) =>
      rowsResult(20, {
        rows: [
          { path: '$.columns', count: 5, bytes: 900 },
          { path: '$.hits', count, bytes: 100 },
        ],
      })
    const byItself = new Traffic(1)
    byItself.times(100, () => looked(20))
    expect(byItself.call(looked(0)).reasons).toEqual([])
    const told = new Traffic(1, { rows: '$.hits' })
    told.times(100, () => looked(20))
    expect(told.call(looked(0)).reasons[0]).toMatchObject({ kind: 'empty', seen: 'zero rows' })
  })
})
