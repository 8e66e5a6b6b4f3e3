// What the catalog makes of what the keeper of contracts says.
import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, faultOf, quiet, resultOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import type { ItemContract } from '../../core/call/contract.ts'
import { complete, unscanned } from '../../core/call/outcome.ts'
import { emptyObject, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Contracts, ListedTool, ToolRuling } from '../../core/ports/contracts.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'
import type { CatalogChange } from './index.ts'

const nothing = (): void => undefined
const asSent: ToolRuling = { shown: 'sent', contract: undefined }
const changed: ItemContract = { digest: 'c1:1', state: 'changed:breaking', mark: 'm', change: { live: undefined, before: [] } }

/** Rules as a test says, by name of the tool; else all is shown as sent. */
function ruling(rules: Record<string, ToolRuling> = {}) {
  const state = {
    rules,
    asked: [] as (readonly ListedTool[])[],
    inForce: 0,
    read: [] as string[],
    tell: nothing as (upstream: string) => void,
    contracts: undefined as unknown as Contracts,
  }
  state.contracts = {
    rule: async (_upstream, tools) => {
      state.asked.push(tools)
      return {
        rulings: tools.map(({ name }) => state.rules[name] ?? asSent),
        inForce: () => {
          state.inForce += 1
        },
      }
    },
    onChange: (listener) => {
      state.tell = listener
      return () => {
        state.tell = nothing
      }
    },
    read: (call, first) => void state.read.push(`${call.mount} ${first}`),
  }
  return state
}

async function started(rules?: Record<string, ToolRuling>, tools = [tool('a'), tool('b')]) {
  const up = new ScriptedUpstream('up', { tools })
  const keeper = ruling(rules)
  const made = await bench([up], { contracts: keeper.contracts }).start()
  const { catalog, clock } = made
  const changes: CatalogChange[] = []
  catalog.onChange((change) => void changes.push(change))
  const list = (params = {}) => catalog.stages.list(callOf('tools/list', params, { mount: 'up' }), exchangeOf(clock))
  const call = (name: string) =>
    catalog.stages.resolve.run(callOf('tools/call', { name }, { mount: 'up' }), exchangeOf(clock), () =>
      Promise.resolve(complete(emptyObject, unscanned(2))),
    )
  const decided = async (upstream = 'up') => {
    keeper.tell(upstream)
    await quiet()
    await clock.advance(0)
  }
  return { ...made, up, keeper, changes, list, call, decided }
}

describe('tools that contracts are kept of', () => {
  it('are shown as listed, as another text, or not at all; what is held says so to who calls it', async () => {
    const old = payloadOf(tool('a', { description: 'as approved', annotations: { readOnlyHint: true } }))
    const { list, call, catalog, keeper } = await started(
      { a: { shown: old, contract: changed }, held: { shown: 'nothing', reason: 'nobody has admitted it', contract: undefined } },
      [tool('a', { description: 'as listed' }), tool('held'), tool('c')],
    )
    const listed = await list()
    expect(shown(listed)).toEqual(['a', 'c'])
    expect(JSON.stringify(resultOf(listed))).toContain('as approved')
    const item = catalog.find('up', 'tool', 'a')
    expect([item?.contract, item?.traits.readOnly]).toEqual([changed, true])
    const refused = faultOf(await call('held'))
    expect(refused).toMatchObject({ kind: 'tool_held', detail: { tool: 'held', upstream: 'up', reason: 'nobody has admitted it' } })
    const [status] = catalog.status()
    expect(status?.quarantined).toEqual([{ kind: 'tool', name: 'held', path: '', reason: 'nobody has admitted it', held: true }])
    expect(status?.counts.tool).toBe(2)
    expect(keeper.read).toEqual(['up true'])
    await list({ cursor: 'none' })
    expect(keeper.read).toEqual(['up true'])
  })

  it('keep their objects while nothing changes, and are asked for as the same objects', async () => {
    const { keeper, catalog, up, clock, changes } = await started()
    const item = catalog.find('up', 'tool', 'a')
    const [first] = keeper.asked
    catalog.refresh('up')
    await quiet()
    await clock.advance(0)
    expect(keeper.asked).toHaveLength(2)
    expect(keeper.asked[1]?.every((one, index) => one === first?.[index])).toBe(true)
    expect(catalog.find('up', 'tool', 'a')).toBe(item)
    expect(changes).toEqual([])
    up.lists.tool = [tool('a', { description: 'other' }), tool('b')]
    catalog.refresh('up')
    await quiet()
    await clock.advance(0)
    expect(keeper.asked[2]?.map((one, index) => one === first?.[index])).toEqual([false, true])
  })

  it('are decided anew when that is told, and come into force when callers are shown them', async () => {
    const { keeper, decided, list, changes, catalog } = await started({ a: { shown: 'nothing', reason: 'new', contract: undefined } })
    expect(shown(await list())).toEqual(['b'])
    const before = keeper.inForce
    keeper.rules = {}
    await decided('nobody')
    expect(shown(await list())).toEqual(['b'])
    await decided()
    expect(shown(await list())).toEqual(['a', 'b'])
    expect(changes).toEqual([{ upstream: 'up', lists: new Set(['tools']) }])
    expect(keeper.inForce).toBeGreaterThan(before)
    expect(catalog.status()[0]?.quarantined).toEqual([])
    // Calls have to know, though the list reads the same.
    keeper.rules = { a: { shown: 'sent', contract: changed } }
    await decided()
    expect(catalog.find('up', 'tool', 'a')?.contract).toBe(changed)
    catalog.stop()
    keeper.rules = { a: { shown: 'nothing', contract: undefined } }
    await decided()
    expect(catalog.find('up', 'tool', 'a')?.contract).toBe(changed)
  })

  it('are kept as their server listed them, so that a restart judges the same', async () => {
    const saved: Uint8Array[] = []
    const keeper = ruling({ a: { shown: payloadOf(tool('a', { description: 'as approved' })), contract: undefined } })
    const up = new ScriptedUpstream('up', { tools: [tool('a', { description: 'as listed' }), tool('held')] })
    const store = {
      keeper: { load: async () => saved.at(-1), save: async (_hash: string, bytes: Uint8Array) => void saved.push(bytes) },
      configHash: () => 'h',
    }
    keeper.rules.held = { shown: 'nothing', contract: undefined }
    const first = await bench([up], { contracts: keeper.contracts, store }).start()
    await first.clock.advance(1_000)
    expect(Buffer.from(saved.at(-1) ?? []).toString()).toMatch(/as listed.*held/)
    const again = bench([up], { contracts: keeper.contracts, store })
    up.become('connecting')
    await again.start()
    const listed = await again.catalog.stages.list(callOf('tools/list', {}, { mount: 'up' }), exchangeOf(again.clock))
    expect(JSON.stringify(resultOf(listed))).toContain('as approved')
    expect(shown(listed)).toEqual(['a'])
  })

  it('a part of a list takes nothing from the rest: what was held stays held', async () => {
    const { up, keeper, list, call, catalog, clock } = await started({ a: { shown: 'nothing', reason: 'new', contract: undefined } })
    up.lists.tool = [tool('c')]
    up.ends.set('tool', new UpstreamFault(fault('upstream_error', { upstream: 'up', reason: 'page 2 failed' })))
    catalog.refresh('up')
    await quiet()
    await clock.advance(0)
    expect(keeper.asked.length).toBeGreaterThan(0)
    expect(shown(await list())).toEqual(['c', 'b'])
    expect(faultOf(await call('a')).kind).toBe('tool_held')
  })
})
