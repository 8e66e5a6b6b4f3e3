import { describe, expect, it } from 'vitest'
import { type Bench, bench, callOf, exchangeOf, faultOf, resultOf } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Call, Method, RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'

const tasksExtension = 'io.modelcontextprotocol/tasks'

describe('a call finds its item', () => {
  it('by visible name, with the name as the caller sees it left in its params', async () => {
    const { routed, exchange } = await route(await served(), callOf('tools/call', { name: 'a__one' }))
    expect(routed).toMatchObject({ upstream: 'a', item: { kind: 'tool', name: 'one', visible: 'a__one' }, target: 'a__one' })
    expect(routed?.params.json()).toEqual({ name: 'a__one' })
    expect(exchange.fact('route')).toEqual({ upstream: 'a', item: 'one' })
  })

  it('by prompt name and by URI, listed or made from a template', async () => {
    const here = await served()
    expect((await route(here, callOf('prompts/get', { name: 'b__p' }))).routed?.item).toMatchObject({ kind: 'prompt', name: 'p' })
    expect((await route(here, callOf('resources/read', { uri: 'a:fixed' }))).routed?.item).toMatchObject({ upstream: 'a', name: 'a:fixed' })
    expect((await route(here, callOf('resources/read', { uri: 'b://items/7' }))).routed?.item).toMatchObject({
      kind: 'resource',
      upstream: 'b',
      name: 'b://items/7',
    })
  })

  it('by the URI that a tool names as its user interface, though no list shows it', async () => {
    const ui = tool('chart', { _meta: { ui: { resourceUri: 'ui://chart/view.html' } } })
    const here = await bench([new ScriptedUpstream('a'), new ScriptedUpstream('b', { tools: [ui] })]).start()
    expect((await route(here, callOf('resources/read', { uri: 'ui://chart/view.html' }))).routed?.upstream).toBe('b')
  })

  it('by scheme and authority where one server alone has them, else by asking', async () => {
    const a = new ScriptedUpstream('a', {
      resources: [
        { uri: 'demo://a/1', name: '1' },
        { uri: 'file:///x', name: 'x' },
      ],
    })
    const b = new ScriptedUpstream('b', {
      resources: [
        { uri: 'demo://b/1', name: '1' },
        { uri: 'file:///y', name: 'y' },
      ],
    })
    const here = await bench([a, b]).start()
    expect((await route(here, callOf('resources/read', { uri: 'demo://b/not-listed' }))).routed?.upstream).toBe('b')
    const shared = await route(here, callOf('resources/read', { uri: 'file:///z' }))
    expect(shared.routed).toMatchObject({ upstream: 'a', item: { name: 'file:///z' } })
    expect((await route(here, callOf('resources/read', { uri: 'file:///z' }, { mount: 'b' }))).routed?.upstream).toBe('b')
  })

  it('or says what may have been meant', async () => {
    const { outcome } = await route(await served(), callOf('tools/call', { name: 'a__onne' }))
    expect(faultOf(outcome)).toMatchObject({ kind: 'unknown_tool', detail: { what: 'tool', name: 'a__onne', candidates: ['a__one'] } })
    expect(faultOf(outcome).message).toBe('There is no tool named a__onne here. Did you mean a__one? List again to see what is served.')
  })

  it('or refuses a bare name, with its candidates', async () => {
    const here = await served()
    const twice = faultOf((await route(here, callOf('tools/call', { name: 'echo' }))).outcome)
    expect(twice).toMatchObject({ kind: 'tool_ambiguous', detail: { candidates: ['a__echo', 'b__echo'] } })
    const once = faultOf((await route(here, callOf('tools/call', { name: 'one' }))).outcome)
    expect(once).toMatchObject({ kind: 'unknown_tool', detail: { candidates: ['a__one'] } })
  })

  it('and never takes a look-alike for the real one', async () => {
    const here = await bench([new ScriptedUpstream('a', { tools: [tool('do.it'), tool('do_it'), tool('еcho'), tool('echo')] })]).start()
    for (const name of ['do_it', 'echo']) expect(here.catalog.find('', 'tool', `a__${name}`)?.name).toBe(name)
    expect(faultOf((await route(here, callOf('tools/call', { name: 'a__do.it' }))).outcome).kind).toBe('unknown_tool')
    expect(here.catalog.find('a', 'tool', 'do.it')?.name).toBe('do.it')
  })

  it.each(['constructor', '__proto__', 'toString'])('and takes no name of the language for one of a server (%s)', async (name) => {
    expect(faultOf((await route(await served(), callOf('tools/call', { name }))).outcome).kind).toBe('unknown_tool')
  })

  it('after the start of its server, where that is under way', async () => {
    const slow = new ScriptedUpstream('slow', { tools: [tool('one')] }).become('connecting')
    const here = await bench([new ScriptedUpstream('a'), slow]).start()
    const going = route(here, callOf('tools/call', { name: 'slow__one' }))
    await here.clock.advance(10_000)
    slow.become('ready')
    await here.clock.advance(0)
    expect((await going).routed?.item.name).toBe('one')
  })

  it('or is told why its server is away, at once when that is known and by its deadline when not', async () => {
    const dead = new ScriptedUpstream('dead').become('unavailable', 'spawn nothere ENOENT')
    const hanging = new ScriptedUpstream('hanging').become('connecting')
    const here = await bench([dead, hanging]).start()
    expect(faultOf((await route(here, callOf('tools/call', { name: 'dead__x' }))).outcome)).toMatchObject({
      kind: 'upstream_unavailable',
      detail: { upstream: 'dead', reason: 'spawn nothere ENOENT' },
    })
    const late = route(here, callOf('tools/call', { name: 'hanging__x' }))
    await here.clock.advance(50_000)
    expect(faultOf((await late).outcome)).toMatchObject({ kind: 'upstream_unavailable', detail: { reason: 'is still starting' } })
    const hint = faultOf((await route(here, callOf('tools/call', { name: 'other__x' }))).outcome)
    expect(hint.message).toContain('dead (spawn nothere ENOENT)')
  })

  it('or is told whose matter it is, as the attempt to connect said', async () => {
    const unset = new ScriptedUpstream('unset').become('unavailable', 'KEY is not set')
    unset.ready = async () => fault('config_error', { upstream: 'unset', item: 'it', reason: 'KEY is not set' })
    const here = await bench([unset]).start()
    const found = faultOf((await route(here, callOf('tools/call', { name: 'unset__x' }))).outcome)
    expect(found).toMatchObject({ kind: 'config_error', category: 'configuration', retryable: false, sideEffect: 'none' })
  })

  it('and stops waiting when its caller goes', async () => {
    const here = await bench([new ScriptedUpstream('hanging').become('connecting')]).start()
    const exchange = exchangeOf(here.clock)
    const going = here.catalog.stages.resolve.run(callOf('tools/call', { name: 'hanging__x' }), exchange, unreached)
    exchange.end('client_gone')
    expect(faultOf(await going)).toMatchObject({ kind: 'cancelled', detail: { reason: 'client_gone' } })
  })
})

