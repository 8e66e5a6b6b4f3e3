import { describe, expect, it } from 'vitest'
import { testDurable } from '../../../test/doubles/durable.ts'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { Deprecation } from '../../core/call/deprecation.ts'
import type { Principal } from '../../core/call/principal.ts'
import type { CallRecord } from '../../core/call/record.ts'
import type { Durable } from '../../core/ports/durable.ts'
import { dayMs } from '../../core/text/duration.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { toolsBySelector } from '../tools/by-selector.ts'
import { toolsSettings } from '../tools/settings.ts'
import { EndsOfTools } from './ends.ts'
import { type ConfiguredPin, VersionsOfTools } from './operators.ts'
import { deprecationsDomain, Plans } from './plans.ts'
import { ToolUsage, toolUsageDomain } from './usage.ts'

const opened = (): Durable =>
  testDurable({
    domains: [toolUsageDomain, deprecationsDomain],
    clock: systemClock,
    report: silentReport,
  })

const versions = ['create_v1', 'create_v2', 'other']

function setting({
  tools = {},
  pins = [],
  listed = versions,
  locked = {},
}: {
  tools?: Record<string, object>
  pins?: readonly ConfiguredPin[]
  listed?: readonly string[]
  locked?: Record<string, Deprecation>
} = {}) {
  const clock = new ManualClock()
  const durable = opened()
  const { report, counted, logged } = aReport()
  const usage = new ToolUsage(durable, clock, report)
  const plans = new Plans(durable, silentReport)
  const ends = new EndsOfTools({
    configured: toolsBySelector(toolsSettings.parse(tools)),
    plans,
    locked: new Map([['billing', new Map(Object.entries(locked))]]),
  })
  const operators = new VersionsOfTools({
    usage,
    plans,
    ends,
    pins,
    clock,
    listed: (upstream) => (upstream === 'billing' ? listed : undefined),
  })
  const principals = new Map<string, Principal>()
  const known = (sub: string): Principal => {
    const principal = principals.get(sub) ?? aPrincipal({ sub })
    principals.set(sub, principal)
    return principal
  }
  const called = (item: string, sub: string, client: string | undefined, change: Partial<CallRecord> = {}): void =>
    usage.note({
      method: 'tools/call',
      upstream: 'billing',
      item,
      attempts: 1,
      atMs: clock.now(),
      caller: { principal: known(sub), client: client === undefined ? undefined : { name: client, version: '1' } },
      ...change,
    } as CallRecord)
  const at = (days: number): number => Math.floor(clock.now() / dayMs) * dayMs + days * dayMs
  const end = (name: string, days: number | undefined, more: { version?: number; override?: boolean; from?: number } = {}) =>
    operators.end('billing', name, {
      version: more.version,
      plan: { fromMs: at(more.from ?? 0), sunsetMs: days === undefined ? undefined : at(days), replacement: undefined, brownouts: [] },
      override: more.override ?? false,
    })
  const kinds = async (...asked: Parameters<typeof end>) => {
    const done = await end(...asked)
    return done.kind === 'refused' ? done.objections.map(({ kind }) => kind) : done.kind
  }
  return { clock, counted, logged, durable, usage, plans, ends, operators, called, end, kinds, at }
}

describe('who uses a version', () => {
  it('is known by caller and client for 14 days, of one tool and of its family', async () => {
    const { called, operators, clock } = setting()
    called('create_v1', 'old', 'agent')
    await clock.advance(10 * dayMs)
    for (let n = 0; n < 3; n += 1) called('create_v1', 'alice', 'agent')
    called('create_v1', 'alice', 'editor')
    called('create_v2', 'bob', undefined)
    called('other', 'bob', 'agent')
    called('create_v1', 'refused', 'agent', { attempts: 0 })
    called('create_v1', 'lister', 'agent', { method: 'tools/list' })
    const of = async (name: string) =>
      ((await operators.report('billing', name))?.usage ?? [])
        .map(({ tool, version, subject, client, calls }) => [tool, version, subject, client, calls].join(' '))
        .sort()
    expect(await of('create')).toEqual([
      'create_v1 1 alice agent 3',
      'create_v1 1 alice editor 1',
      'create_v1 1 old agent 1',
      'create_v2 2 bob  1',
    ])
    called('create_v1', 'alice', 'agent')
    expect(await of('create_v1')).toEqual(['create_v1 1 alice agent 4', 'create_v1 1 alice editor 1', 'create_v1 1 old agent 1'])
    expect(await of('other')).toEqual(['other  bob agent 1'])
    await clock.advance(5 * dayMs)
    expect(await of('create_v1')).toEqual(['create_v1 1 alice agent 4', 'create_v1 1 alice editor 1'])
    expect(await operators.report('billing', 'nothing')).toBeUndefined()
    expect(await operators.report('elsewhere', 'create')).toBeUndefined()
  })

  it('is kept while the store takes nothing', async () => {
    const { called, operators, durable, usage, clock } = setting()
    const { transact } = durable
    durable.transact = async () => ({ ok: false, fault: { kind: 'unavailable', message: 'away' } })
    called('other', 'alice', 'agent')
    await clock.advance(10_000)
    durable.transact = transact.bind(durable)
    called('other', 'alice', 'agent')
    expect((await operators.report('billing', 'other'))?.usage).toMatchObject([{ calls: 2 }])
    await durable.close()
    expect(await usage.of('billing', 'other')).toBeUndefined()
  })
})

