// One process behind HTTP+SSE, all whose clients hear everything.
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Bridge, oneProcess, startBridge } from '../../../test/doubles/upstream/broadcasting-bridge.ts'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import {
  answerAll,
  asksAll,
  type Made,
  makeCall,
  makeUpstream,
  questions,
  send,
  start,
  textOf,
} from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal

async function bridge(options?: { once: boolean }): Promise<Bridge> {
  const started = await startBridge(oneProcess(options))
  onTestFinished(() => started.stop())
  return started
}

function at({ url }: Bridge, settings: Record<string, unknown> = {}): Made {
  const made = upstreamAt({ url, transport: 'sse', ...settings })
  return made
}

const echo = (text: string, affinity: string, principal = affinity) =>
  makeCall('tools/call', { name: 'echo', arguments: { text } }, { principal, affinity })
const ask = (affinity: string) => makeCall('tools/call', { name: 'ask' }, { principal: affinity, affinity, capabilities: asksAll })

describe('behind a bridge that tells every client everything', () => {
  test('each of a hundred calls of five sessions gets its own answer, and those of others are counted', async () => {
    const made = at(await bridge())
    const texts = Array.from({ length: 100 }, (_, i) => `call ${i}`)
    const outcomes = await Promise.all(texts.map((text, i) => send(made.upstream, echo(text, `session-${i % 5}`))))
    expect(outcomes.map(textOf)).toEqual(texts)
    // Five sessions and the home connection: each answer was for one of the six.
    expect(made.report.counts.get('proto_anomaly up orphan')).toBeGreaterThanOrEqual(500)
    expect(made.report.counts.get('proto_anomaly up duplicate')).toBeUndefined()
    const told = made.report.lines.filter(({ event }) => event === 'An upstream sends what it says to all its clients')
    expect(told.map(({ fields }) => fields.mend)).toEqual([expect.stringContaining('servers.up.sharing')])
  })

  test('two gateways do not take each other’s answers', async () => {
    const shared = await bridge()
    const one = at(shared)
    const other = at(shared)
    const texts = Array.from({ length: 50 }, (_, i) => `call ${i}`)
    const sent = texts.map((text, i) => send((i % 2 === 0 ? one : other).upstream, echo(text, `session-${i % 4}`)))
    expect((await Promise.all(sent)).map(textOf)).toEqual(texts)
  })

  test('a question goes to the one call that can have caused it, and is answered once', async () => {
    const shared = await bridge()
    const { upstream } = at(shared)
    for (const session of ['ann', 'ben', 'eve']) await send(upstream, echo('hello', session))
    const call = ask('ben')
    const outcome = await send(upstream, call)
    expect(Object.values(questions(outcome))).toHaveLength(1)
    const answered = await send(upstream, answerAll(call, outcome, { action: 'accept', content: { name: 'Ben' } }))
    expect(JSON.parse(textOf(answered))).toEqual({ action: 'accept', content: { name: 'Ben' } })
    expect(shared.taken.filter(({ method }) => method === undefined)).toHaveLength(1)
  })

  test('a question that may be of two callers is asked of neither, and refused once', async () => {
    const shared = await bridge()
    const made = at(shared)
    for (const session of ['ann', 'ben', 'eve']) await send(made.upstream, echo('hello', session))
    const [ann, ben] = await Promise.all([send(made.upstream, ask('ann')), send(made.upstream, ask('ben'))])
    for (const refused of [ann, ben]) expect(JSON.parse(textOf(refused))).toMatchObject({ code: -32601 })
    const replies = shared.taken.filter(({ method }) => method === undefined)
    expect(replies.map(({ id }) => id)).toEqual([1_000, 1_001])
  })

  test('a question that may be of another program’s user is not asked here', async () => {
    const shared = await bridge()
    const made = at(shared)
    await send(made.upstream, echo('hello', 'ann'))
    // Another program made this request.
    shared.say({ id: 3, result: { content: [] } })
    await expect.poll(() => made.report.lines.filter(({ event }) => event.includes('to all its clients')).length).toBe(2)
    const refused = await send(made.upstream, ask('ann'))
    expect(JSON.parse(textOf(refused))).toMatchObject({ code: -32601 })
    shared.say({ id: 9, method: 'elicitation/create', params: { message: 'Whose?', requestedSchema: { type: 'object', properties: {} } } })
    const strangers = made.report.counts.get('proto_anomaly up orphan') ?? 0
    shared.say({ id: 4, result: { content: [] } })
    await expect.poll(() => made.report.counts.get('proto_anomaly up orphan')).toBe(strangers + 2)
    expect(shared.taken.filter(({ id, method }) => method === undefined && id === 9)).toEqual([])
  })

  test('log messages reach the only call in flight, and no other session', async () => {
    const outside: string[] = []
    const made = makeUpstream({
      settings: { url: (await bridge()).url, transport: 'sse' },
      outside: { event: (session) => void outside.push(session), ask: async () => undefined },
    })
    onTestFinished(() => made.close())
    for (const session of ['ann', 'ben']) await send(made.upstream, echo('hello', session))
    const call = makeCall('tools/call', { name: 'ask' }, { principal: 'ann', affinity: 'ann', capabilities: asksAll, logLevel: 'debug' })
    const leg = start(made.upstream, call)
    await send(made.upstream, answerAll(call, await leg.outcome, { action: 'decline' }))
    expect(leg.events.map(({ kind }) => kind)).toEqual(['log'])
    expect(outside).toEqual([])
  })
})

