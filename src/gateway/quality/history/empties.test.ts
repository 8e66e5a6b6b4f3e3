// Which empty answers are doubtful, by what the same question had before and by how the tool is; each beside what looks like it and is none.
import { describe, expect, it } from 'vitest'
import { emptyResult, errorResult, objectResult, rowsResult, Traffic } from '../../../../test/doubles/gateway/tool-traffic.ts'

const hourMs = 3_600_000
const rows = (t: Traffic) => () => rowsResult(t.draws.between(10, 50))

/** Fifty questions, each with its own number of rows. */
function asked(t: Traffic, times: number, of: (question: number) => number = (question) => 5 + question): void {
  t.times(
    times,
    (i) => rowsResult(of(i % 50), { hash: 1_000 + (i % 50) }),
    (i) => ({ asked: 1 + (i % 50) }),
  )
}

describe('a question that had rows', () => {
  it('is noted each time it has none and then has them again, since those were faults', () => {
    const t = new Traffic(1)
    asked(t, 400)
    for (let fault = 0; fault < 30; fault += 1) {
      expect(t.call(emptyResult(), { asked: 7 + fault }).reasons, `${fault}`).toMatchObject([{ kind: 'empty', rule: 'repeat' }])
      asked(t, 50)
    }
    expect(t.alerts).toEqual([])
  })

  it('is not where such questions come to have none, and then few', () => {
    const t = new Traffic(1)
    const counts = new Map<number, number>()
    t.times(
      6_000,
      (i) => {
        const question = i % 20
        const count = Math.max(0, (counts.get(question) ?? 12) + (t.draws.chance(0.01) ? 15 : t.draws.between(-2, 1)))
        counts.set(question, count)
        return count === 0 ? emptyResult() : rowsResult(count)
      },
      (i) => ({ asked: 1 + (i % 20) }),
    )
    expect(t.notes).toBeLessThan(20)
    expect(t.alerts.filter(({ kind, severity }) => kind === 'empty' && severity === undefined)).toEqual([])
  })

  it('is noted once, and is one that has none then, while the others are answered', () => {
    const t = new Traffic(1)
    asked(t, 4_000)
    for (let again = 0; again < 10; again += 1) {
      t.call(emptyResult(), { asked: 7 })
      t.times(
        40,
        (i) => rowsResult(20 + i, { hash: 2_000 + i }),
        (i) => ({ asked: 10 + i }),
      )
    }
    expect(t.rules).toEqual(['empty/repeat'])
  })
})

describe('a question never asked before', () => {
  it('is noted while others of the last answers were surely faults', () => {
    const t = new Traffic(1)
    t.times(300, () => (t.draws.chance(0.004) ? emptyResult() : rowsResult(t.draws.between(10, 50))))
    const before = t.rules.length
    t.call(errorResult())
    t.times(20, rows(t))
    t.call(errorResult())
    t.times(20, rows(t))
    expect(t.rules.slice(before)).toEqual(['error_text/failure', 'error_text/failure'])
    for (let i = 0; i < 3; i += 1) {
      expect(t.call(emptyResult()).reasons).toMatchObject([{ kind: 'empty', rule: 'failing' }])
      t.times(10, rows(t))
    }
    t.times(600, rows(t))
    expect(t.call(emptyResult()).reasons).toEqual([])
  })

  it('is not of a tool that is empty more often than it fails', () => {
    const t = new Traffic(1)
    t.times(1_000, () => (t.draws.chance(0.02) ? errorResult() : t.draws.chance(0.3) ? emptyResult() : rowsResult(t.draws.between(1, 20))))
    expect(t.rules.filter((rule) => rule === 'empty/failing')).toEqual([])
  })

  it('asked again without an answer it says nothing more', () => {
    const t = new Traffic(1)
    t.times(300, () => (t.draws.chance(0.01) ? emptyResult() : rowsResult(t.draws.between(10, 50))))
    const before = t.notes
    t.times(
      50,
      () => emptyResult(),
      () => ({ asked: 3, afterMs: hourMs }),
    )
    expect(t.notes - before).toBe(0)
    expect(t.alerts).toEqual([])
  })
})

describe('a tool of which there is less and less before there is nothing', () => {
  const night = (t: Traffic) => () => {
    const hour = (t.nowMs / hourMs) % 24
    const count = hour >= 7 && hour < 19 ? 12 : Math.max(0, Math.round(12 - 4 * (hour >= 19 ? hour - 19 : 4)))
    return count === 0 ? emptyResult() : rowsResult(count + t.draws.between(0, 1))
  }

  it('is noted five times at most and calls nobody, and not the second time', () => {
    for (const seed of [1, 2, 3]) {
      const t = new Traffic(seed)
      const ofDay = () => {
        t.times(24 * 12, night(t), (i) => ({ asked: 1 + (i % 8), afterMs: hourMs / 12 }))
      }
      ofDay()
      ofDay()
      expect(t.notes, `seed ${seed}`).toBeLessThanOrEqual(5)
      const before = t.notes
      for (let day = 0; day < 5; day += 1) ofDay()
      expect(t.notes - before).toBeLessThanOrEqual(5)
      expect(t.alerts.filter(({ severity }) => severity !== 'info')).toEqual([])
    }
  })

  it('by day it is noted with the first', () => {
    const t = new Traffic(1)
    for (let day = 0; day < 3; day += 1) t.times(24 * 12, night(t), (i) => ({ asked: 1 + (i % 8), afterMs: hourMs / 12 }))
    while (Math.floor(t.nowMs / hourMs) % 24 !== 12) t.call(night(t)(), { asked: 1, afterMs: hourMs / 12 })
    expect(t.call(emptyResult(), { asked: 1, afterMs: hourMs / 12 }).reasons).toMatchObject([{ kind: 'empty', rule: 'repeat' }])
  })
})

describe('a feed that is mostly empty', () => {
  it('is not noted because it is empty again after a storm', () => {
    for (const seed of [1, 2, 3]) {
      const t = new Traffic(seed)
      for (let storm = 0; storm < 10; storm += 1) {
        t.times(
          200,
          () => emptyResult(),
          () => ({ asked: 1 }),
        )
        t.times(
          40,
          () => rowsResult(t.draws.between(5, 30)),
          () => ({ asked: 1 }),
        )
      }
      expect(t.notes, `seed ${seed}`).toBeLessThanOrEqual(12)
      expect(t.alerts.filter(({ kind, severity }) => kind === 'empty' && severity === undefined)).toEqual([])
    }
  })
})

describe('a tool that gives one thing or none', () => {
  it('is told of later than one that gives lists', () => {
    const found = (count: number) => {
      const t = new Traffic(1)
      t.times(300, () => rowsResult(count))
      return t.until(30, () => emptyResult())
    }
    expect(found(20)).toEqual({ note: 1, alert: 4 })
    expect(found(1)).toEqual({ note: 1, alert: 8 })
  })

  it('is noted with the first that is empty, once many were not', () => {
    const t = new Traffic(1)
    t.times(250, () => objectResult())
    expect(t.call(emptyResult({ rows: [] })).reasons).toMatchObject([{ kind: 'empty', rule: 'single' }])
    const few = new Traffic(1)
    few.times(50, () => objectResult())
    expect(few.call(emptyResult({ rows: [] })).reasons).toEqual([])
  })
})
