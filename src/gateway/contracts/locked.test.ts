// What the lock file accepts for a while, and the translations that stand in it, in the running gateway.
import { describe, expect, it } from 'vitest'
import { testDurable } from '../../../test/doubles/durable.ts'
import { type RegistryRig, registryRig, stateOf, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { ToolContract } from '../../core/call/contract.ts'
import type { Ruled } from '../../core/ports/contracts.ts'
import { dayMs } from '../../core/text/duration.ts'
import { contractsDomain } from './history.ts'
import { digestsOf } from './judge/digests.ts'
import type { IgnoreRule, LockedAdapter } from './lock/lock-file.ts'
import type { Locked, RegistryParts } from './served.ts'

const text = { type: 'string' }
const first = toolOf('echo', { ref: text })
const renamed = toolOf('echo', { target: text })
const more = toolOf('echo', { target: text, n: text })

function ruleOf(own: Partial<IgnoreRule> = {}): IgnoreRule {
  return { server: 'up', tool: 'echo', rule: 'property.renamed', pointer: '/properties/ref', until: '2999-01-01', reason: null, ...own }
}

const lockedOf = (definition: ToolContract, adapter: LockedAdapter | null = null): Locked => ({
  ...{ definition, digests: digestsOf(definition), rejected: false, by: 'ana', reason: null, adapter },
})

function rigWith(rules: readonly IgnoreRule[], parts: Parameters<typeof registryRig>[0] = {}): RegistryRig {
  return registryRig({ accepts: () => rules, ...parts })
}

function storeOf() {
  return testDurable({
    ...{ domains: [contractsDomain] },
    clock: new ManualClock(),
    report: silentReport,
  })
}

const shown = ({ rulings: [ruling] }: Ruled, sent: ToolContract): unknown =>
  ruling?.shown === 'sent' ? sent : ruling?.shown === 'nothing' ? undefined : ruling?.shown.json()
const live = ({ rulings: [ruling] }: Ruled) => (ruling?.shown === 'nothing' ? undefined : ruling?.contract?.change?.live)
const before = ({ rulings: [ruling] }: Ruled) => (ruling?.shown === 'nothing' ? undefined : ruling?.contract?.change?.before)

/** The last moment of a day that holds, for the clock of the rig. */
function untilNow(clock: ManualClock): string {
  return new Date(clock.now()).toISOString().slice(0, 10)
}

describe('a change that the lock file accepts for a while', () => {
  it('is taken, with who said so', async () => {
    const rig = rigWith([ruleOf()])
    await rig.list([first])
    const ruled = await rig.list([renamed])
    expect([shown(ruled, renamed), live(ruled), stateOf(rig)]).toEqual([renamed, undefined, 'admitted'])
    expect(rig.operators.find('up', 'echo')).toMatchObject({
      approval: { as: 'admitted', by: 'lock', reason: 'accepted until 2999-01-01: ref is now target' },
      change: { verdict: 'same', changes: [], accepted: ['accepted until 2999-01-01: ref is now target'] },
    })
  })

  it('is held by all else that changed', async () => {
    const rig = rigWith([ruleOf()])
    await rig.list([first])
    const ruled = await rig.list([more])
    expect([shown(ruled, more), stateOf(rig)]).toEqual([first, 'changed:breaking'])
    expect(live(ruled)?.changes.map(({ kind }) => kind)).toEqual(['property.added.required'])
  })

  it.each([
    ['another place', { pointer: '/properties/other' }],
    ['another kind', { rule: 'type.changed' }],
    ['a day that is over', { until: '1970-01-01' }],
  ])('is held where the rule is of %s', async (_which, own) => {
    const clock = new ManualClock()
    await clock.advance(3 * dayMs)
    const rig = rigWith([ruleOf(own)], { clock })
    await rig.list([first])
    expect(shown(await rig.list([renamed]), renamed)).toEqual(first)
    expect(stateOf(rig)).toBe('changed:breaking')
  })

  it('is held with the next list once its day is over, also where the server says the same', async () => {
    const clock = new ManualClock()
    const rig = rigWith([ruleOf({ until: untilNow(clock) })], { clock })
    await rig.list([first])
    expect(shown(await rig.list([renamed]), renamed)).toEqual(renamed)
    await clock.advance(dayMs)
    const ruled = await rig.list([renamed])
    expect([shown(ruled, renamed), stateOf(rig)]).toEqual([first, 'changed:breaking'])
    expect(live(ruled)?.human).toBe('ref is now target')
    // Who has read what was let in knows another contract than the one that stands again.
    expect(before(ruled)).toMatchObject([{ broken: { known: digestsOf(renamed), current: digestsOf(first) } }])
    // And when the server goes back, it is as it was.
    expect([shown(await rig.list([first]), first), stateOf(rig)]).toEqual([first, 'admitted'])
  })

  it('is judged against what stood before, and not against what was let in', async () => {
    const rig = rigWith([ruleOf()])
    await rig.list([first])
    await rig.list([renamed])
    const ruled = await rig.list([more])
    expect([shown(ruled, more), stateOf(rig)]).toEqual([first, 'changed:breaking'])
    expect(live(ruled)?.changes.map(({ kind }) => kind)).toEqual(['property.added.required'])
    expect(shown(await rig.list([renamed]), renamed)).toEqual(renamed)
  })

  it('stays in for good where an operator approves it', async () => {
    const clock = new ManualClock()
    const rig = rigWith([ruleOf({ until: untilNow(clock) })], { clock })
    await rig.list([first])
    await rig.list([renamed])
    const seen = { action: 'approve', by: 'bob', reason: undefined, expect: [digestsOf(renamed).exact] } as const
    expect(await rig.operators.decide('up', 'echo', seen)).toMatchObject({ ok: true, entry: { state: 'approved' } })
    await clock.advance(dayMs)
    expect([shown(await rig.list([renamed]), renamed), stateOf(rig)]).toEqual([renamed, 'approved'])
  })

  it('is out again where an operator rejects it', async () => {
    const rig = rigWith([ruleOf()])
    await rig.list([first])
    await rig.list([renamed])
    const seen = { action: 'reject', by: 'bob', reason: 'no', expect: [digestsOf(renamed).exact] } as const
    expect(await rig.operators.decide('up', 'echo', seen)).toMatchObject({ ok: true, entry: { state: 'rejected', shown: true } })
    const ruled = await rig.list([renamed])
    expect([shown(ruled, renamed), stateOf(rig)]).toEqual([first, 'rejected'])
    expect(live(ruled)?.human).toBe('ref is now target')
  })

  it('is for a session of its own as for all', async () => {
    const rig = rigWith([ruleOf()])
    await rig.list([first])
    expect(shown(await rig.list([renamed], true), renamed)).toEqual(renamed)
    expect(stateOf(rig)).toBe('admitted')
    expect(shown(await rig.list([more], true), more)).toEqual(first)
  })

  it.each([
    ['is judged anew after a start with the rule', [], [ruleOf()], first, renamed],
    ['is judged anew after a start without the rule', [ruleOf()], [], renamed, first],
    ['is not judged again after a start with the same rules', [ruleOf()], [ruleOf()], renamed, renamed],
  ])('%s', async (_what, rules, later, was, is) => {
    const durable = storeOf()
    const rig = rigWith(rules, { durable })
    await rig.list([first])
    expect(shown(await rig.list([renamed]), renamed)).toEqual(was)
    const after = rigWith(later, { durable })
    await after.registry.start()
    expect(shown(await after.list([renamed]), renamed)).toEqual(is)
    expect(after.judge.judged).toHaveLength(was === is ? 0 : is === first ? 2 : 1)
  })

  it('is that of held words too, of a change and of a tool that is seen first', async () => {
    const finding = { rule: 'talks-past-user', pointer: '/description', sentence: 'Ignore.' } as const
    const screen: RegistryParts['screen'] = (_old, { description }) => ({
      held: description === 'Ignore.' ? [finding] : [],
      notes: [],
    })
    const clock = new ManualClock()
    const words = ruleOf({ rule: 'screening.talks-past-user', pointer: '/description', until: untilNow(clock) })
    const odd = { ...first, description: 'Ignore.' }
    const rig = rigWith([words], { screen, clock })
    await rig.list([first])
    expect(shown(await rig.list([odd]), odd)).toEqual(odd)
    await clock.advance(dayMs)
    expect([shown(await rig.list([odd]), odd), stateOf(rig)]).toEqual([first, 'changed:prose'])
    expect(stateOf(rig)).toBe('changed:prose')
    const fresh = rigWith([{ ...words, until: '2999-01-01' }], { screen })
    expect(shown(await fresh.list([odd]), odd)).toEqual(odd)
    expect(fresh.operators.find('up', 'echo')?.approval).toMatchObject({ by: 'lock' })
    expect(shown(await rigWith([], { screen }).list([odd]), odd)).toBeUndefined()
  })
})

describe('the translation of the lock file', () => {
  const { contract, hints } = digestsOf(renamed)
  const adapter: LockedAdapter = {
    ...{ contract, hints, input: [{ op: 'rename', from: 'ref', to: 'target' }], output: [], override: false },
    ...{ by: 'ana', reason: 'PR 212' },
  }
  const rigOf = (own: LockedAdapter, parts: Parameters<typeof registryRig>[0] = {}) =>
    registryRig({ locked: () => lockedOf(first, own), ...parts })
  const args = { ref: 'a' }

  it.each(['locked', 'firstUse'] as const)('is in force between exactly these contracts, with admit %s, and not kept', async (admit) => {
    const durable = storeOf()
    const rig = rigOf(adapter, { governance: { admit }, durable })
    await rig.list([first])
    const ruled = await rig.list([renamed])
    expect([shown(ruled, renamed), stateOf(rig)]).toEqual([first, 'changed:breaking'])
    expect(live(ruled)?.adapter?.adapted(args)).toEqual({ target: 'a' })
    expect(rig.operators.find('up', 'echo')?.change?.translation).toMatchObject({
      ...{ inForce: true, proved: true, by: 'ana', reason: 'PR 212', does: 'ref becomes target' },
    })
    expect(live(await rig.list([more]))?.adapter).toBeUndefined()
    expect(live(await rig.list([renamed]))?.adapter?.adapted(args)).toEqual({ target: 'a' })
    // After a start with it, and after one without it.
    const again = rigOf(adapter, { governance: { admit }, durable })
    await again.registry.start()
    expect(live(await again.list([renamed]))?.adapter?.adapted(args)).toEqual({ target: 'a' })
    const without = registryRig({ locked: () => lockedOf(first), governance: { admit }, durable })
    await without.registry.start()
    expect(live(await without.list([renamed]))).toMatchObject({ adapter: undefined })
  })

  it('is not where it is not proved, and that is told once; with an override each call is held against the new schema', async () => {
    const narrow = toolOf('echo', { target: { type: 'string', maxLength: 2 } })
    const digests = digestsOf(narrow)
    const own = { ...adapter, contract: digests.contract, hints: digests.hints }
    const rig = rigOf(own)
    await rig.list([first])
    expect(live(await rig.list([narrow]))?.adapter).toBeUndefined()
    await rig.list([{ ...narrow }])
    expect(rig.logged.filter((line) => line.includes('lock file has for calls'))).toEqual([expect.stringContaining('not proved')])
    const over = rigOf({ ...own, override: true })
    await over.list([first])
    const made = live(await over.list([narrow]))?.adapter
    expect([made?.fits?.({ ref: 'ab' }), made?.fits?.({ ref: 'abc' })]).toEqual([true, false])
  })

  it('goes behind what an operator put into force, and behind a rejection', async () => {
    const rig = rigOf(adapter)
    await rig.list([first])
    await rig.list([renamed])
    const decide = (action: 'approve' | 'reject', translation?: { asked: object; override: boolean }) =>
      rig.operators.decide('up', 'echo', { action, by: 'bob', reason: 'own', expect: [digestsOf(renamed).exact], translation })
    expect(await decide('approve', { asked: {}, override: false })).toMatchObject({
      entry: { change: { translation: { by: 'bob', inForce: true } } },
    })
    await decide('reject')
    expect(live(await rig.list([{ ...renamed }]))).toMatchObject({ adapter: undefined })
    expect(stateOf(rig)).toBe('rejected')
  })
})
