// Faults that no single result shows, found by what is usual of the tool, each beside what looks like it and is none.
import { describe, expect, it } from 'vitest'
import { emptyResult, rowsResult, Traffic } from '../../../../test/doubles/gateway/tool-traffic.ts'

const seeds = Array.from({ length: 20 }, (_, i) => i + 1)
const rows = (t: Traffic) => () => rowsResult(t.draws.between(10, 50))

describe('answers that had rows and are empty now', () => {
  it.each([
    [25, 6],
    [40, 5],
    [60, 4],
    [340, 4],
  ])('after %i answers: noted with the first, told with number %i', (before, alert) => {
    for (const seed of seeds) {
      const t = new Traffic(seed)
      t.times(before, rows(t))
      expect(
        t.until(30, () => emptyResult()),
        `seed ${seed}`,
      ).toEqual({ note: 1, alert })
    }
  })

  it('says what is usual, since when and in how many answers', () => {
    const t = new Traffic(1)
    t.times(340, rows(t))
    const { reasons } = t.call(emptyResult())
    expect(reasons).toEqual([
      {
        kind: 'empty',
        rule: 'single',
        usual: expect.stringMatching(/^340 of the last 340 answers had rows, usually 1\d-(4|5)\d$/),
        seen: 'zero rows',
      },
    ])
    t.times(3, () => emptyResult())
    expect(t.alerts).toEqual([
      {
        what: 'opened',
        kind: 'empty',
        text: expect.stringMatching(/^4 of 4 answers empty since \d\d:\d\d UTC; before 0 of 340$/),
        results: 4,
        affected: 4,
        sinceMs: t.nowMs - 180_000,
      },
    ])
  })

  it('as soon with rare empty ones among those before', () => {
    for (const before of [300, 1000, 2000]) {
      const found = seeds.map((seed) => {
        const t = new Traffic(seed)
        t.times(before, () => (t.draws.chance(0.002) ? emptyResult() : rowsResult(t.draws.between(10, 50))))
        t.times(10, rows(t))
        return t.until(30, () => emptyResult()).alert
      })
      expect(Math.max(...found), `${before} before`).toBeLessThanOrEqual(4)
      expect(Math.min(...found)).toBeGreaterThan(0)
    }
  })

  it('the same arguments: noted with the first after 12 reads, told with the fourth after 60', () => {
    for (const [before, alert] of [
      [12, 8],
      [60, 4],
    ] as const) {
      const t = new Traffic(3)
      const call = () => ({ asked: 1, afterMs: 1_000, wroteAtMs: t.nowMs - 1e6 })
      t.times(before, () => rowsResult(5, { hash: 5 }), call)
      expect(
        t.until(30, () => emptyResult(), call),
        `${before} before`,
      ).toEqual({ note: 1, alert })
      expect(t.rules[0]).toBe('empty/repeat')
    }
  })

  it('is all right after a write', () => {
    const t = new Traffic(3)
    t.times(
      12,
      () => rowsResult(5, { hash: 5 }),
      () => ({ asked: 1 }),
    )
    t.call(emptyResult(), { asked: 1, wroteAtMs: t.nowMs + 1_000 })
    expect(t.rules).toEqual([])
  })
})

describe('slow calls', () => {
  it('200 ms to 5 s: told with the fourth, the fifth at the latest, from 30 calls on', () => {
    for (const before of [30, 60, 300, 2000]) {
      const found = seeds.map((seed) => {
        const t = new Traffic(seed)
        t.times(before, rows(t))
        expect(t.alerts).toEqual([])
        return t.until(20, rows(t), () => ({ latencyMs: t.draws.about(5_000, 0.2) })).alert
      })
      expect(Math.min(...found)).toBeGreaterThan(0)
      expect(Math.max(...found), `${before} before`).toBeLessThanOrEqual(5)
    }
  })

  it('is all right where the results grow as much', () => {
    const t = new Traffic(4)
    t.times(300, rows(t))
    t.times(
      60,
      () => rowsResult(t.draws.between(250, 1250)),
      () => ({ latencyMs: t.draws.about(5_000, 0.2) }),
    )
    expect(t.alerts.filter(({ kind }) => kind === 'latency')).toEqual([])
  })
})

describe('what the classifier is told', () => {
  it('that the tool gives JSON, once it has, also where it gives what others wrote', () => {
    for (const isPayload of [false, true]) {
      const t = new Traffic(1, { isPayload })
      t.times(20, rows(t))
      expect(t.history.learned()).toBeUndefined()
      t.times(20, rows(t))
      expect(t.history.learned()).toEqual({ format: 'json', usuallyAtLeast: 0 })
    }
    const mixed = new Traffic(1)
    mixed.times(100, (i) => rowsResult(20, { format: i % 4 === 0 ? 'prose' : 'json' }))
    expect(mixed.history.learned()).toEqual({ format: 'none', usuallyAtLeast: 0 })
  })
})
