import { describe, expect, it } from 'vitest'
import { aCall, anExchange, aReport, countedRandom } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { Call } from '../../core/call/call.ts'
import { type Complete, complete, type Outcome, type ResultFacts } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { resultFacts } from '../../core/protocol/jsonrpc.ts'
import { SpillStore, spill } from './stage.ts'

const alice = aCall().caller.principal

function setting(spills = 4, resultBytes = 8_192) {
  const clock = new ManualClock()
  const store = new SpillStore(clock, countedRandom(), { most: spills })
  const { report, counted } = aReport()
  const stage = spill({ store, counters: report.counters, resultBytes, eventBytes: 1_048_000 })
  let asked = 0
  const run = (change: Partial<Call>, outcome: Outcome = answer({})) =>
    stage.run(aCall(change), anExchange(clock).exchange, async () => {
      asked += 1
      return outcome
    })
  const read = (uri: string, change: Partial<Call> = {}) =>
    run({ method: 'resources/read', target: uri, params: payloadOf({ uri }), ...change })
  return { clock, store, counted, run, read, asked: () => asked }
}

function answer(value: unknown, isError = false): Outcome {
  const result = payloadOf(value)
  return complete(result, { ...(resultFacts(result.bytes) as ResultFacts), isError })
}

function body(
  outcome: Outcome,
): Record<string, unknown> & { content: { uri?: string; text?: string }[]; contents: { uri: string; text: string }[] } {
  if (outcome.kind !== 'complete') throw new Error(outcome.kind === 'fault' ? outcome.fault.kind : outcome.kind)
  return JSON.parse(Buffer.from(outcome.result.bytes).toString('utf8'))
}

const large = { content: [{ type: 'text', text: 'Grüße '.repeat(4_000) }] }

describe('a result too large for one message becomes a link', () => {
  it('leaves all others as they are', async () => {
    const small = answer({ content: [] })
    expect(await setting().run({}, small)).toBe(small)
  })

  it('that says how large it is and how to read it', async () => {
    const { run, counted } = setting()
    const outcome = await run({}, answer(large))
    const { content, _meta, isError } = body(outcome)
    expect(content.map((block) => (block as { type?: string }).type)).toEqual(['text', 'resource_link'])
    expect(content[0]?.text).toContain(content[1]?.uri)
    expect(content[0]?.text).toMatch(/\d{5} bytes/)
    expect(isError).toBeUndefined()
    expect(_meta).toMatchObject({ 'signalbox.dev/spilled': { uri: content[1]?.uri, limit: 8_192 } })
    expect(outcome).toMatchObject({ facts: { isError: false, resultType: 'complete' } })
    expect(counted.spilled_results).toBe(1)
  })

  it('and stays an error where it was one, or where a client would throw for want of structured content', async () => {
    const { run } = setting()
    expect(body(await run({}, answer(large, true))).isError).toBe(true)
    expect(body(await run({}, answer({ ...large, structuredContent: {} }))).isError).toBe(true)
  })

  it('and has what the gateway itself says of it, which its facts keep too', async () => {
    const suspect = { reasons: [{ kind: 'size', rule: 'single' }] }
    const note = { type: 'text', text: 'suspect: the size of this answer is not as usual.' }
    const { run, read } = setting()
    const whole = { content: [...large.content, note], _meta: { 'signalbox.dev/suspect': suspect } }
    const made = answer(whole) as Complete
    const facts = { ...made.facts, found: 'oversize', suspect: ['size'], ownBlocks: 1 }
    const outcome = await run({}, { ...made, facts })
    expect(outcome).toMatchObject({ facts: { found: 'oversize', suspect: ['size'] } })
    const { content, _meta } = body(outcome)
    expect(content).toHaveLength(3)
    expect(content[2]).toEqual(note)
    expect(_meta).toMatchObject({ 'signalbox.dev/suspect': suspect, 'signalbox.dev/spilled': { limit: 8_192 } })
    expect(body(await read(String(content[1]?.uri))).contents[0]?.text).toContain('Grüße')
    // A server's own is not the gateway's.
    expect(body(await run({}, answer(whole))).content).toHaveLength(2)
    expect(body(await run({}, answer(whole)))._meta).not.toHaveProperty(['signalbox.dev/suspect'])
  })

  it.each(['prompts/get', 'resources/read'] as const)('except of %s, which is refused', async (method) => {
    expect(await setting().run({ method, target: 'x' }, answer(large))).toMatchObject({
      fault: { kind: 'result_too_large', sideEffect: 'none' },
    })
  })

  it('except where nothing may be kept', async () => {
    expect(await setting(0).run({}, answer(large))).toMatchObject({ fault: { kind: 'result_too_large', sideEffect: 'unknown' } })
  })
})

