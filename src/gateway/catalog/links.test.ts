import { describe, expect, it } from 'vitest'
import { type Bench, bench, callOf, exchangeOf, faultOf, resultOf } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import type { Call, Method } from '../../core/call/call.ts'
import { complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { GivenLinks } from './given-links.ts'

const link = (uri: string) => ({ type: 'resource_link', uri, name: 'it' })
const done = (result: unknown): Outcome =>
  typeof result === 'string' ? complete(payload(Buffer.from(result)), unscanned(9)) : complete(payloadOf(result), unscanned(9))
const notFound = (upstream: string): Outcome => failed(fault('upstream_error', { upstream, reason: 'Resource not found' }))

/** Servers with a tool and a prompt each; `a` lists `note://a/listed`. */
function served(...ids: string[]): Promise<Bench> {
  const resources = [{ uri: 'note://a/listed', name: 'l' }]
  return bench(
    ids.map((id) => new ScriptedUpstream(id, { tools: [tool('t')], prompts: [{ name: 'p' }], ...(id === 'a' ? { resources } : {}) })),
  ).start()
}

type Answer = (upstream: string) => Outcome

async function run(here: Bench, call: Call, answer: Answer): Promise<{ outcome: Outcome; asked: string[] }> {
  const asked: string[] = []
  const outcome = await here.catalog.stages.resolve.run(call, exchangeOf(here.clock), (next) => {
    asked.push(`${next.upstream} ${next.item.name}`)
    return Promise.resolve(answer(next.upstream))
  })
  return { outcome, asked }
}

function by(sub: string, affinity: string | undefined, method: Method, params: Record<string, unknown>): Call {
  const call = callOf(method, params)
  return { ...call, caller: { ...call.caller, principal: aPrincipal({ sub }), affinity } }
}

const give = (here: Bench, server: string, result: unknown, sub = 'ann', affinity?: string) =>
  run(here, by(sub, affinity, 'tools/call', { name: `${server}__t` }), () => done(result))
const read = (here: Bench, uri: string, answer: Answer = notFound, sub = 'ann', affinity?: string) =>
  run(here, by(sub, affinity, 'resources/read', { uri }), answer)

describe('a link that a result gave', () => {
  it('leads to the server that gave it last, of the same session first', async () => {
    const here = await served('a', 'b', 'c')
    await give(here, 'b', { content: [link('x:1')] }, 'ann', 's1')
    await give(here, 'c', { content: [link('x:1')] }, 'ann', 's2')
    expect((await read(here, 'x:1', notFound, 'ann', 's1')).asked).toEqual(['b x:1'])
    expect((await read(here, 'x:1', notFound, 'ann', 's2')).asked).toEqual(['c x:1'])
    expect((await read(here, 'x:1', notFound, 'ann', 's3')).asked).toEqual(['c x:1'])
    await give(here, 'a', { content: [link('x:1')] }, 'ann', 's1')
    expect((await read(here, 'x:1', notFound, 'ann', 's1')).asked).toEqual(['a x:1'])
  })

  it('leads nobody else', async () => {
    const here = await served('a', 'b')
    await give(here, 'b', { content: [link('x:1')] })
    expect((await read(here, 'x:1', notFound, 'bob')).asked).toEqual(['a x:1', 'b x:1'])
    expect((await read(here, 'x:1', notFound, 'ann')).asked).toEqual(['b x:1'])
  })

  it('is found in embedded resources, in prompts and in results of tasks', async () => {
    const here = await served('a', 'b')
    await give(here, 'b', { content: [{ type: 'resource', resource: { uri: 'x:embedded', text: '' } }] })
    const message = { role: 'user', content: link('x:prompt') }
    await run(here, by('ann', undefined, 'prompts/get', { name: 'b__p' }), () => done({ messages: [message] }))
    const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const task = (call: Call): Call => ({ ...call, caller: { ...call.caller, capabilities: tasks } })
    const begun = await run(here, task(by('ann', undefined, 'tools/call', { name: 'b__t' })), () => ({
      kind: 'task',
      result: payloadOf({ resultType: 'task', taskId: '7' }),
      handle: '7',
    }))
    const { taskId } = resultOf(begun.outcome)
    const polled = await here.catalog.stages.target.run(task(by('ann', undefined, 'tasks/get', { taskId })), exchangeOf(here.clock), () =>
      Promise.resolve(done({ taskId: '7', status: 'completed', result: { content: [link('x:task')] } })),
    )
    expect(resultOf(polled)).toMatchObject({ taskId })
    for (const uri of ['x:embedded', 'x:prompt', 'x:task']) expect((await read(here, uri)).asked).toEqual([`b ${uri}`])
  })

  it('takes no URI over that another server lists: it names its own server', async () => {
    const here = await served('a', 'b')
    const text =
      '{"n":12345678901234567890,"content":[{"uri":"note://a/listed","type":"resource_link"},{"type":"resource_link","uri":"x:1"}]}'
    const { outcome } = await give(here, 'b', text)
    if (outcome.kind !== 'complete') throw new Error(outcome.kind)
    expect(Buffer.from(outcome.result.bytes).toString()).toBe(text.replace('note://a/listed', 'note://b/a/listed'))
    const shown = await read(here, 'note://b/a/listed', () => done({ contents: [{ uri: 'note://a/listed' }] }))
    expect(shown.asked).toEqual(['b note://a/listed'])
    expect(resultOf(shown.outcome)).toEqual({ contents: [{ uri: 'note://b/a/listed' }] })
    expect((await read(here, 'note://a/listed')).asked).toEqual(['a note://a/listed'])
    expect((await give(here, 'a', text)).outcome).toMatchObject({ result: { bytes: Buffer.from(text) } })
  })

  it('has the same meaning for whoever asks after a restart', async () => {
    expect((await read(await served('a', 'b'), 'note://b/a/listed')).asked).toEqual(['b note://a/listed'])
  })

  it.each([
    '{"content":[{"type":"resource_link","uri":"x:1","uri":"note://a/listed"}]}',
    '{"content":{"type":"resource_link","uri":"x:1"}}',
    '{"content":[{"type":"resource_link","uri":7},null,[]]}',
    '{"content":[{"type":"resource","resource":"x:1"}]}',
  ])('is left as it came where it is misshapen (%s)', async (text) => {
    const here = await served('a', 'b')
    expect((await give(here, 'b', text)).outcome).toMatchObject({ result: { bytes: Buffer.from(text) } })
    expect((await read(here, 'x:1')).asked).toEqual(['a x:1', 'b x:1'])
  })

  it('is kept within bounds', () => {
    const links = new GivenLinks()
    const asking = callOf('tools/call', { name: 'any' })
    const uri = (i: number): string => `x:${'long'.repeat(200)}${i}`
    for (let i = 0; i < 20_000; i += 1) links.note(asking, uri(i), { upstream: 'a', own: uri(i) })
    expect([links.find(asking, uri(0)), links.find(asking, uri(19_999))?.upstream]).toEqual([undefined, 'a'])
    links.note(asking, 'x'.repeat(5_000), { upstream: 'a', own: 'x' })
    expect(links.find(asking, 'x'.repeat(5_000))).toBeUndefined()
  })
})

describe('a URI of which nothing tells whose it is', () => {
  it('is asked of the servers in turn, until one knows it, and then of that one', async () => {
    const here = await served('a', 'b', 'c')
    const knows: Answer = (upstream) => (upstream === 'b' ? done({ contents: [{ uri: 'x:1', text: 'b' }] }) : notFound(upstream))
    expect((await read(here, 'x:1', knows)).asked).toEqual(['a x:1', 'b x:1'])
    expect((await read(here, 'x:1', knows)).asked).toEqual(['b x:1'])
  })

  it('is unknown where all say so, and nothing where one has nothing', async () => {
    const here = await served('a', 'b', 'c')
    const all = await read(here, 'x:1')
    expect(all.asked).toHaveLength(3)
    expect(faultOf(all.outcome)).toMatchObject({ kind: 'unknown_tool', detail: { what: 'resource', uri: 'x:1' } })
    const empty = await read(here, 'x:1', (upstream) => (upstream === 'a' ? done({ contents: [] }) : notFound(upstream)))
    expect([empty.asked.length, resultOf(empty.outcome)]).toEqual([3, { contents: [] }])
  })

  it('is not called unknown where one could not answer', async () => {
    const down: Answer = (upstream) =>
      upstream === 'a' ? failed(fault('upstream_unavailable', { upstream, reason: 'is away' })) : notFound(upstream)
    expect(faultOf((await read(await served('a', 'b'), 'x:1', down)).outcome).kind).toBe('upstream_unavailable')
  })

  it('is asked of eight servers at most', async () => {
    const here = await served(...Array.from({ length: 12 }, (_, i) => `s${i}`))
    expect((await read(here, 'x:1')).asked).toHaveLength(8)
  })
})
