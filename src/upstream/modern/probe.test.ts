// The table of what a probe proves.
import { describe, expect, test } from 'vitest'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import { unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { staticCredentials } from '../../gateway/credentials/static.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import type { Context } from '../context.ts'
import { createPools, ParkingLot } from '../index.ts'
import { serverSettings, timeoutSettings } from '../settings.ts'
import { RequestIds } from '../wire/ids.ts'
import type { WireAnswer } from '../wire/wire.ts'
import { interpret } from './probe.ts'

const context: Context = {
  id: 'up',
  settings: serverSettings.parse({ url: 'http://127.0.0.1:1/mcp' }),
  credentials: staticCredentials({}),
  timeouts: timeoutSettings.parse({}),
  limits: { resultBytes: 1_000_000, parked: 1 },
  clock: systemClock,
  random: systemRandom,
  report: countingReport(),
  pools: createPools(),
  identity: { name: 'signalbox', version: '0' },
  replica: 'r1',
  ids: new RequestIds(0),
  parking: new ParkingLot(systemClock, systemRandom, 1),
}

const result = (body: unknown): WireAnswer => ({
  kind: 'answer',
  status: 200,
  answer: {
    kind: 'result',
    id: '1',
    result: payloadOf(body),
    facts: unscanned(1),
  },
})
const error = (code: number, data?: unknown, status = 200): WireAnswer => ({
  kind: 'answer',
  status,
  answer: { kind: 'error', id: '1', code, message: 'm', error: payloadOf({ code, message: 'm', data }) },
})
const status = (code: number): WireAnswer => ({
  kind: 'status',
  status: code,
  retryAfterMs: undefined,
  challenge: undefined,
  body: undefined,
})
const lease = { id: '', headers: () => ({}), reject: () => false }
const lost = (kind: 'upstream_unavailable' | 'upstream_protocol_error'): WireAnswer => ({
  kind: 'lost',
  fault: fault(kind, { upstream: 'up', reason: 'r' }),
})

const table: [string, WireAnswer | { kind: 'timeout' }, string, string][] = [
  // what came, over HTTP, over stdio
  ['a DiscoverResult with our revision', result({ supportedVersions: ['2026-07-28'], capabilities: {} }), 'modern', 'modern'],
  ['a DiscoverResult with old revisions only', result({ supportedVersions: ['2025-11-25'] }), 'legacy', 'legacy'],
  ['a DiscoverResult with none that is known', result({ supportedVersions: ['2099-01-01'] }), 'inconclusive', 'inconclusive'],
  ['a result that is no DiscoverResult', result({ ok: true }), 'legacy', 'legacy'],
  ['-32022 that lists an old revision', error(-32022, { supported: ['2025-06-18'] }, 400), 'legacy', 'legacy'],
  ['-32022 that lists a later one only', error(-32022, { supported: ['2099-01-01'] }, 400), 'inconclusive', 'inconclusive'],
  ['-32601', error(-32601, undefined, 404), 'legacy', 'legacy'],
  ['-32000 without a session', error(-32000, undefined, 400), 'legacy', 'legacy'],
  ['-32602', error(-32602), 'legacy', 'legacy'],
  ['404', status(404), 'legacy', 'legacy'],
  ['405', status(405), 'legacy', 'legacy'],
  ['400', status(400), 'legacy', 'legacy'],
  ['401', status(401), 'inconclusive', 'inconclusive'],
  ['403', status(403), 'inconclusive', 'inconclusive'],
  ['429', status(429), 'inconclusive', 'inconclusive'],
  ['500', status(500), 'inconclusive', 'inconclusive'],
  ['503', status(503), 'inconclusive', 'inconclusive'],
  ['a page in place of an answer', lost('upstream_protocol_error'), 'legacy', 'legacy'],
  ['a refused connection, or the exit of the child', lost('upstream_unavailable'), 'inconclusive', 'legacy'],
  ['silence', { kind: 'timeout' }, 'inconclusive', 'legacy'],
]

describe('a probe', () => {
  test.each(table)('that gets %s', (_what, answer, overHttp, overStdio) => {
    expect(interpret(answer, context, lease, false, 4_000).kind).toBe(overHttp)
    expect(interpret(answer, context, lease, true, 4_000).kind).toBe(overStdio)
  })
})
