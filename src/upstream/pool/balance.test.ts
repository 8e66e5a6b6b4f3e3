// Which endpoint takes a call, and which are left out: by counts, and a clock that is turned by hand.
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { countingReport } from '../../../test/doubles/upstream/upstream-rig.ts'
import { complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Context } from '../context.ts'
import { Endpoints } from './endpoints.ts'

const well: Outcome = complete(payloadOf({}), unscanned(2))
const busy: Outcome = failed(fault('upstream_busy', { upstream: 'up' }, { evidence: evidence.service_unavailable }))
const limited: Outcome = failed(fault('upstream_busy', { upstream: 'up' }, { evidence: evidence.too_many_requests }))
const away = fault('upstream_unavailable', { upstream: 'up', reason: 'refused' }, { evidence: evidence.connection_refused })

function setting(count = 3) {
  const clock = new ManualClock()
  const report = countingReport()
  const context = { id: 'up', clock, report } as unknown as Context
  const places = Array.from({ length: count }, (_, n) => ({
    address: `http://user:secret@e${n}.example/mcp?key=secret`,
    dial: {} as never,
  }))
  const endpoints = new Endpoints(context, places)
  const take = (avoid?: string, isSafe?: boolean) => {
    const endpoint = endpoints.next(avoid, isSafe)
    endpoint.inFlight += 1
    return endpoint
  }
  /** One call after another; gives where they went. */
  const calls = (number: number, outcomeAt: (id: string) => Outcome = () => well) =>
    Array.from({ length: number }, () => {
      const endpoint = take()
      endpoints.ended(endpoint, outcomeAt(endpoint.id))
      return endpoint.id
    })
  const countOf = (ids: readonly string[], id: string) => ids.filter((one) => one === id).length
  return { clock, report, endpoints, take, calls, countOf }
}

describe('the next call goes', () => {
  test('to each in turn, where they have as much to do', () => {
    const { calls } = setting()
    expect(calls(7)).toEqual(['0', '1', '2', '0', '1', '2', '0'])
  })

  test('to those that have least to do', () => {
    const { take, calls, countOf } = setting()
    const slow = take()
    const ids = calls(20)
    expect([countOf(ids, slow.id), countOf(ids, '1'), countOf(ids, '2')]).toEqual([0, 10, 10])
  })

  test('to another than the one that failed it, and to that only where there is no other', () => {
    const { endpoints } = setting(2)
    for (let n = 0; n < 4; n += 1) expect(endpoints.next('0').id).toBe('1')
    expect(setting(1).endpoints.next('0').id).toBe('0')
  })
})

