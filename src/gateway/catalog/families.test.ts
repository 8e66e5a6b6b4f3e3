import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, faultOf, resultOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Call } from '../../core/call/call.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { StatedPins } from '../../core/call/tool-pins.ts'
import type { Contracts } from '../../core/ports/contracts.ts'
import { createPolicy } from '../access/access.ts'
import { accessSettings } from '../access/settings.ts'
import { toolsBySelector } from '../tools/by-selector.ts'
import { toolsSettings } from '../tools/settings.ts'
import type { CatalogOptions } from './index.ts'
import { toolsetSettings } from './settings.ts'

const minute = 60_000
/** Where the clock of the rig begins: 2027-01-15T08:00Z. */
const start = 1_800_000_000_000
const date = (minutes: number): string => new Date(start + minutes * minute).toISOString()

const tool = (name: string, more: object = {}) => ({
  name,
  description: `does ${name}`,
  inputSchema: { type: 'object', properties: { [`of_${name}`]: { type: 'string' } } },
  ...more,
})

interface Options extends Omit<Partial<CatalogOptions>, 'tools' | 'toolsets' | 'access'> {
  readonly tools?: Record<string, object>
  readonly toolsets?: Record<string, object>
  readonly access?: readonly object[]
}

async function serving(names: readonly string[], { tools = {}, toolsets = {}, access, ...options }: Options = {}) {
  const upstream = new ScriptedUpstream('billing', { tools: names.map((name) => tool(name)) })
  const made = await bench([upstream], {
    ...options,
    tools: toolsBySelector(toolsSettings.parse(tools)),
    toolsets: Object.fromEntries(Object.entries(toolsets).map(([name, settings]) => [name, toolsetSettings.parse(settings)])),
    ...(access === undefined ? {} : { access: createPolicy(accessSettings.parse(access), { now: () => start }) }),
  }).start()
  const { catalog, clock } = made
  const asked = (method: 'tools/list' | 'tools/call', params: Record<string, unknown>, who: Who) => {
    const call = callOf(method, params, { mount: who.mount ?? 'billing' })
    const caller: Call['caller'] = {
      ...call.caller,
      principal: aPrincipal(who.groups === undefined ? {} : { groups: who.groups }),
      pins: pinsOf(who),
    }
    return { ...call, caller }
  }
  const list = (who: Who = {}): Promise<Outcome> => catalog.stages.list(asked('tools/list', {}, who), exchangeOf(clock))
  let reached: string | undefined
  const call = async (name: string, who: Who = {}): Promise<Outcome> => {
    reached = undefined
    return catalog.stages.resolve.run(asked('tools/call', { name, arguments: {} }, who), exchangeOf(clock), (routed) => {
      reached = routed.item.name
      return Promise.resolve(complete(payloadOf({ content: [] }), unscanned(14)))
    })
  }
  const reaches = async (name: string, who: Who = {}) => {
    const outcome = await call(name, who)
    return outcome.kind === 'fault' ? faultOf(outcome).kind : reached
  }
  return { ...made, upstream, list, call, reaches, names: async (who: Who = {}) => shown(await list(who)), asked }
}

interface Who {
  readonly mount?: string
  readonly groups?: readonly string[]
  readonly header?: Record<string, number>
  readonly meta?: Record<string, number>
}

function pinsOf({ header, meta }: Who): StatedPins | undefined {
  if (header === undefined && meta === undefined) return undefined
  return { header: header && new Map(Object.entries(header)), meta: meta && new Map(Object.entries(meta)) }
}

const asSent = { shown: 'sent' as const, contract: undefined }
const both = ['create_v1', 'create_v2', 'other']