describe('a result that its door cannot send as an event', () => {
  const run = (method: 'tools/call' | 'resources/read', fits: boolean | undefined, value: unknown = large) => {
    const clock = new ManualClock()
    const { report } = aReport()
    const store = new SpillStore(clock, countedRandom(), { most: 4 })
    const stage = spill({ store, counters: report.counters, resultBytes: 1_000_000, eventBytes: 20_000 })
    const asked: number[] = []
    const sink = {
      emit: () => {},
      ...(fits === undefined ? {} : { fits: ({ facts }: Complete) => asked.push(facts.bytes) < 0 || fits }),
    }
    const exchange = anExchange(clock).exchange.with({ sink })
    return stage.run(aCall({ method, target: 'x' }), exchange, async () => answer(value)).then((outcome) => ({ outcome, asked }))
  }

  it('becomes a link that names that limit', async () => {
    const { outcome } = await run('tools/call', false)
    expect(body(outcome)._meta).toMatchObject({ 'signalbox.dev/spilled': { limit: 20_000 } })
  })

  it('is refused where it is none of a tool', async () => {
    expect((await run('resources/read', false)).outcome).toMatchObject({ fault: { kind: 'result_too_large', detail: { limit: 20_000 } } })
  })

  it.each([true, undefined])('is sent as it is where the door can (%s)', async (fits) => {
    expect(body((await run('tools/call', fits)).outcome)._meta).toBeUndefined()
  })

  it('is not asked about where it is small', async () => {
    expect((await run('tools/call', false, { content: [] })).asked).toEqual([])
  })
})

describe('a kept result is read in slices', () => {
  it('that make up the whole, characters intact', async () => {
    const { run, read, asked } = setting()
    let uri = body(await run({}, answer(large))).content[1]?.uri
    let text = ''
    let slices = 0
    while (uri !== undefined) {
      const { contents, cacheScope } = body(await read(uri))
      expect(cacheScope).toBe('private')
      expect(contents[0]?.uri).toBe(uri)
      expect(Buffer.byteLength(contents[0]?.text ?? '')).toBeLessThanOrEqual(2_048)
      text += contents[0]?.text
      uri = contents[1]?.uri
      slices += 1
    }
    expect(JSON.parse(text)).toEqual(large)
    expect(slices).toBeGreaterThan(10)
    expect(asked()).toBe(1)
  })

  it('by its own principal only, and for ten minutes', async () => {
    const { run, read, clock, store } = setting()
    const uri = body(await run({}, answer(large))).content[1]?.uri ?? ''
    for (const change of [{ sub: 'bob' }, { tenant: 'acme' }]) {
      const caller = { ...aCall().caller, principal: { ...alice, ...change } }
      expect(await read(uri, { caller })).toMatchObject({ fault: { kind: 'unknown_tool', detail: { uri } } })
    }
    expect(await read(`${uri}?offset=99999999`)).toMatchObject({ kind: 'complete' })
    await clock.advance(599_000)
    expect(await read(uri)).toMatchObject({ kind: 'complete' })
    await clock.advance(1_000)
    expect(await read(uri)).toMatchObject({ kind: 'fault' })
    expect([store.size, store.bytes]).toEqual([0, 0])
  })

  it.each(['signalbox://results/', 'signalbox://results/../x', 'signalbox://results/1?offset=-1', 'signalbox://results/1?offset=a'])(
    'and %s is none',
    async (uri) => expect(await setting().read(uri)).toMatchObject({ kind: 'fault' }),
  )
})

describe('the store of kept results has bounds', () => {
  it('makes room for the new by the oldest of whoever holds most', () => {
    const store = new SpillStore(new ManualClock(), countedRandom(), { most: 3 })
    const bob = { ...alice, sub: 'bob' }
    const ids = [
      store.keep(bob, Buffer.from('b')),
      store.keep(alice, Buffer.from('1')),
      store.keep(alice, Buffer.from('2')),
      store.keep(alice, Buffer.from('3')),
    ]
    const there = ids.map((id, i) => store.read(i === 0 ? bob : alice, id ?? '', 0, 10)?.text)
    expect(there).toEqual(['b', undefined, '2', '3'])
  })

  it('keeps no more bytes than it may', () => {
    const store = new SpillStore(new ManualClock(), countedRandom(), { most: 100, bytes: 10 })
    expect(store.keep(alice, Buffer.alloc(11))).toBeUndefined()
    for (let i = 0; i < 5; i += 1) store.keep(alice, Buffer.alloc(4))
    expect([store.size, store.bytes]).toEqual([2, 8])
  })
})