describe('an endpoint is left out', () => {
  test('after five failures in a row, which a success between starts anew', () => {
    const { calls, countOf, endpoints } = setting()
    let at = 0
    const flapping = calls(60, (id) => {
      if (id === '1') at += 1
      return id === '1' && at % 5 !== 0 ? busy : well
    })
    expect(countOf(flapping, '1')).toBe(20)
    const ids = calls(60, (id) => (id === '1' ? busy : well))
    expect(countOf(ids, '1')).toBe(5)
    expect(endpoints.health().map(({ state }) => state)).toEqual(['ready', 'ejected', 'ready'])
  })

  test('never for answers that say nothing against it', () => {
    const { calls, countOf } = setting()
    expect(
      countOf(
        calls(60, (id) => (id === '1' ? limited : well)),
        '1',
      ),
    ).toBe(20)
  })

  test('never where half of them are out: then it is not them', () => {
    const { calls, endpoints } = setting(4)
    calls(100, () => busy)
    expect(endpoints.health().filter(({ state }) => state === 'ejected').length).toBe(2)
  })

  test('though others are too, where no connection can be had; where all are, their turns go on', () => {
    const { endpoints, calls } = setting()
    for (const id of ['0', '1']) endpoints.failed(endpointOf(endpoints, id), away)
    expect(new Set(calls(6))).toEqual(new Set(['2']))
    endpoints.failed(endpointOf(endpoints, '2'), away)
    expect(new Set(calls(6))).toEqual(new Set(['0', '1', '2']))
  })

  test('for longer each time, up to a limit, and less so once it has served for a while', async () => {
    const { clock, endpoints, take, calls } = setting()
    const out = () => {
      const until = endpoints.health()[1]?.ejectedUntilMs
      return until === undefined ? 0 : until - clock.now()
    }
    calls(60, (id) => (id === '1' ? busy : well))
    const times: number[] = []
    for (let n = 0; n < 7; n += 1) {
      times.push(out())
      await clock.advance(out())
      // The trial fails.
      const trial = [take(), take(), take()]
      for (const endpoint of trial) endpoints.ended(endpoint, endpoint.id === '1' ? busy : well)
    }
    expect(times).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    await clock.advance(out())
    calls(3)
    expect(endpoints.health()[1]).toMatchObject({ state: 'ready' })
    await clock.advance(300_000)
    calls(60, (id) => (id === '1' ? busy : well))
    expect(out()).toBe(1_000)
  })

  test('at once where it says when it is back, until then and half a minute at most', async () => {
    for (const [asked, outMs] of [
      [12_000, 12_000],
      [200, 1_000],
      [86_400_000, 30_000],
    ] as const) {
      const { clock, endpoints, calls } = setting()
      const waits = failed(
        fault('upstream_busy', { upstream: 'up', named: true }, { evidence: evidence.service_unavailable, retryAfterMs: asked }),
      )
      calls(3, (id) => (id === '1' ? waits : well))
      expect(endpoints.health().map(({ state }) => state)).toEqual(['ready', 'ejected', 'ready'])
      expect((endpoints.health()[1]?.ejectedUntilMs ?? 0) - clock.now()).toBe(outMs)
      await clock.advance(outMs)
      calls(9)
      expect(endpoints.health()[1]?.state).toBe('ready')
    }
  })

  test('and is then tried by one call, before others follow; not by one that must not be executed twice', async () => {
    const { clock, endpoints, take, calls, countOf } = setting()
    calls(60, (id) => (id === '1' ? busy : well))
    await clock.advance(1_000)
    expect(endpoints.health()[1]?.state).toBe('trial')
    const risky = Array.from({ length: 9 }, () => take(undefined, false))
    expect(risky.some(({ id }) => id === '1')).toBe(false)
    const safe = Array.from({ length: 9 }, () => take())
    expect(safe.filter(({ id }) => id === '1').length).toBe(1)
    for (const endpoint of [...risky, ...safe]) endpoints.ended(endpoint, well)
    expect(endpoints.health()[1]?.state).toBe('ready')
    expect(countOf(calls(9), '1')).toBe(3)
  })

  test('which is counted, and said once, without what may be secret', async () => {
    const { clock, report, endpoints, calls } = setting()
    const second = endpointOf(endpoints, '2')
    calls(60, (id) => (id === '1' ? busy : well))
    endpoints.failed(second, away)
    endpoints.failed(second, away)
    await clock.advance(30_000)
    endpoints.reached(second)
    calls(9)
    expect(report.counts).toEqual(
      new Map([
        ['endpoint_ejections up failures', 1],
        ['endpoint_ejections up unreachable', 2],
      ]),
    )
    expect(report.lines.map(({ severity, fields }) => [severity, fields.endpoint])).toEqual([
      ['warn', 'http://e1.example/mcp'],
      ['warn', 'http://e2.example/mcp'],
      ['info', 'http://e2.example/mcp'],
      ['info', 'http://e1.example/mcp'],
    ])
    expect(JSON.stringify([report.lines, endpoints.health()])).not.toContain('secret')
  })
})

function endpointOf(endpoints: Endpoints, id: string) {
  for (let n = 0; n < endpoints.count * 2; n += 1) {
    const endpoint = endpoints.next()
    if (endpoint.id === id) return endpoint
  }
  throw new Error(`no turn of ${id}`)
}