describe('versions side by side', () => {
  it('are listed and callable, and the name without a version leads to the highest', async () => {
    const { names, reaches, list } = await serving(both)
    expect(await names()).toEqual(['create', 'create_v1', 'create_v2', 'other'])
    for (const name of both) expect(await reaches(name)).toBe(name)
    expect(await reaches('create')).toBe('create_v2')
    const [alias] = resultOf(await list()).tools as Record<string, unknown>[]
    expect(alias).toMatchObject({ ...tool('create_v2'), name: 'create', _meta: { 'signalbox.dev/version': 2 } })
  })

  it('have the prefix of their server on the aggregate, the alias too', async () => {
    const { names, reaches, call } = await serving(both)
    expect(await names({ mount: '' })).toEqual(['billing__create', 'billing__create_v1', 'billing__create_v2', 'billing__other'])
    expect(await reaches('billing__create', { mount: '' })).toBe('create_v2')
    expect(faultOf(await call('create', { mount: '' })).detail).toMatchObject({ candidates: ['billing__create'] })
  })

  it.each([
    ['a single one is no family', ['create_v1', 'other'], {}, ['create_v1', 'other']],
    ['unless it is declared', ['create_v1'], { 'billing/create': { versions: {} } }, ['create', 'create_v1']],
    ['a dash as well, and ten after nine', ['x-v9', 'x-v10', 'x-v1'], {}, ['x', 'x-v9', 'x-v10', 'x-v1']],
    ['v0, v01 and v1a are no versions', ['x_v0', 'x_v01', 'x_v1a', '_v2'], {}, ['x_v0', 'x_v01', 'x_v1a', '_v2']],
    ['a tool that has the name keeps it', ['create', 'create_v1', 'create_v2'], {}, ['create', 'create_v1', 'create_v2']],
  ])('%s', async (_what, tools, settings, expected) => {
    expect(await (await serving(tools, { tools: settings })).names()).toEqual(expected)
  })

  it('a tool that has the name of the family is what it leads to', async () => {
    const { reaches } = await serving(['create', 'create_v1', 'create_v2'])
    expect(await reaches('create')).toBe('create')
    expect(await reaches('create', { header: { create: 1 } })).toBe('create_v1')
  })

  it('configuration says where the name leads', async () => {
    const { reaches, status } = await serving(both, { tools: { 'billing/create': { versions: { alias: 1 } } } }).then((made) => ({
      ...made,
      status: made.catalog.status(),
    }))
    expect(await reaches('create')).toBe('create_v1')
    expect(status[0]?.unmatched).toEqual([])
  })

  it('nowhere, where that version does not exist', async () => {
    const { call, names } = await serving(both, { tools: { 'billing/create': { versions: { alias: 7 } } } })
    expect(await names()).toEqual(both)
    expect(faultOf(await call('create'))).toMatchObject({ kind: 'version_retired', detail: { versions: [1, 2] } })
  })

  it('a toolset shows the alias, the versions, or what it includes of them', async () => {
    const { names, reaches } = await serving(both, {
      toolsets: {
        alias: { include: ['billing/create'] },
        old: { include: ['billing'], exclude: ['billing/create_v2'] },
        one: { include: ['billing/create_v1'] },
        named: { include: ['billing/create'], rename: { 'billing/create': 'make' }, describe: { 'billing/create': 'makes it' } },
      },
    })
    expect(await names({ mount: 'alias' })).toEqual(['billing__create'])
    expect(await reaches('billing__create', { mount: 'alias' })).toBe('create_v2')
    expect(await names({ mount: 'old' })).toEqual(['billing__create', 'billing__create_v1', 'billing__other'])
    expect(await reaches('billing__create', { mount: 'old' })).toBe('create_v1')
    expect(await names({ mount: 'one' })).toEqual(['billing__create_v1'])
    expect(await names({ mount: 'named' })).toEqual(['make'])
  })
})

