import { describe, expect, it } from 'vitest'
import { anAuditRow } from '../../../test/doubles/audit-row.ts'
import { timelineOf } from '../../observe/timeline/timeline.ts'
import { styleFor } from '../text.ts'
import { amount, money, size, span } from './figures.ts'
import { timelineText } from './timeline-text.ts'

const start = Date.UTC(2026, 10, 30, 10)
const style = styleFor({})
const timeout = { kind: 'upstream_timeout', category: 'transport', sideEffect: 'unknown', message: 'db did not answer in 5000 ms.' }

function shown(rows: readonly ReturnType<typeof anAuditRow>[], width = 120): string {
  const timeline = timelineOf('r-1', rows, false)
  return timeline === undefined ? '' : timelineText(timeline, { style, width, currency: 'USD' })
}

describe('a timeline for people', () => {
  it('is a tree that says who, when, what, with which arguments, why, and what came of it', () => {
    const attempted = [
      { number: 1, ms: 120, fault: 'upstream_unavailable', evidence: 'connection_lost', isError: false },
      { number: 2, ms: 5_000, fault: 'upstream_timeout', evidence: 'deadline', isError: false },
    ]
    expect(
      shown([
        anAuditRow({ why: 'see whether it is known' }),
        anAuditRow({
          id: 'b',
          at: start + 900,
          suspect: ['empty'],
          found: 'empty',
          result: { bytes: 12, rows: 0, tokens: 3, shape: '{items:[]}' },
          usage: { sent: 10, got: 3, cost: 0.0005 },
          arguments: { q: 'late' },
        }),
        anAuditRow({
          id: 'c',
          at: start + 62_000,
          turn: 't-2',
          item: 'create',
          version: 2,
          arguments: { title: 'x'.repeat(200) },
          outcome: 'fault',
          fault: timeout,
          termination: 'sH',
          result: null,
          usage: null,
          attempts: 2,
          attempted,
          ms: 5_200,
          phases: [{ name: 'queue', ms: 80 }],
        }),
      ]),
    ).toBe(`Run r-1  alice of https://idp.example, by agent 2.1, team support
2026-11-30 10:00:00Z to 2026-11-30 10:01:07Z (1 min 7 s)
3 calls: 1 good, 1 doubtful, 1 failed; 1 sent again, 323 tokens, 0.0025 USD, 5.6 s in calls

turn t-1  10:00:00.000, 1.1 s
├ +00:00.000  ok       tracker/search  {"q":"open"}
│              why: see whether it is known
│              210 ms, 1.2 kB in 3 rows {items:[{id:n}]}, 310 tokens, 0.002 USD
└ +00:00.900  EMPTY?   tracker/search  {"q":"late"}
               210 ms, 12 B in 0 rows {items:[]}, 13 tokens, 0.0005 USD
               doubtful: empty

turn t-2  10:01:02.000, 5.2 s
└ +01:02.000  FAILED   tracker/create@v2  {"title":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
               5.2 s
               upstream_timeout (transport, may have been executed), sH: db did not answer in 5000 ms.
               attempt 1: 120 ms, upstream_unavailable (connection_lost)
               attempt 2: 5.0 s, upstream_timeout (deadline)
               80 ms in queue`)
  })

  it('is safe to read, whatever agents and servers said', () => {
    const text = shown([
      anAuditRow({
        why: '\u001b[2Jgone\nRun r-2',
        item: 'a\u202eb',
        arguments: { q: '\u001b]0;x\u0007' },
        outcome: 'fault',
        fault: { ...timeout, message: 'line\r\nanother' },
      }),
    ])
    for (const unsafe of ['\u001b', '\u0007', '\u202e', '\r']) expect(text).not.toContain(unsafe)
    expect(text.split('\n').filter((line) => line.startsWith('Run '))).toHaveLength(1)
  })

  it('fits the terminal', () => {
    const text = shown([anAuditRow({ why: 'w'.repeat(500), arguments: { q: 'x'.repeat(500) } })], 80)
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })
})

describe('figures for people', () => {
  it('have the unit that reads best', () => {
    expect([0, 999, 1_000, 59_940, 125_000, 11_400_000].map(span)).toEqual(['0 ms', '999 ms', '1.0 s', '59.9 s', '2 min 5 s', '3 h 10 min'])
    expect([12, 1_200, 3_400_000].map(size)).toEqual(['12 B', '1.2 kB', '3.4 MB'])
    expect([1, 12_345, 1_000_000].map(amount)).toEqual(['1', '12,345', '1,000,000'])
  })

  it('have money to the last digit', () => {
    expect([0, 2_000_000, 1_500_000_000, 123, 1_234_000_000_000].map((nano) => money(nano, 'EUR'))).toEqual([
      '0.00 EUR',
      '0.002 EUR',
      '1.50 EUR',
      '0.000000123 EUR',
      '1,234.00 EUR',
    ])
  })
})
