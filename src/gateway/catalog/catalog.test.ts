import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, faultOf, quiet, resultOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import type { UpstreamId } from '../../core/call/call.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { toolsBySelector } from '../tools/by-selector.ts'
import type { CatalogChange, CatalogStore } from './index.ts'

const toolsOnly = { tools: { listChanged: true } }
const everythingChanges = { ...toolsOnly, prompts: { listChanged: true } }

describe('the catalog is fed', () => {
  it('from all servers, in configuration order and then in theirs, under prefixed names', async () => {
    const a = new ScriptedUpstream('a', {
      tools: [tool('two'), tool('one')],
      prompts: [{ name: 'p' }],
      resources: [{ uri: 'a:1', name: 'x' }],
    })
    const b = new ScriptedUpstream('b', { tools: [tool('one')], templates: [{ uriTemplate: 'b:{x}', name: 't' }] })
    const { catalog, clock } = await bench([a, b]).start()
    const list = catalog.stages.list
    expect(shown(await list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__two', 'a__one', 'b__one'])
    expect(shown(await list(callOf('prompts/list'), exchangeOf(clock)))).toEqual(['a__p'])
    expect(shown(await list(callOf('resources/list'), exchangeOf(clock)))).toEqual(['a:1'])
    expect(shown(await list(callOf('resources/templates/list'), exchangeOf(clock)))).toEqual(['b:{x}'])
    expect(shown(await list(callOf('tools/list', {}, { mount: 'b' }), exchangeOf(clock)))).toEqual(['one'])
  })

  it('byte for byte: only the name is edited, unknown fields and 64-bit integers survive', async () => {
    const odd = '{ "future" : {"n":9007199254740993, "e":1E2}, "name":"t", "inputSchema":{"type":"object"} }'
    const { catalog, clock } = await bench([new ScriptedUpstream('a', { tools: [odd] })]).start()
    const text = async (mount: string) => {
      const outcome = await catalog.stages.list(callOf('tools/list', {}, { mount }), exchangeOf(clock))
      return outcome.kind === 'complete' ? Buffer.from(outcome.result.bytes).toString() : ''
    }
    expect(await text('a')).toBe(`{"tools":[${odd}],"ttlMs":0,"cacheScope":"private"}`)
    expect(await text('')).toContain('{"future" : {"n":9007199254740993, "e":1E2},"name":"a__t"')
  })

  it('with 19 good definitions of 20: the bad one hides none, is counted, logged and shown with path and reason', async () => {
    const tools = Array.from({ length: 20 }, (_, i) => (i === 7 ? { name: 'bad', inputSchema: { type: 'array' } } : tool(`t${i}`)))
    const { catalog, clock, counted, logged } = await bench([new ScriptedUpstream('a', { tools })]).start()
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toHaveLength(19)
    expect(catalog.status()[0]).toMatchObject({
      counts: { tool: 19 },
      quarantined: [{ kind: 'tool', name: 'bad', path: '/inputSchema/type', reason: 'must be "object"' }],
    })
    expect(counted).toEqual(['quarantined_items a tool'])
    expect(logged.map(({ event }) => event)).toEqual(['A definition was set aside'])
  })

  it('once for each announced change or burst of changes, and tells only when definitions differ', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: toolsOnly })
    const { catalog, clock } = await bench([a]).start()
    const told: CatalogChange[] = []
    catalog.onChange((change) => told.push(change))
    await clock.advance(10_000)
    a.pulls.length = 0

    for (let i = 0; i < 100; i += 1) a.tell({ kind: 'changed', list: 'tools' })
    await clock.advance(100)
    expect(a.pulls).toEqual(['tool'])
    expect(told).toEqual([])

    a.lists.tool = [tool('one'), tool('two')]
    a.tell({ kind: 'changed', list: 'tools' })
    await clock.advance(1_000)
    expect(told).toEqual([{ upstream: 'a', lists: new Set(['tools']) }])
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__one', 'a__two'])
  })

  it('at most every half second under a storm of changes', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: toolsOnly })
    const { clock } = await bench([a]).start()
    await clock.advance(5_000)
    a.pulls.length = 0
    for (let i = 0; i < 100; i += 1) {
      a.tell({ kind: 'changed', list: 'tools' })
      await clock.advance(50)
    }
    expect(a.pulls.length).toBeGreaterThan(5)
    expect(a.pulls.length).toBeLessThanOrEqual(11)
  })

  it('by the clock where the server cannot tell of changes', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: { tools: {} } })
    const { clock, catalog } = await bench([a]).start()
    a.lists.tool = [tool('two')]
    await clock.advance(70_000)
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__two'])
    expect(a.pulls).toEqual(['tool', 'tool'])
  })

  it('again when a server comes back; its last known items stay meanwhile', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: toolsOnly })
    const { clock, catalog } = await bench([a]).start()
    a.become('unavailable', 'the process ended')
    const list = () => catalog.stages.list(callOf('tools/list'), exchangeOf(clock))
    expect(shown(await list())).toEqual(['a__one'])
    expect(resultOf(await list())).not.toHaveProperty('_meta')
    expect(catalog.status()[0]).toMatchObject({ state: 'unavailable', reason: 'the process ended', counts: { tool: 1 } })
    a.lists.tool = [tool('two')]
    a.become('ready')
    await clock.advance(0)
    expect(shown(await list())).toEqual(['a__two'])
  })

  it('kind by kind: a list that fails or hangs hides no other, is named, and is tried again', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('one')], prompts: [{ name: 'p' }], resources: [{ uri: 'a:1', name: 'x' }] })
    a.failing.add('prompt')
    a.hanging.add('resource')
    const { clock, catalog } = await bench([a]).start()
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__one'])
    await clock.advance(31_000)
    const prompts = resultOf(await catalog.stages.list(callOf('prompts/list'), exchangeOf(clock)))
    expect(prompts).toMatchObject({ prompts: [], _meta: { 'signalbox.dev/omitted': [{ server: 'a', reason: 'prompt is broken' }] } })
    expect(catalog.status()[0]).toMatchObject({
      state: 'degraded',
      reason: 'prompts/list: prompt is broken; resources/list took longer than 30000 ms',
      counts: { tool: 1 },
    })
    expect(catalog.state('a' as UpstreamId)).toBe('degraded')
    a.failing.clear()
    a.hanging.clear()
    await clock.advance(31_000)
    expect(shown(await catalog.stages.list(callOf('prompts/list'), exchangeOf(clock)))).toEqual(['a__p'])
    expect(catalog.status()[0]).toMatchObject({ state: 'ready', reason: undefined, counts: { resource: 1 } })
  })

  it('without a change showing in a list that is under way', async () => {
    const a = new ScriptedUpstream('a', { tools: Array.from({ length: 2_500 }, (_, i) => tool(`t${i}`)), capabilities: toolsOnly })
    const { clock, catalog } = await bench([a]).start()
    const first = resultOf(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))
    a.lists.tool = [...a.lists.tool, tool('late')]
    a.tell({ kind: 'changed', list: 'tools' })
    const second = catalog.stages.list(callOf('tools/list', { cursor: first.nextCursor }), exchangeOf(clock))
    for (let turn = 0; turn < 20; turn += 1) {
      await clock.advance(50)
      await quiet()
    }
    expect(shown(await second)).toHaveLength(1_000)
    const third = await catalog.stages.list(callOf('tools/list', { cursor: resultOf(await second).nextCursor }), exchangeOf(clock))
    expect(faultOf(third).kind).toBe('invalid_cursor')
  })

  it('keeps a compiled validator as long as its definition is the same', async () => {
    let compiled = 0
    const a = new ScriptedUpstream('a', { tools: [tool('one')], capabilities: toolsOnly })
    const compile = () => {
      compiled += 1
      return { validate: () => [] }
    }
    const { clock, catalog } = await bench([a], { compile }).start()
    const before = catalog.find('', 'tool', 'a__one')
    a.lists.tool = [tool('new'), tool('one')]
    a.tell({ kind: 'changed', list: 'tools' })
    await clock.advance(1_000)
    expect(catalog.find('', 'tool', 'a__one')).toBe(before)
    expect(compiled).toBe(2)
  })
})

