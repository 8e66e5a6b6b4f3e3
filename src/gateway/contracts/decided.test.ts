// What time was lacking for is judged again, and what operators decided holds.
import { describe, expect, it } from 'vitest'
import { registryRig, stateOf, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import type { Judgement } from '../../core/call/contract.ts'
import { digestsOf } from './judge/digests.ts'

const first = toolOf('echo')
const renamed = toolOf('echo', { message: { type: 'string' } })

describe('a judgement that time was lacking for', () => {
  const outOfTime = (): Judgement => {
    const said = digestsOf(toolOf('unread'))
    return { verdict: 'unknown', changes: [], old: said, new: said, human: 'it took too long', spent: true }
  }

  it('is made with the next list, also where the lock file lets the tool in', async () => {
    const rig = registryRig({
      governance: { admit: 'locked' },
      locked: () => ({ definition: first, digests: digestsOf(first), rejected: false, by: 'ana', reason: null, adapter: null }),
    })
    rig.judge.instead = outOfTime
    await rig.list([first])
    expect(stateOf(rig)).toBe('changed:breaking')
    rig.judge.instead = undefined
    await rig.list([first])
    expect(stateOf(rig)).toBe('admitted')
  })

  it('for a list of one session keeps no operator waiting', async () => {
    const rig = registryRig()
    await rig.list([first])
    for (let n = 0; n < 8; n += 1) await rig.list([toolOf('echo', { [`field${n}`]: { type: 'string' } })], true)
    const expected = [digestsOf(first).exact]
    expect(await rig.operators.decide('up', 'echo', { action: 'approve', by: 'a', reason: undefined, expect: expected })).toMatchObject({
      ok: true,
    })
  })
})

describe('judgements for lists of one session', () => {
  const other = (n: number) => toolOf('echo', { [`field${n}`]: { type: 'string' } })

  it('take none from the list that all are shown', async () => {
    const rig = registryRig()
    await rig.list([first])
    for (let n = 0; n < 10; n += 1) await rig.list([other(n)], true)
    // They are bounded by themselves.
    expect(rig.judge.judged).toHaveLength(6)
    await rig.list([renamed])
    expect(rig.operators.find('up', 'echo')).toMatchObject({ state: 'changed:breaking', live: digestsOf(renamed) })
    expect(rig.judge.judged).toHaveLength(7)
  })

  it('push out none of it', async () => {
    const rig = registryRig()
    for (const tool of [first, renamed, first]) await rig.list([tool])
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 6; n += 1) await rig.list([other(n + 6 * round)], true)
      await rig.clock.advance(600_000)
    }
    expect(rig.judge.judged).toHaveLength(13)
    await rig.list([renamed])
    await rig.list([renamed], true)
    expect(rig.judge.judged).toHaveLength(13)
  })
})

describe('what an operator decided', () => {
  it('is not forgotten among many that are gone', async () => {
    const rig = registryRig()
    await rig.list([first])
    await rig.operators.decide('up', 'echo', { action: 'reject', by: 'ana', reason: undefined, expect: [digestsOf(first).exact] })
    for (let round = 0; round < 60; round += 1) {
      await rig.list(Array.from({ length: 200 }, (_, n) => toolOf(`t${round}_${n}`)))
      // All others live longer.
      await rig.clock.advance(60_000)
    }
    expect((await rig.list([first])).rulings[0]).toMatchObject({ shown: 'nothing' })
  })

  it('goes before what an operator decided earlier', async () => {
    const rig = registryRig()
    await rig.list([first])
    await rig.list([renamed])
    const decide = (action: 'approve' | 'reject') =>
      rig.operators.decide('up', 'echo', { action, by: 'ana', reason: undefined, expect: [digestsOf(renamed).exact] })
    await decide('reject')
    expect(await decide('approve')).toMatchObject({ ok: true })
    await rig.list([{ ...renamed, description: 'other' }])
    await rig.list([renamed])
    expect(stateOf(rig)).toBe('admitted')
  })
})
