import { describe, expect, it } from 'vitest'
import { aCall, anItem } from '../../../test/doubles/gateway/samples.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRun } from '../../../test/doubles/run.ts'
import { randomOf } from '../../../test/quality/random.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { UnusualRun } from '../../core/ports/run-usage.ts'
import { quietMs, RunUsage } from './run-usage.ts'
import { UsualRuns } from './usual-runs.ts'

type Asked = { client?: string; team?: string; sub?: string; tenant?: string }

function setting() {
  const found: Omit<UnusualRun, 'atMs'>[] = []
  const ended: number[] = []
  const runs = new RunUsage((one) => found.push(one), { changed: () => undefined, ended: (_run, _slot, tokens) => ended.push(tokens) })
  let now = 0
  const use = (id: string, tokens: number, { client = 'agent', team = 'red', sub = 'alice', tenant = 'default' }: Asked = {}) => {
    const caller = { ...aCall().caller, principal: aPrincipal({ sub, tenant }), client: { name: client, version: '1' } }
    const call: RoutedCall = { ...aCall({ run: aRun({ id, team }), caller }), upstream: 'up', item: anItem() }
    runs.note(call, { sent: 10, got: tokens - 10, cost: 0 }, now)
  }
  /** One after the other. */
  const history = (totals: readonly number[], asked: Asked = {}) => {
    for (const [n, total] of totals.entries()) {
      for (let part = 0; part < 10; part += 1) use(`before ${n}`, Math.round(total / 10), asked)
      now += quietMs
      runs.sweep(now)
    }
  }
  const pass = (ms: number) => {
    now += ms
    runs.sweep(now)
  }
  return { runs, found, ended, use, history, pass }
}

const around = (median: number, spread: number, count: number, seed = 1) => {
  const random = randomOf(seed)
  return Array.from({ length: count }, () => random.about(median, spread))
}

describe('a run that uses many times what is usual', () => {
  it.each([0, 0.2, 0.4])('is noticed while it is under way, well before 50,000 of a usual 5,000 (spread %d)', (spread) => {
    const { found, use, history } = setting()
    history(around(5_000, spread, 30))
    for (let tokens = 0; tokens < 50_000; tokens += 500) use('burning', 500)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ run: 'burning', client: 'agent', team: 'red', principal: { sub: 'alice' } })
    expect(found[0]?.tokens).toBeGreaterThanOrEqual(5 * (found[0]?.usual ?? 0))
    expect(found[0]?.tokens).toBeLessThanOrEqual(50_000)
  })

  it('is told once, and again as another run', () => {
    const { found, use, history } = setting()
    history(around(5_000, 0.2, 30))
    for (let n = 0; n < 10; n += 1) for (const id of ['one', 'two']) use(id, 20_000)
    expect(found.map(({ run }) => run)).toEqual(['one', 'two'])
  })

  it('is not noticed before anything is usual, nor where it is little', () => {
    const { found, use, history } = setting()
    history(around(5_000, 0.2, 7))
    use('burning', 1_000_000)
    expect(found).toEqual([])
    const small = setting()
    small.history(around(100, 0.2, 30))
    small.use('a', 9_000)
    expect(small.found).toEqual([])
    small.use('a', 1_000)
    expect(small.found).toHaveLength(1)
  })

  it('is compared with runs of its own client, team and tenant alone', () => {
    const { found, use, history } = setting()
    history(around(5_000, 0.2, 30))
    history(around(200_000, 0.2, 30), { client: 'researcher' })
    use('long', 300_000, { client: 'researcher' })
    for (const other of [{ team: 'blue' }, { tenant: 'other' }, { client: 'new' }]) use('long', 300_000, other)
    expect(found).toEqual([])
    use('long', 300_000)
    expect(found).toHaveLength(1)
  })
})

describe('a usual spread', () => {
  it.each([
    [0.2, 0],
    [0.4, 10],
    [0.7, 60],
  ])('of %d is no event: at most %i of 10,000 runs', (spread, most) => {
    const { found, history } = setting()
    history(around(5_000, spread, 10_000, 7))
    expect(found.length).toBeLessThanOrEqual(most)
  })

  it('is learned past some runs that went astray, and follows a new level', () => {
    const usual = new UsualRuns()
    for (const total of around(5_000, 0.2, 58)) usual.add(total)
    const before = usual.limit
    for (let n = 0; n < 6; n += 1) usual.add(1_000_000)
    expect(usual.limit).toBeLessThan(before * 1.2)
    for (const total of around(100_000, 0.2, 128)) usual.add(total)
    expect(usual.usual).toBeGreaterThan(80_000)
  })
})

describe('is bounded', () => {
  it('in runs: of too many the first ends', () => {
    const { runs, use, ended } = setting()
    for (let n = 0; n < 12_000; n += 1) use(`run ${n}`, 100)
    expect([runs.size, ended.length]).toEqual([10_000, 2_000])
  })

  it('in kinds: made-up names of clients push out each other, and nothing that was learned', () => {
    const { use, found, history, pass } = setting()
    history(around(5_000, 0.2, 30))
    for (let n = 0; n < 3_000; n += 1) use(`made up ${n}`, 100, { client: `client ${n}` })
    pass(quietMs)
    use('burning', 60_000)
    expect(found).toHaveLength(1)
  })

  it('in time: a run that was quiet for an hour is over, and its next call begins another', () => {
    const { use, found, history, pass, ended } = setting()
    history(around(5_000, 0, 30))
    use('slow', 20_000)
    pass(quietMs - 1)
    expect(ended).toHaveLength(30)
    use('slow', 1_000)
    pass(quietMs)
    use('slow', 20_000)
    expect([ended.length, found]).toEqual([31, []])
  })
})