describe('a completion finds its upstream', () => {
  it('by the visible name of a prompt, and hands over its own', async () => {
    const params = { ref: { type: 'ref/prompt', name: 'b__p' }, argument: { name: 'x', value: 'y' } }
    const { targeted } = await aim(await served(), callOf('completion/complete', params))
    expect(targeted?.upstream).toBe('b')
    expect(JSON.parse(Buffer.from(targeted?.params.bytes ?? []).toString())).toEqual({ ...params, ref: { type: 'ref/prompt', name: 'p' } })
  })

  it('by the text of a template or a URI, unchanged', async () => {
    for (const uri of ['b://items/{id}', 'b://items/7']) {
      const { targeted } = await aim(await served(), callOf('completion/complete', { ref: { type: 'ref/resource', uri } }))
      expect(targeted?.upstream).toBe('b')
      expect(targeted?.params.json()).toMatchObject({ ref: { uri } })
    }
  })

  it('or is refused', async () => {
    const refused = async (params: Record<string, unknown>) =>
      faultOf((await aim(await served(), callOf('completion/complete', params))).outcome).kind
    expect(await refused({ ref: { type: 'ref/prompt', name: 'nope' } })).toBe('unknown_tool')
    expect(await refused({ ref: { type: 'ref/resource', uri: 'nope:1' } })).toBe('unknown_tool')
    expect(await refused({ ref: { type: 'ref/prompt', name: 7 } })).toBe('invalid_params')
    expect(await refused({ ref: { name: 'nope' } })).toBe('invalid_params')
    expect(await refused({ ref: {} })).toBe('invalid_params')
    expect(await refused({})).toBe('invalid_params')
  })
})

