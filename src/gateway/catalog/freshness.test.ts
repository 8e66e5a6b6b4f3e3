import { describe, expect, it } from 'vitest'
import { type Bench, bench, callOf, exchangeOf, faultOf, quiet, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { EndlessList, UpstreamFault } from '../../core/ports/upstream.ts'

const list = async ({ catalog, clock }: Bench, method: 'tools/list' | 'prompts/list' = 'tools/list', mount = '') =>
  shown(await catalog.stages.list(callOf(method, {}, { mount }), exchangeOf(clock)))

const call = ({ catalog, clock }: Bench, name: string): Promise<Outcome> =>
  catalog.stages.resolve.run(callOf('tools/call', { name }), exchangeOf(clock), () => Promise.resolve(complete(emptyObject, unscanned(2))))

async function settle({ clock }: Bench, ms: number): Promise<void> {
  await clock.advance(ms)
  await quiet()
  await clock.advance(0)
}

const pageFailed = (reason = 'page 2 is broken') => new UpstreamFault(fault('upstream_error', { upstream: 'a', reason }))

describe('a list is read again', () => {
  it.each([{ tools: {} }, { tools: { listChanged: false } }, { tools: { listChanged: true } }])(
    'when the server says that it changed, whatever it declared: %j',
    async (capabilities) => {
      const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities })
      const made = await bench([a]).start()
      a.lists.tool = [tool('two')]
      a.tell({ kind: 'changed', list: 'tools' })
      await settle(made, 1_000)
      expect(await list(made)).toEqual(['a__two'])
    },
  )

  it('before the next list is answered, where callers were told of the change', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    const made = await bench([a]).start()
    a.lists.tool = [tool('two')]
    a.tell({ kind: 'changed', list: 'tools', toCallers: true })
    const listed = list(made)
    await settle(made, 1_000)
    expect(await listed).toEqual(['a__two'])
    // What is told while a list is read needs another.
    a.hanging.add('tool')
    a.tell({ kind: 'changed', list: 'tools', toCallers: true })
    await settle(made, 1_000)
    const late: string[][] = []
    void list(made).then((found) => late.push(found))
    await settle(made, 1_000)
    expect(late).toEqual([])
    await settle(made, 1_000)
    expect(late).toEqual([['a__two']])
  })

  it('by the clock where the announcement that was promised never comes', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: { tools: { listChanged: true } } })
    const made = await bench([a]).start()
    a.lists.tool = [tool('two')]
    await settle(made, 200_000)
    expect(a.pulls).toEqual(['tool'])
    await settle(made, 130_000)
    expect(await list(made)).toEqual(['a__two'])
    expect(a.pulls).toEqual(['tool', 'tool'])
  })

  it('once when a caller names what is not known; the call goes on with what came', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    const made = await bench([a]).start()
    a.lists.tool = [tool('one'), tool('two')]
    a.pulls.length = 0
    const [first, second] = await Promise.all([call(made, 'a__two'), call(made, 'a__two')])
    expect([first.kind, second.kind]).toEqual(['complete', 'complete'])
    expect(a.pulls).toEqual(['tool'])
  })

  it('not for every name that is not known', async () => {
    const [a, b] = [new ScriptedUpstream('a', { tools: [tool('one')] }), new ScriptedUpstream('b', { tools: [tool('one')] })]
    const made = await bench([a, b]).start()
    a.pulls.length = 0
    b.pulls.length = 0
    for (let i = 0; i < 50; i += 1) expect(faultOf(await call(made, `a__none${i}`)).kind).toBe('unknown_tool')
    expect([a.pulls, b.pulls]).toEqual([['tool'], []])
    await made.clock.advance(2_500)
    await call(made, 'a__none')
    expect(a.pulls).toEqual(['tool', 'tool'])
  })

  it('and a caller waits for it for a while only', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    const made = await bench([a]).start()
    a.hanging.add('tool')
    const answer = call(made, 'a__two')
    await settle(made, 6_000)
    expect(faultOf(await answer).message).toContain('There is no tool named a__two')
  })

  it('that the server does not declare, where it has one', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], prompts: [{ name: 'p' }], capabilities: {} })
    const b = new ScriptedUpstream('b', { tools: [tool('one')], prompts: [{ name: 'p' }], capabilities: { prompts: {} } })
    const made = await bench([a, b]).start()
    expect(await list(made)).toEqual(['a__one', 'b__one'])
    expect(await list(made, 'prompts/list')).toEqual(['a__p', 'b__p'])
    expect(await list(made, 'tools/list', 'a')).toEqual(['one'])
    a.lists.tool = [tool('two')]
    await settle(made, 70_000)
    expect(await list(made)).toEqual(['a__two', 'b__one'])
  })

  it.each<[string, (a: ScriptedUpstream, made: Bench) => unknown, number]>([
    ['when the server says that it changed', (a) => a.tell({ kind: 'changed', list: 'tools' }), 1_000],
    ['when a caller names an item of it', (_, made) => call(made, 'a__late'), 0],
    ['by the clock', () => undefined, 70_000],
  ])('that the server comes to have and never declared: %s', async (_when, happens, ms) => {
    const a = new ScriptedUpstream('a', { prompts: [{ name: 'p' }], capabilities: { prompts: {} } })
    const made = await bench([a]).start()
    expect(await list(made)).toEqual([])
    await settle(made, 3_000)
    a.lists.tool = [tool('late')]
    const [happened] = await Promise.all([happens(a, made), settle(made, ms)])
    if (ms === 0) expect(happened).toMatchObject({ kind: 'complete' })
    expect(await list(made)).toEqual(['a__late'])
    expect(await list(made, 'prompts/list')).toEqual(['a__p'])
    a.lists.tool = [tool('later')]
    await settle(made, 70_000)
    expect(await list(made)).toEqual(['a__later'])
    expect(made.catalog.status()[0]).toMatchObject({ state: 'ready', reason: undefined })
  })

  it('that the server comes to have, prompts and resources too, where it says so', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: { tools: {} } })
    const made = await bench([a]).start()
    a.lists.prompt = [{ name: 'p' }]
    a.lists.resource = [{ uri: 'a:1', name: 'r' }]
    for (const name of ['prompts', 'resources'] as const) a.tell({ kind: 'changed', list: name })
    await settle(made, 1_000)
    expect(await list(made, 'prompts/list')).toEqual(['a__p'])
    expect(made.catalog.status()[0]?.counts).toMatchObject({ tool: 1, prompt: 1, resource: 1 })
  })

  it('that a server never answers for is not asked for again, until the server says something of it', async () => {
    const a = new ScriptedUpstream('a', { prompts: [{ name: 'p' }], capabilities: { prompts: {} } })
    a.hanging.add('tool')
    const made = await bench([a]).start()
    for (let i = 0; i < 10; i += 1) await settle(made, 30_000)
    expect(faultOf(await call(made, 'a__late')).kind).toBe('unknown_tool')
    expect(a.pulls.filter((kind) => kind === 'tool')).toHaveLength(1)
    a.hanging.clear()
    a.lists.tool = [tool('late')]
    a.tell({ kind: 'changed', list: 'tools' })
    await settle(made, 1_000)
    expect(await list(made)).toEqual(['a__late'])
  })

  it('that was announced, is not declared and is not there, is nothing, and no trouble', async () => {
    const a = new ScriptedUpstream('a', { prompts: [{ name: 'p' }], capabilities: { prompts: {} } })
    a.failing.add('tool')
    const made = await bench([a]).start()
    for (let i = 0; i < 5; i += 1) {
      a.tell({ kind: 'changed', list: 'tools' })
      await settle(made, 1_000)
    }
    expect(await list(made, 'prompts/list')).toEqual(['a__p'])
    expect(made.catalog.status()[0]).toMatchObject({ state: 'ready', reason: undefined })
    expect(made.logged).toEqual([])
  })

  it('that the server does not declare and does not have is nothing, and no trouble', async () => {
    const a = new ScriptedUpstream('a', { capabilities: { prompts: {} }, prompts: [{ name: 'p' }] })
    a.failing.add('tool')
    const b = new ScriptedUpstream('b', { capabilities: {} })
    for (const kind of ['tool', 'prompt', 'resource', 'template'] as const) b.hanging.add(kind)
    const made = await bench([a, b]).start()
    await settle(made, 2_000)
    expect(await list(made)).toEqual([])
    expect(made.catalog.status().map(({ reason, pending }) => [reason, pending])).toEqual([
      [undefined, false],
      [undefined, false],
    ])
    expect(made.logged).toEqual([])
  })
})

