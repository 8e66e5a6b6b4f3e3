import { describe, expect, it } from 'vitest'
import { type Bench, bench, callOf, exchangeOf, faultOf, quiet, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import type { Call } from '../../core/call/call.ts'
import type { Within } from '../../core/call/exchange.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { mostSessions } from './own-lists.ts'

const common = [tool('enable')]
const enabled = [...common, tool('extra')]

async function start(): Promise<{ made: Bench; a: ScriptedUpstream; told: string[] }> {
  const a = new ScriptedUpstream('a', { tools: common })
  const made = await bench([a, new ScriptedUpstream('b', { tools: [tool('other')] })]).start()
  const told: string[] = []
  const versions = new Map<string, string>()
  made.catalog.onChange(() => {
    for (const session of ['s', 't']) {
      const now = made.catalog.watching.version(by(session), 'tools')
      if (versions.get(session) !== now && versions.has(session)) told.push(session)
      versions.set(session, now)
    }
  })
  for (const session of ['s', 't']) versions.set(session, made.catalog.watching.version(by(session), 'tools'))
  return { made, a, told }
}

function by(session: string | undefined, mount = 'a', method: 'tools/list' | 'tools/call' = 'tools/list', params = {}): Call {
  const plain = callOf(method, params, { mount })
  return { ...plain, caller: { ...plain.caller, affinity: session } }
}

const list = async ({ catalog, clock }: Bench, session?: string, mount?: string) =>
  shown(await catalog.stages.list(by(session, mount), exchangeOf(clock)))

const call = ({ catalog, clock }: Bench, session: string | undefined, name: string): Promise<Outcome> =>
  catalog.stages.resolve.run(by(session, 'a', 'tools/call', { name }), exchangeOf(clock), () =>
    Promise.resolve(complete(emptyObject, unscanned(2))),
  )

async function settle({ clock }: Bench): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await clock.advance(50)
    await quiet()
  }
}

function tell(a: ScriptedUpstream, session?: string, isNew = false): void {
  const within: { within?: Within } = session === undefined ? {} : { within: { session, isNew } }
  a.tell({ kind: 'changed', list: 'tools', ...within })
}

describe('what a server changed for one session alone', () => {
  it('is listed, told and called in that session, on each mount, and in no other', async () => {
    const { made, a, told } = await start()
    a.own.set('s', enabled)
    tell(a, 's')
    await settle(made)
    expect(await list(made, 's')).toEqual(['enable', 'extra'])
    expect(await list(made, 's', '')).toEqual(['a__enable', 'a__extra', 'b__other'])
    expect(await list(made, 't')).toEqual(['enable'])
    expect(await list(made)).toEqual(['enable'])
    expect(told).toEqual(['s'])
    expect((await call(made, 's', 'extra')).kind).toBe('complete')
    for (const session of ['t', undefined]) expect(faultOf(await call(made, session, 'extra')).kind).toBe('unknown_tool')
  })

  it('goes when the server takes it back, and with the session', async () => {
    const { made, a, told } = await start()
    for (const session of ['s', 't']) a.own.set(session, enabled)
    tell(a, 's')
    tell(a, 't')
    await settle(made)
    a.own.set('s', common)
    tell(a, 's')
    await settle(made)
    expect([await list(made, 's'), await list(made, 't')]).toEqual([['enable'], ['enable', 'extra']])
    expect(told).toEqual(['s', 't', 's'])
    made.catalog.sessionEnded('t')
    expect(await list(made, 't')).toEqual(['enable'])
  })

  it('is looked at again where the connection of the session is another one, and only there', async () => {
    const { made, a } = await start()
    a.own.set('s', enabled)
    tell(a, 's')
    await settle(made)
    a.own.set('s', common)
    a.ownPulls.length = 0
    tell(a, 's', true)
    tell(a, 't', true)
    await settle(made)
    expect(await list(made, 's')).toEqual(['enable'])
    expect(a.ownPulls).toEqual(['s tool'])
  })

  it('stays where the connection cannot be asked just now', async () => {
    const { made, a } = await start()
    a.own.set('s', enabled)
    tell(a, 's')
    await settle(made)
    a.own.delete('s')
    tell(a, 's')
    await settle(made)
    expect(await list(made, 's')).toEqual(['enable', 'extra'])
  })
})

describe('what a server changed for all', () => {
  it('is read once, however many sessions are told', async () => {
    const { made, a } = await start()
    a.lists.tool = enabled
    for (const session of ['s', 't']) a.own.set(session, enabled)
    tell(a, 's')
    tell(a)
    tell(a, 't')
    await settle(made)
    expect([await list(made, 's'), await list(made, 't'), await list(made)]).toEqual([1, 2, 3].map(() => ['enable', 'extra']))
    expect(a.ownPulls).toEqual([])
  })

  it('and told to one session alone, is told once and makes no list of its own', async () => {
    const { made, a, told } = await start()
    a.lists.tool = enabled
    a.own.set('s', enabled)
    tell(a, 's')
    await settle(made)
    expect(await list(made)).toEqual(['enable', 'extra'])
    expect([...told].sort()).toEqual(['s', 't'])
    a.lists.tool = common
    tell(a)
    await settle(made)
    expect(await list(made, 's')).toEqual(['enable'])
  })

  it('is seen by a session that has something of its own too', async () => {
    const { made, a } = await start()
    a.own.set('s', enabled)
    tell(a, 's')
    await settle(made)
    a.lists.tool = [...common, tool('news')]
    a.own.set('s', [...enabled, tool('news')])
    tell(a)
    await settle(made)
    expect(await list(made, 's')).toEqual(['enable', 'extra', 'news'])
    expect(await list(made, 't')).toEqual(['enable', 'news'])
  })
})

it('more sessions than have room see what all see again, the oldest first', async () => {
  const { made, a } = await start()
  for (let n = 0; n <= mostSessions; n += 1) {
    a.own.set(`s${n}`, enabled)
    tell(a, `s${n}`)
  }
  await settle(made)
  expect(await list(made, 's0')).toEqual(['enable'])
  expect(await list(made, `s${mostSessions}`)).toEqual(['enable', 'extra'])
  expect(made.counted).toContain('own_lists_dropped a')
})