describe('a server that bears one connection only', () => {
  test.each(['sse', 'auto'])('says so to the second, and the fault names the setting (transport: %s)', async (transport) => {
    const { upstream } = at(await bridge({ once: true }), { transport })
    expect(await upstream.ready(never)).toBeUndefined()
    expect(await send(upstream, echo('hello', 'ann'))).toMatchObject({
      kind: 'fault',
      fault: { message: expect.stringContaining('servers.up.sharing') },
    })
  })

  test('says so to the next gateway as well', async () => {
    const shared = await bridge({ once: true })
    expect(await at(shared).upstream.ready(never)).toBeUndefined()
    expect(await at(shared, { transport: 'auto' }).upstream.ready(never)).toMatchObject({
      message: expect.stringContaining('servers.up.sharing'),
    })
  })

  test('serves all callers by it with `sharing: shared`', async () => {
    const shared = await bridge({ once: true })
    const { upstream } = at(shared, { sharing: 'shared' })
    const texts = Array.from({ length: 100 }, (_, i) => `call ${i}`)
    const outcomes = await Promise.all(texts.map((text, i) => send(upstream, echo(text, `session-${i % 5}`))))
    expect(outcomes.map(textOf)).toEqual(texts)
    expect([shared.clients(), upstream.health().connections]).toEqual([1, 1])
    expect(shared.taken.filter(({ method }) => method === 'initialize')).toHaveLength(1)
  })

  test('still asks the caller of the only call, and others wait for their turn on that connection', async () => {
    const shared = await bridge({ once: true })
    const { upstream } = at(shared, { sharing: 'shared' })
    const [ann, ben] = [ask('ann'), ask('ben')]
    const first = await send(upstream, ann)
    const second = send(upstream, ben)
    const last = await send(upstream, answerAll(ann, first, { action: 'accept', content: { name: 'Ann' } }))
    const asked = await second
    expect(JSON.parse(textOf(last))).toMatchObject({ content: { name: 'Ann' } })
    const answered = await send(upstream, answerAll(ben, asked, { action: 'accept', content: { name: 'Ben' } }))
    expect(JSON.parse(textOf(answered))).toMatchObject({ content: { name: 'Ben' } })
    expect(shared.clients()).toBe(1)
  })

  test('goes on with the process behind the bridge when the stream is cut', async () => {
    const shared = await bridge({ once: true })
    const { upstream } = at(shared, { sharing: 'shared' })
    expect(textOf(await send(upstream, echo('before', 'ann')))).toBe('before')
    shared.cut()
    await expect.poll(async () => (await send(upstream, echo('after', 'ann'))).kind, { timeout: 10_000 }).toBe('complete')
  })
})
