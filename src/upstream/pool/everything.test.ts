// The exits against real servers with `initialize`: server-everything over its three transports.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../test/doubles/upstream/scripted-server.ts'
import {
  answer,
  answerAll,
  asksAll,
  type CallOptions,
  everythingStdio,
  faultKind,
  type Made,
  makeCall,
  makeUpstream,
  questions,
  type Served,
  send,
  serveEverything,
  settle,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'
import type { ClientCapabilities } from '../../core/call/call.ts'
import { payloadOf } from '../../core/call/payload.ts'

const transports = ['stdio', 'streamableHttp', 'sse'] as const

describe.each(transports)('server-everything over %s', (transport) => {
  let served: Served | undefined
  let made: Made

  beforeAll(async () => {
    if (transport === 'stdio') made = makeUpstream({ settings: everythingStdio })
    else {
      served = await serveEverything(transport)
      const path = transport === 'sse' ? 'sse' : 'mcp'
      made = makeUpstream({ settings: { url: `http://127.0.0.1:${served.port}/${path}` } })
    }
    expect(await made.upstream.ready(new AbortController().signal)).toBeUndefined()
    await until(() => rootsAsked() > 0, 'question for the roots')
  })

  /**
   * A session of its own for a caller. The server asks each new one for its roots 350 ms after the handshake, and that question would be
   * the call's that is in flight then: only what comes later is caused by the calls of the test. It asks no client that has none, but over
   * stdio it was told of all that clients can be asked.
   */
  async function caller(name: string, capabilities: ClientCapabilities = asksAll): Promise<CallOptions> {
    const own = { capabilities, principal: name, affinity: name }
    const before = rootsAsked()
    await send(made.upstream, makeCall('tools/call', { name: 'echo', arguments: { message: 'hi' } }, own))
    const isAsked = transport === 'stdio' || capabilities.roots !== undefined
    if (isAsked) await until(() => rootsAsked() > before, 'question for the roots')
    return own
  }

  function rootsAsked(): number {
    return made.report.counts.get('stray_requests up roots/list') ?? 0
  }

  afterAll(async () => {
    await made.close()
    await served?.stop()
  })

  test('is found, described and listed', async () => {
    const { upstream } = made
    expect(upstream.health().state).toBe('ready')
    expect(upstream.describe().identity?.name).toBe('mcp-servers/everything')
    expect(upstream.describe().transport).toBe({ stdio: 'stdio', streamableHttp: 'streamable-http', sse: 'sse' }[transport])
    const names: string[] = []
    for await (const item of upstream.items('tool', new AbortController().signal)) {
      names.push((item.json() as { name: string }).name)
    }
    expect(names).toContain('echo')
    expect(names).toContain('trigger-elicitation-request')
    const templates = []
    for await (const item of upstream.items('template', new AbortController().signal)) templates.push(item)
    expect(templates.length).toBeGreaterThan(0)
  })

  test('answers calls, prompts, reads and completions', async () => {
    const { upstream } = made
    const echo = await send(upstream, makeCall('tools/call', { name: 'up_echo', arguments: { message: 'hi' } }, { item: { name: 'echo' } }))
    expect(textOf(echo)).toBe('Echo: hi')
    expect((await send(upstream, makeCall('prompts/get', { name: 'simple-prompt' }))).kind).toBe('complete')
    const uri = 'demo://resource/dynamic/text/1'
    expect((await send(upstream, makeCall('resources/read', { uri }, { item: { kind: 'template', name: 'demo://…' } }))).kind).toBe(
      'complete',
    )
    const completion = { ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } }
    expect((await send(upstream, makeCall('completion/complete', completion))).kind).toBe('complete')
  })

  test('reports progress to the call that asked, in order', async () => {
    const call = makeCall(
      'tools/call',
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
      { progress: true },
    )
    const leg = start(made.upstream, call)
    expect((await leg.outcome).kind).toBe('complete')
    const steps = leg.events.map((event) => (event.kind === 'progress' ? (event.params.json() as { progress: number }).progress : -1))
    expect(steps).toEqual([1, 2, 3, 4])
  })

  test('asks its user by form, and gets the answer of the caller who caused the question', async () => {
    const call = makeCall('tools/call', { name: 'trigger-elicitation-request' }, await caller('ann'))
    const first = await send(made.upstream, call)
    const asked = Object.values(questions(first))
    expect(asked.map((question) => question.method)).toEqual(['elicitation/create'])
    expect(asked[0]?.params?.requestedSchema).toBeDefined()
    const second = await send(made.upstream, answerAll(call, first, { action: 'accept', content: { name: 'Ann', check: true } }))
    expect(textOf(second)).toContain('provided the requested information')
  })

  test('takes a declined question, a sampling and a list of roots', async () => {
    const { upstream } = made
    const own = await caller('ben')
    const form = makeCall('tools/call', { name: 'trigger-elicitation-request' }, own)
    expect(textOf(await send(upstream, answerAll(form, await send(upstream, form), { action: 'decline' })))).toContain('declined')

    const sampling = makeCall('tools/call', { name: 'trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } }, own)
    const asked = await send(upstream, sampling)
    const message = { role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled-by-ben' } }
    expect(textOf(await send(upstream, answerAll(sampling, asked, message)))).toContain('sampled-by-ben')

    const roots = makeCall('tools/call', { name: 'get-roots-list' }, own)
    const wanted = await send(upstream, roots)
    expect(Object.values(questions(wanted)).map((question) => question.method)).toEqual(['roots/list'])
    expect(textOf(await send(upstream, answerAll(roots, wanted, { roots: [{ uri: 'file:///ben', name: 'bens' }] })))).toContain(
      'file:///ben',
    )
  })

  test('asks again for what an answer leaves out', async () => {
    const { upstream } = made
    const call = makeCall('tools/call', { name: 'trigger-elicitation-request' }, await caller('cid'))
    const first = await send(upstream, call)
    const again = await send(upstream, answer(call, first, { other: { action: 'accept' } }))
    expect(Object.keys(questions(again))).toEqual(Object.keys(questions(first)))
    expect(textOf(await send(upstream, answerAll(call, again, { action: 'cancel' })))).toContain('cancel')
    // The first place was given back: its continuation is worth nothing any more.
    expect(faultKind(await send(upstream, answerAll(call, first, { action: 'accept' })))).toBe('invalid_continuation')
  })

  test('is never asked on behalf of a caller who cannot answer', async () => {
    const outcome = await send(made.upstream, makeCall('tools/call', { name: 'trigger-elicitation-request' }, await caller('dan', {})))
    // The server is told no, in its own terms; the caller sees how the tool took it.
    expect(outcome.kind).not.toBe('input_required')
  })

  test('sends a user to a page, by request and by error -32042', async () => {
    const { upstream } = made
    const own = await caller('eve')
    for (const errorPath of [false, true]) {
      const args = { url: 'https://example.org/go', elicitationId: `id-${errorPath}-${transport}`, errorPath }
      const call = makeCall('tools/call', { name: 'trigger-url-elicitation', arguments: args }, own)
      const first = await send(upstream, call)
      const [question] = Object.values(questions(first))
      expect(question?.params?.mode).toBe('url')
      expect(question?.params?.elicitationId).toBeUndefined()
      let next = await send(upstream, answerAll(call, first, { action: 'accept' }))
      // After the error path the server asks once more by request.
      if (errorPath) next = await send(upstream, answerAll(call, next, { action: 'accept' }))
      expect(textOf(next)).toContain('completed the URL elicitation')
    }
  })

  test('runs a task-only tool as an ordinary call, its question included', async () => {
    const { upstream } = made
    const definition = { name: 'simulate-research-query', execution: { taskSupport: 'required' } }
    const call = makeCall(
      'tools/call',
      { name: 'simulate-research-query', arguments: { topic: 'python', ambiguous: true } },
      { capabilities: asksAll, principal: 'fay', affinity: 'f', item: { definition: payloadOf(definition) } },
    )
    // The server asks a fresh session for its roots 350 ms after the handshake; with one call in flight that question is the call's.
    const outcome = await settle(upstream, call, {
      'elicitation/create': { action: 'accept', content: { interpretation: 'snake' } },
      'roots/list': { roots: [] },
    })
    expect(textOf(outcome)).toContain('snake')
  })

  test('is told when a call is cancelled, and the next call works', async () => {
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 30, steps: 300 } }
    const leg = start(made.upstream, makeCall('tools/call', long, { progress: true }))
    await until(() => leg.events.length > 0, 'progress')
    leg.exchange.end('cancelled')
    expect(faultKind(await leg.outcome)).toBe('cancelled')
    expect(textOf(await send(made.upstream, makeCall('tools/call', { name: 'echo', arguments: { message: 'on' } })))).toBe('Echo: on')
  })

  test('relays an error with its code', async () => {
    const outcome = await send(made.upstream, makeCall('resources/read', { uri: 'demo://nowhere' }))
    expect(outcome).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_error', detail: { wire: { code: -32602 } } } })
  })
})