describe('a cold start', () => {
  it('waits at most 1.5 s for servers never seen, answers what is there, names what is missing, and tells of it later', async () => {
    const good = new ScriptedUpstream('good', { tools: [tool('one')] })
    const slow = new ScriptedUpstream('slow', { tools: [tool('two')] }).become('connecting')
    const dead = new ScriptedUpstream('dead').become('unavailable', 'spawn nothere ENOENT')
    const { clock, catalog } = await bench([good, slow, dead]).start()
    const answers: string[][] = []
    const first = catalog.stages.list(callOf('tools/list'), exchangeOf(clock)).then((outcome) => {
      answers.push(shown(outcome))
      return outcome
    })
    await clock.advance(1_400)
    expect(answers).toEqual([])
    await clock.advance(200)
    expect(answers).toEqual([['good__one']])
    expect(resultOf(await first)._meta).toEqual({
      'signalbox.dev/omitted': [
        { server: 'slow', reason: 'is still starting' },
        { server: 'dead', reason: 'spawn nothere ENOENT' },
      ],
    })
    const told: CatalogChange[] = []
    catalog.onChange((change) => told.push(change))
    slow.become('ready')
    await clock.advance(0)
    expect(told.some(({ upstream, lists }) => upstream === 'slow' && lists.has('tools'))).toBe(true)
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['good__one', 'slow__two'])
  })

  it('answers a later list at once, however long a server hangs', async () => {
    const hanging = new ScriptedUpstream('hanging').become('connecting')
    const { clock, catalog } = await bench([hanging]).start()
    const first = catalog.stages.list(callOf('tools/list'), exchangeOf(clock))
    await clock.advance(1_500)
    await first
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual([])
  })

  it('waits for the one server of a mount, and says why it is away rather than show an empty list', async () => {
    const slow = new ScriptedUpstream('slow', { tools: [tool('one')] }).become('connecting')
    const { clock, catalog } = await bench([slow]).start()
    const list = catalog.stages.list(callOf('tools/list', {}, { mount: 'slow' }), exchangeOf(clock))
    const said = catalog.stages.discover(callOf('server/discover', {}, { mount: 'slow' }), exchangeOf(clock))
    await clock.advance(5_000)
    slow.become('unavailable', 'exited with code 1')
    expect(faultOf(await list)).toMatchObject({ kind: 'upstream_unavailable', detail: { upstream: 'slow', reason: 'exited with code 1' } })
    expect(faultOf(await said).kind).toBe('upstream_unavailable')
  })

  it('answers from the last known catalogue, and is corrected by the server', async () => {
    const kept = new Map<string, Uint8Array>()
    const keeper: CatalogStore = {
      load: (hash) => Promise.resolve(kept.get(hash)),
      save: (hash, bytes) => Promise.resolve(void kept.set(hash, bytes)),
    }
    const store = { keeper, configHash: (id: UpstreamId) => `hash-of-${id}` }
    const odd = '{"name":"one","inputSchema":{"type":"object"},"n":9007199254740993}'
    const warm = await bench([new ScriptedUpstream('a', { tools: [odd], instructions: 'Be kind.' })], { store }).start()
    await warm.clock.advance(1_000)
    expect([...kept.keys()]).toEqual(['hash-of-a'])

    const a = new ScriptedUpstream('a', { tools: [odd, tool('two')] }).become('connecting')
    const { clock, catalog } = await bench([a], { store }).start()
    const list = await catalog.stages.list(callOf('tools/list', {}, { mount: 'a' }), exchangeOf(clock))
    expect(list.kind === 'complete' && Buffer.from(list.result.bytes).toString()).toContain(odd)
    const said = resultOf(await catalog.stages.discover(callOf('server/discover', {}, { mount: 'a' }), exchangeOf(clock)))
    expect(said).toMatchObject({ instructions: 'Be kind.', capabilities: { tools: { listChanged: true } } })
    expect(catalog.status()[0]).toMatchObject({ live: false, counts: { tool: 1 } })
    a.become('ready')
    await clock.advance(0)
    expect(catalog.status()[0]).toMatchObject({ live: true, counts: { tool: 2 } })
  })

  it('starts all the same where the store is damaged or fails', async () => {
    const damaged: CatalogStore = {
      load: () => Promise.resolve(Buffer.from('{"form":1,"lis')),
      save: () => Promise.reject(new Error('disk full')),
    }
    const { clock, catalog, logged } = await bench([new ScriptedUpstream('a', { tools: [tool('one')] })], {
      store: { keeper: damaged, configHash: () => 'h' },
    }).start()
    await clock.advance(1_000)
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__one'])
    expect(logged.map(({ event }) => event)).toContain('The last known catalogue could not be written')
  })
})