describe('more use than is kept apart', () => {
  const many = 20_000

  it('is counted, told once, and said where usage is shown, until it is no matter any more', async () => {
    const { called, operators, kinds, counted, logged, clock } = setting()
    for (let n = 0; n < many; n += 1) called('create_v2', `caller ${n}`, 'agent')
    expect((await operators.report('billing', 'create_v1'))?.isIncomplete).toBe(false)
    expect(await kinds('create_v1', 10)).toEqual(['before_date'])
    for (let n = 0; n < many; n += 1) called('create_v2', `caller ${n}`, 'agent')
    called('create_v1', 'alice', 'agent')
    called('create_v1', 'alice', 'agent')
    called('create_v2', 'caller 1', 'agent')
    expect([counted.tool_usage_lost, logged]).toEqual([2, ['Who calls which version of a tool is not counted whole']])
    expect(await operators.report('billing', 'create_v1')).toMatchObject({ isIncomplete: true, usage: [] })
    // Nobody is known to call it, and nobody is known not to.
    expect(await kinds('create_v1', 10)).toEqual(['before_date', 'in_use'])
    await clock.advance(14 * dayMs)
    expect((await operators.report('billing', 'create_v1'))?.isIncomplete).toBe(false)
    expect(await kinds('create_v1', 10)).toEqual(['before_date'])
  })

  it('is what waits too long for the store as well', async () => {
    const { called, operators, counted, durable, clock } = setting()
    const { transact } = durable
    durable.transact = async () => ({ ok: false, fault: { kind: 'unavailable', message: 'away' } })
    for (let n = 0; n < many; n += 1) called('other', `caller ${n}`, 'agent')
    await clock.advance(10_000)
    for (let n = 0; n < 3; n += 1) called('create_v1', 'alice', 'agent')
    await clock.advance(10_000)
    durable.transact = transact.bind(durable)
    expect((await operators.report('billing', 'create_v1'))?.usage).toMatchObject([{ calls: 3 }])
    // The oldest is what makes room.
    expect(counted.tool_usage_lost).toBe(1)
  })
})

