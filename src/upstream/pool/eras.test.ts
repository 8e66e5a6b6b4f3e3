// One server of both eras, reached in each of them over stdio and HTTP: what a caller sees is the same.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  asksAll,
  faultKind,
  type Made,
  makeCall,
  makeUpstream,
  nextLeg,
  questions,
  send,
  settle,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'
import { fixtureStdio, type Started, startFixture } from '../../../test/peers/servers.ts'
import type { CallEvent } from '../../core/call/exchange.ts'

const cells = (['modern', 'legacy'] as const).flatMap((era) => (['stdio', 'http'] as const).map((transport) => ({ era, transport })))
const rounds = 'test_input_required_result_'
const responses = {
  'elicitation/create': { action: 'accept', content: { name: 'Ann', ok: true, color: 'blue', response: 'yes', context: 'tests' } },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 'Bonjour' } },
  'roots/list': { roots: [{ uri: 'file:///home' }] },
}

describe.each(cells)('a $era server over $transport', ({ era, transport }) => {
  let started: Started | undefined
  let made: Made

  beforeAll(async () => {
    // Over stdio the fixture serves both eras whatever it is told, so there the setting decides.
    if (transport === 'stdio') made = makeUpstream({ settings: { ...fixtureStdio(era), ...(era === 'legacy' ? { era } : {}) } })
    else {
      started = await startFixture({ FIXTURE_ERA: era })
      made = makeUpstream({ settings: { url: `http://127.0.0.1:${started.port}/mcp` } })
    }
    expect(await made.upstream.ready(new AbortController().signal)).toBeUndefined()
  })

  afterAll(async () => {
    await made.close()
    await started?.stop()
  })

  const tool = (name: string, args: Record<string, unknown> = {}, options = {}) =>
    makeCall('tools/call', { name, arguments: args }, { capabilities: asksAll, ...options })

  test('is recognised without being told', () => {
    expect(made.upstream.describe().revision).toBe(era === 'modern' ? '2026-07-28' : '2025-11-25')
    expect(made.upstream.describe().identity?.name).toBe('signalbox-fixture')
  })

  test('lists everything', async () => {
    for (const kind of ['tool', 'prompt', 'resource', 'template'] as const) {
      const items = []
      for await (const item of made.upstream.items(kind, new AbortController().signal)) items.push(item.json())
      expect(items.length, kind).toBeGreaterThan(0)
    }
  })

  test('answers a call, a prompt, a read and a completion', async () => {
    const { upstream } = made
    expect(textOf(await send(upstream, tool('test_simple_text')))).toContain('simple text')
    expect((await send(upstream, makeCall('prompts/get', { name: 'test_simple_prompt' }))).kind).toBe('complete')
    expect((await send(upstream, makeCall('resources/read', { uri: 'test://static-text' }))).kind).toBe('complete')
    const completion = { ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'x' } }
    expect((await send(upstream, makeCall('completion/complete', completion))).kind).toBe('complete')
  })

  test('sends progress and logs to who asked for them', async () => {
    const leg = start(made.upstream, tool('test_tool_with_progress', {}, { progress: true }))
    expect(textOf(await leg.outcome)).toBe('done')
    expect(leg.events.map((event) => event.kind === 'progress' && (event.params.json() as { progress: number }).progress)).toEqual([
      0, 50, 100,
    ])
    const logged = start(made.upstream, tool('test_tool_with_logging', {}, { logLevel: 'info' }))
    await logged.outcome
    expect(logged.events.map((event) => event.kind)).toEqual(['log', 'log', 'log'])
    const silent = start(made.upstream, tool('test_tool_with_logging', {}, { logLevel: 'error' }))
    await silent.outcome
    expect(silent.events).toEqual([])
  })

  test('asks, over one round and several, one thing and three', async () => {
    const { upstream } = made
    expect(textOf(await settle(upstream, tool(`${rounds}elicitation`), responses))).toBe('Hello, Ann!')
    expect(textOf(await settle(upstream, tool(`${rounds}sampling`), responses))).toBe('Sampling response: Bonjour')
    expect(textOf(await settle(upstream, tool(`${rounds}list_roots`), responses))).toContain('file:///home')
    expect(textOf(await settle(upstream, tool(`${rounds}request_state`), responses))).toContain('state-ok')
    expect(textOf(await settle(upstream, tool(`${rounds}multiple_inputs`), responses))).toBe('Bonjour Ann, 1 root(s) visible')
    expect(textOf(await settle(upstream, tool(`${rounds}multi_round`), responses))).toBe('Multi-round complete: Ann likes blue')
    const prompt = makeCall('prompts/get', { name: 'test_input_required_result_prompt' }, { capabilities: asksAll })
    expect((await settle(upstream, prompt, responses)).kind).toBe('complete')
  })

  test('never gets an answer of another caller', async () => {
    const { upstream } = made
    const people = ['ann', 'ben', 'cid']
    const outcomes = await Promise.all(
      people.flatMap((name) =>
        Array.from({ length: 4 }, async () => {
          const call = tool(`${rounds}elicitation`, {}, { principal: name, affinity: name })
          const first = await send(upstream, call)
          const key = Object.keys(questions(first))[0] as string
          const second = await send(upstream, nextLeg(call, first, { [key]: { action: 'accept', content: { name } } }))
          return [name, textOf(second)]
        }),
      ),
    )
    for (const [name, text] of outcomes) expect(text).toBe(`Hello, ${name}!`)
  })

  test('says which capability a caller lacks', async () => {
    const outcome = await send(made.upstream, tool('test_missing_capability', {}, { capabilities: {} }))
    if (era === 'modern') {
      expect(faultKind(outcome)).toBe('missing_capability')
      expect(outcome).toMatchObject({ fault: { detail: { requiredCapabilities: { sampling: {} } } } })
    } else expect(outcome.kind === 'fault' || (outcome.kind === 'complete' && outcome.facts.isError)).toBe(true)
  })

  test('tells watches of changed lists, and after a change of interest too', async () => {
    const { upstream } = made
    const heard: CallEvent[] = []
    const watch = upstream.watch({}, (event) => heard.push(event))
    const both = { toolsListChanged: true, promptsListChanged: true }
    expect(await watch.update({ toolsListChanged: true })).toEqual({ toolsListChanged: true })
    await send(upstream, tool('test_trigger_tool_change'))
    // A server that has several sessions here tells each.
    const lists = () => [...new Set(heard.map((event) => event.kind === 'changed' && event.list))]
    await expect.poll(lists).toEqual(['tools'])
    expect(await watch.update(both)).toEqual(both)
    await send(upstream, tool('test_trigger_prompt_change'))
    await expect.poll(lists).toEqual(['tools', 'prompts'])
    expect(await watch.update({ resourceSubscriptions: ['test://watched-resource'] })).toEqual({
      resourceSubscriptions: ['test://watched-resource'],
    })
    watch.close()
  })

  test('ends a call whose deadline passes, naming the layer', async () => {
    // Long enough that the call is with the server also where the machine is busy.
    const leg = start(made.upstream, tool('test_slow', { key: 'deadline' }), { limits: { idleMs: 2_000, totalMs: 2_000 } })
    const outcome = await leg.outcome
    expect(faultKind(outcome)).toBe('upstream_timeout')
    expect(outcome).toMatchObject({ fault: { sideEffect: 'unknown', detail: { layer: 'call deadline of the gateway' } } })
  })

  test('is drained: no call is taken afterwards', async () => {
    await made.close()
    expect(made.upstream.health().state).toBe('drained')
    expect(faultKind(await send(made.upstream, tool('test_simple_text')))).toBe('draining')
  })
})