describe('a list that does not come whole', () => {
  it('is served as far as it came, is told of once, and is completed by a later attempt', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    a.ends.set('tool', pageFailed())
    const made = await bench([a]).start()
    expect(await list(made)).toEqual(['a__one'])
    for (let i = 0; i < 20; i += 1) await settle(made, 5_000)
    expect(made.catalog.status()[0]).toMatchObject({
      reason: 'tools/list: page 2 is broken',
      incomplete: [{ kind: 'tool', reason: 'page 2 is broken' }],
    })
    expect(made.counted).toEqual(['incomplete_lists a tool'])
    expect(made.logged).toHaveLength(1)
    a.ends.clear()
    a.lists.tool = [tool('one'), tool('two')]
    await settle(made, 31_000)
    expect(await list(made)).toEqual(['a__one', 'a__two'])
    expect(made.catalog.status()[0]).toMatchObject({ reason: undefined, incomplete: [] })
  })

  it('takes nothing away from what the last whole one had', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one'), tool('two'), tool('three')] })
    const made = await bench([a]).start()
    a.lists.tool = [tool('new'), tool('one', { title: 'changed' })]
    a.ends.set('tool', pageFailed())
    a.tell({ kind: 'changed', list: 'tools' })
    await settle(made, 1_000)
    expect(await list(made)).toEqual(['a__new', 'a__one', 'a__two', 'a__three'])
    a.lists.tool = [tool('newer')]
    await settle(made, 31_000)
    expect(await list(made)).toEqual(['a__newer', 'a__one', 'a__two', 'a__three'])
    a.ends.clear()
    await settle(made, 31_000)
    expect(await list(made)).toEqual(['a__newer'])
  })

  it('since it has no end is not read again at once, whatever the server announces and callers name', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    a.ends.set('tool', new EndlessList('tools/list goes on after 500 pages'))
    const made = await bench([a]).start()
    expect(await list(made)).toEqual(['a__one'])
    for (let i = 0; i < 50; i += 1) {
      a.tell({ kind: 'changed', list: 'tools' })
      await call(made, `a__none${i}`)
      await settle(made, 1_000)
    }
    expect(a.pulls.filter((kind) => kind === 'tool')).toHaveLength(1)
    await settle(made, 20_000)
    expect(a.pulls.filter((kind) => kind === 'tool')).toHaveLength(2)
    expect(made.catalog.status()[0]).toMatchObject({
      state: 'degraded',
      reason: 'tools/list goes on after 500 pages',
      incomplete: [{ kind: 'tool' }],
    })
    expect(made.counted).toEqual(['incomplete_lists a tool'])
    expect(made.logged).toHaveLength(1)
  })

  it('has a reason of bounded length', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')] })
    a.ends.set('tool', pageFailed('x'.repeat(690_000)))
    const made = await bench([a]).start()
    expect(JSON.stringify(made.catalog.status()).length).toBeLessThan(3_000)
  })
})