describe('the end of a version', () => {
  it('is planned where callers have 90 days, and no sooner', async () => {
    const { kinds, plans, at } = setting()
    expect(await kinds('create', 89, { version: 1 })).toEqual(['before_date'])
    expect(await kinds('create', 90, { version: 1 })).toBe('planned')
    expect(plans.planOf('billing', 'create_v1')).toMatchObject({ sunsetMs: at(90) })
    expect(plans.planOf('billing', 'create_v2')).toBeUndefined()
    expect(await kinds('create_v1', 60)).toEqual(['before_date'])
    expect(await kinds('create_v1', 120)).toBe('planned')
    expect(await kinds('create_v1', 100)).toEqual(['before_date'])
    expect(await kinds('create_v2', 100, { from: 20 })).toEqual(['before_date'])
    expect(await kinds('other', undefined)).toBe('planned')
  })

  it.each(['create', 'billing/create', 'billing__create'])('is refused while configuration pins callers to it, as %s', async (family) => {
    const { kinds } = setting({ pins: [{ key: 'access.0.versions', family, version: 1 }] })
    expect(await kinds('create_v1', 100)).toEqual(['pinned'])
    expect(await kinds('create_v2', 100)).toBe('planned')
  })

  it('is refused with calls of the last 14 days, when it is due', async () => {
    const { kinds, called, clock, at, operators } = setting()
    called('create_v1', 'alice', 'agent')
    expect(await kinds('create_v1', 90)).toBe('planned')
    expect(await kinds('create_v1', 10)).toEqual(['before_date', 'in_use'])
    await clock.advance(89 * dayMs)
    const due = () =>
      operators.end('billing', 'create_v1', {
        version: undefined,
        plan: { fromMs: at(-89), sunsetMs: at(1), replacement: undefined, brownouts: [] },
        override: false,
      })
    expect((await due()).kind).toBe('planned')
    called('create_v1', 'alice', 'agent')
    expect(await due()).toMatchObject({ kind: 'refused', objections: [{ kind: 'in_use' }] })
  })

  it('of a tool without a version is no matter of who calls its versions', async () => {
    const { kinds, called } = setting({ listed: ['create', ...versions] })
    called('create_v1', 'alice', 'agent')
    expect(await kinds('create', 10)).toEqual(['before_date'])
    called('create', 'bob', 'agent')
    expect(await kinds('create', 10)).toEqual(['before_date', 'in_use'])
  })

  it('is the operator’s own matter with an override, but not against configuration', async () => {
    const tools = {
      'billing/create': { versions: { deprecated: { 2: { from: '2027-01-01' } } } },
      'billing/other': { deprecated: { from: '2027-01-01' } },
    }
    const { end, kinds, plans } = setting({ tools, pins: [{ key: 'toolsets.a.versions', family: 'create', version: 1 }] })
    expect(await end('create_v1', 1, { override: true })).toMatchObject({
      kind: 'planned',
      overridden: [{ kind: 'before_date' }, { kind: 'pinned' }],
    })
    for (const name of ['create_v2', 'other']) {
      expect(await kinds(name, 200, { override: true })).toEqual(['configured'])
      expect(plans.planOf('billing', name)).toBeUndefined()
    }
  })

  describe('where the lock file plans it', () => {
    const at = (days: number): number => Math.floor(new ManualClock().now() / dayMs) * dayMs + days * dayMs
    const told = { fromMs: at(-10), sunsetMs: at(100), replacement: 'create_v2', brownouts: [] }
    const locked = { create_v1: told, create_v2: told }
    const taken = { version: undefined, plan: undefined, override: false }

    it('is shown with who planned it, and comes no sooner than callers were told', async () => {
      const { operators, kinds, ends } = setting({ locked })
      expect((await operators.report('billing', 'create_v1'))?.tools).toMatchObject([{ end: { plan: told, by: 'lock' } }])
      expect(await kinds('create_v1', 95)).toEqual(['before_date'])
      expect(await kinds('create_v1', 110)).toBe('planned')
      expect(ends.inForce('billing', 'create_v1')).toMatchObject({ by: 'operator', plan: { sunsetMs: at(110) } })
      expect(ends.planOf('billing', 'create_v2')).toEqual(told)
      expect(ends.planOf('billing', 'other')).toBeUndefined()
    })

    it('goes behind what configuration says', async () => {
      const tools = { 'billing/create': { versions: { deprecated: { 1: { from: '2027-01-01' } } } } }
      const { ends, kinds } = setting({ tools, locked })
      expect(ends.inForce('billing', 'create_v1')).toMatchObject({ by: 'configuration', plan: { sunsetMs: undefined } })
      expect(await kinds('create_v1', 200)).toEqual(['configured'])
    })

    it('holds again once an operator takes back his own, which is told where it comes sooner', async () => {
      const { operators, ends, kinds } = setting({ locked })
      const cancel = (override = false) => operators.end('billing', 'create_v1', { ...taken, override })
      expect(await cancel()).toMatchObject({ kind: 'refused', objections: [{ kind: 'locked' }] })
      expect(await cancel(true)).toMatchObject({ kind: 'refused', objections: [{ kind: 'locked' }] })
      expect(await kinds('create_v1', 110)).toBe('planned')
      expect(await cancel()).toMatchObject({ kind: 'refused', objections: [{ kind: 'before_date' }] })
      expect(await cancel(true)).toMatchObject({ kind: 'planned', overridden: [{ kind: 'before_date' }] })
      expect(ends.inForce('billing', 'create_v1')).toMatchObject({ by: 'lock' })
      expect(await kinds('create_v2', 50, { override: true })).toBe('planned')
      expect(await operators.end('billing', 'create_v2', taken)).toMatchObject({ kind: 'planned', overridden: [] })
    })
  })

  it('is known after a restart, and can be taken back', async () => {
    const { end, durable, operators, at } = setting()
    await end('create_v1', 100)
    const told: string[] = []
    const again = new Plans(durable, silentReport)
    again.onChange((upstream) => told.push(upstream))
    await again.start()
    expect(told).toEqual(['billing'])
    expect(again.planOf('billing', 'create_v1')).toEqual({ fromMs: at(0), sunsetMs: at(100), replacement: undefined, brownouts: [] })
    const taken = await operators.end('billing', 'create', { version: 1, plan: undefined, override: false })
    expect(taken).toMatchObject({ kind: 'planned', tool: 'create_v1' })
    const third = new Plans(durable, silentReport)
    await third.start()
    expect(third.planOf('billing', 'create_v1')).toBeUndefined()
  })

  it.each([
    ['create', undefined, /say which/],
    ['create', 7, /no version 7/],
    ['nothing', undefined, /no tool nothing/],
  ])('of what is not there: %s %s', async (name, version, says) => {
    const done = await setting().end(name, 100, version === undefined ? {} : { version })
    expect(done).toMatchObject({ kind: 'unknown', reason: expect.stringMatching(says) })
  })

  it('does not hold where it cannot be kept', async () => {
    const { end, durable, plans } = setting()
    await durable.close()
    expect((await end('create_v1', 100, { override: true })).kind).toBe('unkept')
    expect(plans.planOf('billing', 'create_v1')).toBeUndefined()
  })
})