describe('what configuration says of a tool', () => {
  const tools = toolsBySelector({ 'a/get': { retry: 'never' }, 'a/gone': {}, b: { idempotent: true }, 'b/gone': {} })

  it('goes by its own name, whatever a mount shows it as, and stays with it while it is listed', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('get'), tool('set')], prompts: [{ name: 'get' }], capabilities: everythingChanges })
    const toolsets = { some: { include: ['a'], exclude: [], rename: { 'a/get': 'fetch', 'a/set': 'get' }, describe: {} } }
    const { catalog, clock } = await bench([a], { tools, toolsets }).start()
    const settingsOf = (mount: string, visible: string) => catalog.find(mount, 'tool', visible)?.settings
    const configured = { ...unconfigured, retry: 'never' }
    expect([settingsOf('some', 'fetch'), settingsOf('a', 'get'), settingsOf('', 'a__get')]).toEqual([configured, configured, configured])
    expect(settingsOf('some', 'get')).toEqual(unconfigured)
    // No tool.
    expect(catalog.find('a', 'prompt', 'get')?.settings.retry).toBe('reads')

    a.lists.tool = [tool('gone'), tool('get', { description: 'new' })]
    a.tell({ kind: 'changed', list: 'tools' })
    expect(catalog.status()[0]?.unmatched).toEqual([{ key: 'tools', selector: 'a/gone', candidates: [] }])
    await clock.advance(1_000)
    expect(catalog.status()[0]?.unmatched).toEqual([])
    expect(settingsOf('a', 'get')).toEqual(configured)
  })

  it('and selects none is shown only once the server itself has said what it has', async () => {
    const b = new ScriptedUpstream('b', { tools: [tool('one')] })
    b.become('unavailable', 'is away')
    const { catalog } = await bench([b], { tools }).start()
    expect(catalog.status()[0]?.unmatched).toEqual([])
  })
})