describe('a task', () => {
  const capabilities = { extensions: { [tasksExtension]: {} } }
  const declaring = (call: Call): Call => ({ ...call, caller: { ...call.caller, capabilities } })
  const created: Outcome = { kind: 'task', result: payloadOf({ resultType: 'task', taskId: 'up-7', status: 'working' }), handle: 'up-7' }

  async function start(here: Bench): Promise<string> {
    const call = declaring(callOf('tools/call', { name: 'a__one' }))
    const outcome = await here.catalog.stages.resolve.run(call, exchangeOf(here.clock), () => Promise.resolve(created))
    return String(resultOf(outcome).taskId)
  }

  it('gets a sealed id on its way out and finds its upstream by it on the way back', async () => {
    const here = await served()
    const visible = await start(here)
    expect(visible).not.toContain('up-7')
    const answer = complete(payloadOf({ taskId: 'up-7', status: 'working' }), unscanned(0))
    const { targeted, outcome } = await aim(here, declaring(callOf('tasks/get', { taskId: visible })), answer)
    expect(targeted).toMatchObject({ upstream: 'a', target: visible })
    expect(targeted?.params.json()).toEqual({ taskId: 'up-7' })
    expect(resultOf(outcome)).toEqual({ taskId: visible, status: 'working' })
  })

  it('tells the tool that made it, and a number of its arguments, where its id does and the mount shows the tool', async () => {
    const here = await bench([new ScriptedUpstream('a', { tools: [tool('one'), tool('echo')] })], {
      toolsets: { few: { include: ['a/echo'], exclude: [], rename: {}, describe: {} } },
    }).start()
    const call = declaring(callOf('tools/call', { name: 'a__one' }))
    const made = await here.catalog.stages.resolve.run(call, exchangeOf(here.clock), () => Promise.resolve({ ...created, asked: -7 }))
    const taskId = String(resultOf(made).taskId)
    const { targeted } = await aim(here, declaring(callOf('tasks/get', { taskId })))
    expect(targeted?.origin).toMatchObject({ tool: { kind: 'tool', upstream: 'a', name: 'one' }, asked: -7 })
    const elsewhere = await aim(here, declaring({ ...callOf('tasks/get', { taskId }), mount: 'few' }))
    expect([elsewhere.targeted?.upstream, elsewhere.targeted?.origin]).toEqual(['a', undefined])
  })

  it('is nobody else’s: another principal, an altered id, an upstream’s own id', async () => {
    const here = await served()
    const visible = await start(here)
    const call = declaring(callOf('tasks/get', { taskId: visible }))
    for (const principal of [aPrincipal({ sub: 'mallory' }), { ...call.caller.principal, tenant: 'acme' }]) {
      const other = { ...call, caller: { ...call.caller, principal } }
      expect(faultOf((await aim(here, other)).outcome)).toMatchObject({ kind: 'unknown_tool', detail: { what: 'task' } })
    }
    for (const taskId of [`${visible}x`, 'up-7']) {
      expect(faultOf((await aim(here, declaring(callOf('tasks/cancel', { taskId })))).outcome).kind).toBe('unknown_tool')
    }
    expect(faultOf((await aim(here, { ...call, mount: 'b' })).outcome).kind).toBe('unknown_tool')
  })

  it('is only for clients that declared the extension', async () => {
    const { outcome } = await aim(await served(), callOf('tasks/get', { taskId: 'x' }))
    expect(faultOf(outcome)).toMatchObject({
      kind: 'missing_capability',
      detail: { requiredCapabilities: { extensions: { [tasksExtension]: {} } } },
    })
  })
})

function served(): Promise<Bench> {
  return bench([
    new ScriptedUpstream('a', { tools: [tool('one'), tool('echo')], resources: [{ uri: 'a:fixed', name: 'f' }] }),
    new ScriptedUpstream('b', {
      tools: [tool('echo')],
      prompts: [{ name: 'p' }],
      templates: [{ uriTemplate: 'b://items/{id}', name: 'i' }],
    }),
  ]).start()
}

const done = complete(payloadOf({}), unscanned(2))
const unreached = (): Promise<Outcome> => Promise.reject(new Error('the call went on'))

async function route(here: Bench, call: Call & { readonly method: Method }) {
  const exchange = exchangeOf(here.clock)
  let routed: RoutedCall | undefined
  const outcome = await here.catalog.stages.resolve.run(call, exchange, (next) => {
    routed = next
    return Promise.resolve(done)
  })
  return { outcome, routed, exchange }
}

async function aim(here: Bench, call: Call, answer: Outcome = done) {
  let targeted: TargetedCall | undefined
  const outcome = await here.catalog.stages.target.run(call, exchangeOf(here.clock), (next) => {
    targeted = next
    return Promise.resolve(answer)
  })
  return { outcome, targeted }
}
