// Tools that are well, and whose results look now and then as if they were not: hardly any of them is noted, and nobody is called.
import { describe, expect, it } from 'vitest'
import { emptyResult, errorResult, objectResult, rowsResult, Traffic } from '../../../../test/doubles/gateway/tool-traffic.ts'

const calls = 5_000
const seeds = [11, 12, 13]

/** Notes of 10,000 results, and alerts that call somebody (fewer rows do not). */
function ran(run: (t: Traffic) => unknown): { readonly notes: number; readonly alerts: number } {
  let notes = 0
  let all = 0
  let alerts = 0
  for (const seed of seeds) {
    const t = new Traffic(seed)
    run(t)
    notes += t.notes
    all += t.calls
    alerts += t.alerts.filter(({ what, kind }) => what === 'opened' && kind !== 'rows').length
  }
  return { notes: (notes * 10_000) / all, alerts }
}

describe('tools that are well', () => {
  it.each<[string, number, (t: Traffic) => unknown, number?]>([
    [
      'rows, and one in 500 empty',
      2,
      (t: Traffic) => t.times(calls, () => (t.draws.chance(0.002) ? emptyResult() : rowsResult(t.draws.between(10, 50)))),
    ],
    [
      'a search of which the misses come in runs',
      6,
      (t: Traffic) => {
        let misses = 0
        t.times(calls, () => {
          if (misses === 0 && t.draws.chance(0.02)) misses = t.draws.between(1, 4)
          if (misses > 0) misses -= 1
          return misses > 0 ? emptyResult() : rowsResult(t.draws.between(1, 20))
        })
      },
    ],
    [
      'times that grow with the results',
      4,
      (t: Traffic) => {
        let count = 1
        t.times(
          calls,
          () => {
            count = Math.round(t.draws.about(20, 1))
            return count === 0 ? emptyResult() : rowsResult(count)
          },
          () => ({ latencyMs: (50 + count * 10) * t.draws.about(1, 0.2) }),
        )
      },
    ],
    [
      'an inbox that empties',
      15,
      (t: Traffic) => {
        let mail = 12
        t.times(
          calls,
          () => {
            mail = Math.max(0, mail + (t.draws.chance(0.4) ? t.draws.between(1, 3) : -t.draws.between(0, 3)))
            return mail === 0 ? emptyResult() : rowsResult(mail)
          },
          () => ({ asked: 1 }),
        )
      },
    ],
    [
      'a queue that is mostly empty',
      4,
      (t: Traffic) =>
        t.times(
          calls,
          () => (t.draws.chance(0.7) ? emptyResult() : rowsResult(t.draws.between(1, 3))),
          () => ({ asked: 1 }),
        ),
    ],
    [
      'a linter',
      20,
      (t: Traffic) => t.times(calls, () => (t.draws.chance(0.3) ? errorResult({ weak: true }) : rowsResult(t.draws.between(1, 20)))),
    ],
    [
      'a lookup of what is not there, asked again',
      8,
      (t: Traffic) => {
        let again = 0
        let asked = 0
        t.times(
          calls,
          () => {
            again = again > 0 ? again - 1 : t.draws.chance(0.02) ? t.draws.between(1, 4) : 0
            if (again === 0) asked = t.draws.between(1, 1e9)
            return again > 0 ? emptyResult({ rows: [] }) : objectResult()
          },
          () => ({ asked: again > 0 ? -asked : t.draws.between(1, 300), afterMs: again > 0 ? 5_000 : 60_000 }),
        )
      },
    ],
    [
      'prices that stand still at night, which is told three times and learned then',
      25,
      (t: Traffic) =>
        t.times(
          calls * 5,
          () => (Math.floor(t.nowMs / 3_600_000) % 24 < 8 ? objectResult({ hash: 5 }) : objectResult()),
          () => ({ asked: 3 }),
        ),
      3 * seeds.length,
    ],
  ])('%s: at most %i notes in 10,000', (_name, most, run, mostAlerts = 0) => {
    const { notes, alerts } = ran(run)
    expect(notes).toBeLessThanOrEqual(most)
    expect(alerts).toBeLessThanOrEqual(mostAlerts)
  })
})