describe('a list', () => {
  it('is whole up to a thousand items, and above comes in pages that hold every item once', async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `tool-${i}`)
    const a = new ScriptedUpstream('a', { tools: names.map((name) => tool(name)) })
    const { clock, catalog } = await bench([a]).start()
    const seen: string[] = []
    let cursor: unknown
    do {
      const page = await catalog.stages.list(callOf('tools/list', cursor === undefined ? {} : { cursor }), exchangeOf(clock))
      seen.push(...shown(page))
      cursor = resultOf(page).nextCursor
    } while (cursor !== undefined)
    expect(seen).toEqual(names.map((name) => `a__${name}`))

    const few = await bench([new ScriptedUpstream('b', { tools: names.slice(0, 1_000).map((name) => tool(name)) })]).start()
    const whole = await few.catalog.stages.list(callOf('tools/list'), exchangeOf(few.clock))
    expect(shown(whole)).toHaveLength(1_000)
    expect(resultOf(whole)).not.toHaveProperty('nextCursor')
  })

  it.each(['', 'x', 's1.AAAA', 7, null, {}])('refuses the cursor %j', async (cursor) => {
    const { clock, catalog } = await bench([new ScriptedUpstream('a', { tools: [tool('one')] })]).start()
    expect(faultOf(await catalog.stages.list(callOf('tools/list', { cursor }), exchangeOf(clock))).kind).toBe('invalid_cursor')
  })

  it('refuses the cursor of another list or mount', async () => {
    const tools = Array.from({ length: 1_200 }, (_, i) => tool(`t${i}`))
    const { clock, catalog } = await bench([new ScriptedUpstream('a', { tools })]).start()
    const { nextCursor: cursor } = resultOf(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))
    expect(cursor).toBeTypeOf('string')
    expect(faultOf(await catalog.stages.list(callOf('prompts/list', { cursor }), exchangeOf(clock))).kind).toBe('invalid_cursor')
    expect(faultOf(await catalog.stages.list(callOf('tools/list', { cursor }, { mount: 'a' }), exchangeOf(clock))).kind).toBe(
      'invalid_cursor',
    )
  })

  it('shows a caller what it may use and nothing else, page by page', async () => {
    const tools = Array.from({ length: 3_000 }, (_, i) => tool(`t${i}`))
    const { clock, catalog } = await bench([new ScriptedUpstream('a', { tools })], {
      access: { sees: (_caller, item) => Number(item.name.slice(1)) % 2 === 0, reaches: () => true, rights: (caller) => caller },
    }).start()
    const first = await catalog.stages.list(callOf('tools/list'), exchangeOf(clock))
    const second = await catalog.stages.list(callOf('tools/list', { cursor: resultOf(first).nextCursor }), exchangeOf(clock))
    expect([shown(first).length, shown(second).length]).toEqual([1_000, 500])
    expect(shown(first)).not.toContain('a__t1')
  })
})