describe('a pin', () => {
  it.each([
    ['the header', { header: { create: 1 } }],
    ['_meta', { meta: { create: 1 } }],
    ['the server before the name', { header: { 'billing/create': 1 } }],
  ])('by %s shows that version alone', async (_what, who) => {
    const { names, reaches } = await serving(both)
    expect(await names(who)).toEqual(['create', 'create_v1', 'other'])
    expect(await reaches('create', who)).toBe('create_v1')
    expect(await reaches('create_v1', who)).toBe('create_v1')
    expect(await reaches('create_v2', who)).toBe('unknown_tool')
  })

  it('by the name that the aggregate shows', async () => {
    const { names, reaches } = await serving(both)
    const who = { mount: '', header: { billing__create: 1 } }
    expect(await names(who)).toEqual(['billing__create', 'billing__create_v1', 'billing__other'])
    expect(await reaches('billing__create', who)).toBe('create_v1')
  })

  it('holds in the order access, toolset, header, _meta', async () => {
    const { reaches } = await serving(['t_v1', 't_v2', 't_v3', 't_v4', 't_v5'], {
      toolsets: { set: { include: ['billing'], versions: { t: 2 } }, free: { include: ['billing'] } },
      tools: { 'billing/t': { versions: { alias: 5 } } },
      access: [
        { groups: ['partners'], use: ['billing'], versions: { 'billing/t': 1 } },
        { groups: ['all'], use: ['*'] },
      ],
    })
    const all = { header: { t: 3 }, meta: { t: 4 } }
    expect(await reaches('billing__t', { mount: 'set', groups: ['partners', 'all'], ...all })).toBe('t_v1')
    expect(await reaches('billing__t', { mount: 'set', groups: ['all'], ...all })).toBe('t_v2')
    expect(await reaches('billing__t', { mount: 'free', groups: ['all'], ...all })).toBe('t_v3')
    expect(await reaches('billing__t', { mount: 'free', groups: ['all'], meta: { t: 4 } })).toBe('t_v4')
    expect(await reaches('billing__t', { mount: 'free', groups: ['all'] })).toBe('t_v5')
  })

  it('of a version that does not exist is refused with those that do, and never another one', async () => {
    const { call, names, list } = await serving(both)
    const who = { header: { create: 3 } }
    for (const name of ['create', 'create_v1', 'create_v2']) {
      expect(faultOf(await call(name, who))).toMatchObject({ kind: 'version_retired', detail: { version: 3, versions: [1, 2] } })
    }
    expect(await names(who)).toEqual(['other'])
    const meta = resultOf(await list(who))._meta as Record<string, { reason: string }[]>
    expect(meta['signalbox.dev/omitted']?.[0]?.reason).toContain('There are 1, 2.')
    // Another number, the same view.
    expect(faultOf(await call('create', { header: { create: 9 } })).detail).toMatchObject({ version: 9 })
  })

  it('of a version that nobody has admitted is held back, and shows no other one', async () => {
    const contracts: Contracts = {
      rule: async (_upstream, tools) => ({
        rulings: tools.map(({ name }) => (name === 'create_v2' ? { ...asSent, shown: 'nothing' as const, reason: 'is new' } : asSent)),
        inForce: () => undefined,
      }),
      onChange: () => () => undefined,
      read: () => undefined,
    }
    const { call, names, reaches } = await serving(['create_v1', 'create_v2', 'create_v3', 'other'], { contracts })
    expect(await names()).toEqual(['create', 'create_v1', 'create_v3', 'other'])
    expect(await names({ header: { create: 2 } })).toEqual(['other'])
    expect(faultOf(await call('create', { header: { create: 2 } }))).toMatchObject({ kind: 'tool_held', detail: { name: 'create_v2' } })
    expect(await reaches('create', { header: { create: 1 } })).toBe('create_v1')
  })

  it('of a tool without versions is refused where it surely means it', async () => {
    const { call, reaches } = await serving(both)
    expect(faultOf(await call('other', { header: { other: 1 } }))).toMatchObject({ kind: 'version_retired', detail: { versions: [] } })
    expect(await reaches('billing__other', { mount: '', header: { other: 1 } })).toBe('other')
  })

  it('of the only version that is left makes a family of it', async () => {
    const { names, call } = await serving(['create_v2'])
    expect(await names({ header: { create: 2 } })).toEqual(['create', 'create_v2'])
    expect(faultOf(await call('create', { header: { create: 1 } })).detail).toMatchObject({ versions: [2] })
  })

  it('of what nobody has changes nothing', async () => {
    const { names } = await serving(both)
    expect(await names({ header: { nothing: 1 } })).toEqual(await names())
  })

  it('is no way to what the caller may not use', async () => {
    const { call, list, names } = await serving(['create_v1', 'create_v2', 'secret_v1', 'secret_v2'], {
      access: [{ use: ['billing/create_*'] }],
    })
    expect(await names({ header: { secret: 1 } })).toEqual(['create', 'create_v1', 'create_v2'])
    expect(faultOf(await call('secret', { header: { secret: 3 } })).kind).toBe('unknown_tool')
    expect(JSON.stringify(resultOf(await list({ header: { secret: 3 } })))).not.toContain('secret')
  })

  it('has a version of the list of its own, which tells of its own changes', async () => {
    const { catalog, asked, upstream, clock } = await serving(both)
    const version = (who: Who) => catalog.watching.version(asked('tools/list', {}, who), 'tools')
    const [free, one, two] = [version({}), version({ header: { create: 1 } }), version({ header: { create: 2 } })]
    expect(new Set([free, one, two]).size).toBe(3)
    expect(version({ meta: { 'billing/create': 1 } })).toBe(one)
    upstream.lists = { ...upstream.lists, tool: ['create_v1', 'create_v2', 'create_v3', 'other'].map((name) => tool(name)) }
    catalog.refresh('billing')
    await clock.advance(1_000)
    await clock.advance(1_000)
    expect(version({ header: { create: 1 } })).toBe(one)
    expect(version({})).not.toBe(free)
  })

  it('shows no name, schema or word of another version, whatever the tools and the pins', async () => {
    const families = fc.uniqueArray(fc.constantFrom('alpha', 'beta', 'gamma_x', 'delta'), { minLength: 1 })
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        families.chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, numbers])))),
        fc.boolean(),
        fc.constantFrom('', 'billing'),
        fc.constantFrom<'header' | 'meta'>('header', 'meta'),
        fc.nat(),
        async (made, plain, mount, by, seed) => {
          const names = Object.entries(made).flatMap(([family, some]) => some.map((number) => `${family}_v${number}`))
          const [pinned = '', some = []] = Object.entries(made)[seed % Object.keys(made).length] ?? []
          const pin = some[seed % some.length] as number
          const { list, call } = await serving(plain ? [...names, pinned] : names)
          const who = { mount, [by]: { [pinned]: pin } }
          const others = some.filter((number) => number !== pin).map((number) => `${pinned}_v${number}`)
          const said = [JSON.stringify(resultOf(await list(who)))]
          const prefix = mount === '' ? 'billing__' : ''
          for (const name of [`${prefix}${pinned}_v`, `${prefix}${pinned}s`, pinned, 'v1']) {
            const outcome = await call(name, who)
            said.push(outcome.kind === 'fault' ? JSON.stringify([outcome.fault.message, outcome.fault.detail]) : '')
          }
          for (const other of others) for (const text of said) expect(text.split(/[^A-Za-z0-9_]|billing__|of_/)).not.toContain(other)
          expect(said[0]).toContain(`${pinned}_v${pin}`)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a version whose end is planned', () => {
  const plan = { from: date(1), sunset: date(100), replacement: 'create_v2', brownouts: [{ at: date(50), minutes: 5 }] }
  const tools = { 'billing/create': { versions: { deprecated: { 1: plan } } } }

  it('is as ever before, then says so in lists and results, and the name leads elsewhere', async () => {
    const { list, call, clock, reaches } = await serving(both, { tools: { 'billing/create': { versions: { deprecated: { 2: plan } } } } })
    const entry = async () => (resultOf(await list()).tools as Record<string, unknown>[]).find(({ name }) => name === 'create_v2')
    expect(await entry()).toEqual(tool('create_v2'))
    expect(await reaches('create')).toBe('create_v2')
    await clock.advance(minute)
    const meta = { 'signalbox.dev/deprecation': { from: '2027-01-15T08:01:00Z', sunset: '2027-01-15T09:40:00Z', replacement: 'create_v2' } }
    expect(await entry()).toEqual({
      ...tool('create_v2'),
      description: 'does create_v2 [Deprecated since 2027-01-15T08:01:00Z; it is removed on 2027-01-15T09:40:00Z. Use create_v2 instead.]',
      _meta: meta,
    })
    expect(resultOf(await call('create_v2'))).toEqual({ content: [], _meta: meta })
    expect(resultOf(await call('create_v1'))).toEqual({ content: [] })
    expect(await reaches('create')).toBe('create_v1')
  })

  it('is refused in a brownout, and gone from its sunset on', async () => {
    const { names, call, clock, reaches } = await serving(both, { tools })
    await clock.advance(51 * minute)
    expect(await names()).toContain('create_v1')
    expect(faultOf(await call('create_v1'))).toMatchObject({
      kind: 'version_retired',
      detail: { tool: 'create_v1', version: 1, replacement: 'create_v2' },
    })
    await clock.advance(5 * minute)
    expect(await reaches('create_v1')).toBe('create_v1')
    await clock.advance(50 * minute)
    expect(await names()).toEqual(['create', 'create_v2', 'other'])
    expect(faultOf(await call('create_v1')).message).toContain('Use create_v2 instead')
    expect(await names({ header: { create: 1 } })).toEqual(['other'])
    expect(faultOf(await call('create', { header: { create: 1 } })).message).toContain('removed on 2027-01-15T09:40:00Z')
  })

  it('the replacement has the name that the mount shows', async () => {
    const { call, clock } = await serving(both, { tools })
    await clock.advance(101 * minute)
    expect(faultOf(await call('billing__create_v1', { mount: '' })).message).toContain('Use billing__create_v2 instead')
  })

  it('listeners are told on the day', async () => {
    const { catalog, clock } = await serving(both, { tools })
    catalog.find('billing', 'tool', 'create')
    const told: string[] = []
    catalog.onChange(({ lists }) => told.push(...lists))
    await clock.advance(minute - 1)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual(['tools'])
    catalog.find('billing', 'tool', 'create')
    await clock.advance(99 * minute)
    expect(told).toEqual(['tools', 'tools'])
  })

  it('a tool without versions ends the same way', async () => {
    const { names, clock, call } = await serving(both, { tools: { 'billing/other': { deprecated: plan } } })
    await clock.advance(2 * minute)
    expect(resultOf(await call('other'))._meta).toMatchObject({
      'signalbox.dev/deprecation': { sunset: '2027-01-15T09:40:00Z', replacement: 'create_v2' },
    })
    await clock.advance(49 * minute)
    expect(faultOf(await call('other')).kind).toBe('version_retired')
    await clock.advance(50 * minute)
    expect(await names()).not.toContain('other')
    expect(faultOf(await call('other'))).toMatchObject({ kind: 'version_retired' })
  })
})