describe('a mount', () => {
  it('of a toolset shows its selection, renamed and described', async () => {
    const files = new ScriptedUpstream('files', {
      tools: [tool('read_file'), tool('read_dir'), tool('write_file')],
      resources: [
        { uri: 'file:///a', name: 'a' },
        { uri: 'file:///b', name: 'b' },
      ],
    })
    const web = new ScriptedUpstream('web', { tools: [tool('search'), tool('fetch')] })
    const { clock, catalog } = await bench([files, web], {
      toolsets: {
        reader: {
          include: ['files/read_*', 'files/file:///a', 'web'],
          exclude: ['web/fetch'],
          rename: { 'web/search': 'find' },
          describe: { 'web/search': 'Searches "everything".' },
        },
      },
    }).start()
    const list = resultOf(await catalog.stages.list(callOf('tools/list', {}, { mount: 'reader' }), exchangeOf(clock)))
    expect(list.tools).toMatchObject([
      { name: 'files__read_file' },
      { name: 'files__read_dir' },
      { name: 'find', description: 'Searches "everything".' },
    ])
    expect(shown(await catalog.stages.list(callOf('resources/list', {}, { mount: 'reader' }), exchangeOf(clock)))).toEqual(['file:///a'])
    expect(catalog.find('reader', 'tool', 'find')).toMatchObject({ upstream: 'web', name: 'search', visible: 'find' })
    expect(catalog.mounts()).toEqual(['files', 'web', 'reader'])
  })

  it('gives a renamed tool another name where its own would hide one', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('x'), tool('y'), tool('z')] })
    const { catalog } = await bench([a], {
      toolsets: { set: { include: ['a'], exclude: [], rename: { 'a/x': 'a__y', 'a/z': 'z' }, describe: {} } },
    }).start()
    expect(catalog.find('set', 'tool', 'a__y')?.name).toBe('y')
    expect(catalog.find('set', 'tool', 'z')?.name).toBe('z')
  })

  it('without a prefix belongs to the one server that claims it', async () => {
    const a = new ScriptedUpstream('a', { tools: [tool('echo')] })
    const b = new ScriptedUpstream('b', { tools: [tool('echo')], prompts: [{ name: 'p' }] })
    const { clock, catalog } = await bench([a, b], { bare: 'b' }).start()
    expect(shown(await catalog.stages.list(callOf('tools/list'), exchangeOf(clock)))).toEqual(['a__echo', 'echo'])
    expect(catalog.find('', 'prompt', 'p')?.upstream).toBe('b')
  })

  it('leaves a URI to the first server in configuration order, and shows who lost it', async () => {
    const a = new ScriptedUpstream('a').become('connecting')
    const b = new ScriptedUpstream('b', { resources: [{ uri: 'x:1', name: 'of b' }] })
    a.lists.resource = [{ uri: 'x:1', name: 'of a' }]
    const { clock, catalog } = await bench([a, b]).start()
    expect(catalog.find('', 'resource', 'x:1')?.upstream).toBe('b')
    a.become('ready')
    await clock.advance(0)
    expect(catalog.find('', 'resource', 'x:1')?.upstream).toBe('a')
    expect(catalog.find('b', 'resource', 'x:1')?.upstream).toBe('b')
    expect(catalog.status()[1]?.collisions).toEqual([{ kind: 'resource', name: 'x:1', owner: 'a', loser: 'b' }])
  })

  it('says of itself exactly what its server has; the aggregate is constant', async () => {
    const tasks = { 'io.modelcontextprotocol/tasks': {}, 'com.example/other': {} }
    const a = new ScriptedUpstream('a', { capabilities: { tools: {}, tasks: {}, extensions: tasks }, instructions: 'Use a.' })
    const b = new ScriptedUpstream('b', { capabilities: { resources: { subscribe: true }, completions: {} }, instructions: 'Use b.' })
    const { clock, catalog } = await bench([a, b]).start()
    const say = async (mount: string) =>
      resultOf(await catalog.stages.discover(callOf('server/discover', {}, { mount }), exchangeOf(clock)))
    expect(await say('a')).toMatchObject({
      capabilities: { tools: { listChanged: true }, extensions: { 'io.modelcontextprotocol/tasks': {} } },
      instructions: 'Use a.',
      ttlMs: 0,
      cacheScope: 'private',
    })
    expect((await say('a')).capabilities).not.toHaveProperty('tasks')
    expect((await say('b')).capabilities).toEqual({ resources: { subscribe: true, listChanged: true }, completions: {} })
    expect(await say('')).toMatchObject({
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
        extensions: { 'io.modelcontextprotocol/tasks': {} },
      },
      instructions: '## a\nUse a.\n\n## b\nUse b.',
    })
  })

  it('that is not served is refused by name', async () => {
    const { clock, catalog } = await bench([new ScriptedUpstream('a')]).start()
    const outcome = await catalog.stages.list(callOf('tools/list', {}, { mount: 'nope' }), exchangeOf(clock))
    expect(faultOf(outcome)).toMatchObject({ kind: 'unknown_mount', detail: { served: 'a' } })
  })
})
