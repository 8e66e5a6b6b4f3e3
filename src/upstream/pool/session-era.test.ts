// A server of both eras is spoken to in the era of the caller.
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { type BothEras, bothEras, bothErasChild, type Definition } from '../../../test/doubles/upstream/both-eras.ts'
import { upstreamAt } from '../../../test/doubles/upstream/for-one-test.ts'
import type { Scripted } from '../../../test/doubles/upstream/scripted-http.ts'
import { answerAll, asksAll, type CallOptions, type Made, makeCall, send, textOf } from '../../../test/doubles/upstream/upstream-rig.ts'

const never = new AbortController().signal

const alike: readonly Definition[] = [{ name: 'a', inputSchema: { type: 'object' } }]

async function serve(change: Partial<BothEras> = {}): Promise<Scripted & { readonly server: BothEras }> {
  const server: BothEras = { modern: alike, session: alike, sessions: true, ...change }
  const started = await bothEras(server)
  onTestFinished(() => started.stop())
  return { ...started, server }
}

const call = (options: CallOptions = {}, name = 'a') => makeCall('tools/call', { name }, options)
const session = (affinity = 's-ann', principal = 'ann'): CallOptions => ({ principal, affinity, capabilities: asksAll })
const asked = (peer: Scripted, method: string) => peer.requests.filter(({ body }) => body.method === method).length

async function names({ upstream }: Made): Promise<string[]> {
  const found: string[] = []
  for await (const item of upstream.items('tool', never)) found.push((item.json() as { name: string }).name)
  return found
}

/** Waits until it is known whether the server has the session era. */
async function both(made: Made): Promise<void> {
  await made.upstream.ready(never)
  made.upstream.wantSessions?.()
  await expect.poll(() => made.upstream.sessionsPending?.()).toBe(false)
}

test('who waits for the session era asks for nothing by that: each look would begin another attempt', async () => {
  const peer = await serve()
  const { upstream } = upstreamAt({ url: peer.url })
  await upstream.ready(never)
  let changes = 0
  const release = upstream.onChange(() => {
    changes += 1
    upstream.sessionsPending?.()
  })
  expect(upstream.sessionsPending?.()).toBe(false)
  upstream.wantSessions?.()
  expect(upstream.sessionsPending?.()).toBe(true)
  await expect.poll(() => upstream.sessionsPending?.()).toBe(false)
  release()
  expect(asked(peer, 'initialize')).toBe(1)
  expect(changes).toBeLessThan(5)
})

test('a server of which nothing is known yet is not asked for sessions', async () => {
  const { upstream } = upstreamAt({ url: 'http://127.0.0.1:1/mcp' })
  expect(await upstream.ready(never)).toBeDefined()
  upstream.wantSessions?.()
  expect(upstream.sessionsPending?.()).toBe(false)
})

describe('a caller of a server of both eras', () => {
  test('is served in its own era over HTTP, and each session has its own', async () => {
    const peer = await serve()
    const { upstream } = upstreamAt({ url: peer.url })
    expect(textOf(await send(upstream, call({ principal: 'ann' })))).toBe('modern')
    expect(asked(peer, 'initialize')).toBe(0)
    for (const affinity of ['one', 'two', 'one']) expect(textOf(await send(upstream, call(session(affinity))))).toBe('session')
    expect(textOf(await send(upstream, call({ principal: 'ann' })))).toBe('modern')
    // The gateway's own, and two sessions of clients; each is ended with its client's, the rest with the gateway.
    expect([asked(peer, 'initialize'), upstream.health().connections]).toEqual([3, 4])
    upstream.sessionEnded?.('one')
    await expect.poll(() => peer.requests.filter(({ verb }) => verb === 'DELETE').length).toBe(1)
  })

  test('is served in its own era by a child, and the second child is started when it is first needed', async () => {
    const { upstream } = upstreamAt(bothErasChild)
    const [modern] = [textOf(await send(upstream, call({}, 'where')))]
    expect([modern.split(' ')[0], upstream.health().connections]).toEqual(['modern', 1])
    const [first, second] = [textOf(await send(upstream, call(session(), 'where'))), textOf(await send(upstream, call(session(), 'where')))]
    expect([first.split(' ')[0], second]).toEqual(['session', first])
    expect(first.split(' ')[1]).not.toBe(modern.split(' ')[1])
    expect(textOf(await send(upstream, call({}, 'where')))).toBe(modern)
  })

  test('is asked what the server asks in sessions alone', async () => {
    const { upstream } = upstreamAt(bothErasChild)
    await upstream.ready(never)
    for (let i = 0; i < 9; i += 1) {
      const ask = call(session(), 'ask')
      const answered = await send(upstream, answerAll(ask, await send(upstream, ask), { action: 'accept', content: { i } }))
      expect(JSON.parse(textOf(answered))).toEqual({ action: 'accept', content: { i } })
    }
  })

  test('comes back to the era that gave it a state to come back with', async () => {
    const peer = await serve()
    const { upstream } = upstreamAt({ url: peer.url })
    expect(textOf(await send(upstream, call({ ...session(), continuation: { kind: 'relayed', inner: 'x' } })))).toBe('modern')
  })

  test('watches on the session that its calls take', async () => {
    const peer = await serve()
    const { upstream } = upstreamAt({ url: peer.url })
    await upstream.ready(never)
    const watch = upstream.watch({}, () => {}, { principal: call(session()).caller.principal, affinity: 's-ann' })
    expect(await watch.update({ resourceSubscriptions: ['test://x'] })).toEqual({ resourceSubscriptions: ['test://x'] })
    await send(upstream, call(session()))
    const of = (method: string) =>
      peer.requests.filter(({ body }) => body.method === method).map(({ headers }) => headers['mcp-session-id'])
    expect(of('resources/subscribe')).toEqual(of('tools/call'))
    watch.close()
  })

  test.each(['modern', 'legacy'] as const)('is served in the era that `era: %s` pins', async (era) => {
    const peer = await serve()
    const { upstream } = upstreamAt({ url: peer.url, era })
    const expected = era === 'modern' ? 'modern' : 'session'
    for (const options of [session(), { principal: 'ann' }]) expect(textOf(await send(upstream, call(options)))).toBe(expected)
  })
})

describe('where no session can be had', () => {
  test('session clients are served in the other era; one attempt is remembered, and made again later', async () => {
    const peer = await serve({ session: 'refused' })
    const clock = new ManualClock()
    const made = upstreamAt({ url: peer.url }, { clock })
    for (let i = 0; i < 5; i += 1) expect(textOf(await send(made.upstream, call(session(`s${i}`))))).toBe('modern')
    expect(asked(peer, 'initialize')).toBe(1)
    expect(made.report.lines.filter(({ event }) => event.includes('takes no initialize'))).toHaveLength(1)
    await clock.advance(61_000)
    peer.server.session = alike
    expect(textOf(await send(made.upstream, call(session('s1'))))).toBe('session')
    expect(asked(peer, 'initialize')).toBe(3)
  })

  test('a server without sessions is not spoken to in two eras', async () => {
    const peer = await serve({ sessions: false, session: [...alike, { name: 'b' }] })
    const made = upstreamAt({ url: peer.url })
    expect(textOf(await send(made.upstream, call(session())))).toBe('modern')
    // What only that era has is called in it all the same.
    expect(await names(made)).toEqual(['a', 'b'])
    expect(textOf(await send(made.upstream, call(session(), 'b')))).toBe('session')
  })

  test('a server that is away is away', async () => {
    const peer = await serve()
    const { upstream } = upstreamAt({ url: peer.url })
    expect(textOf(await send(upstream, call(session())))).toBe('session')
    await peer.stop()
    expect(await send(upstream, call(session('s-ben')))).toMatchObject({ kind: 'fault', fault: { kind: 'upstream_unavailable' } })
  })
})

describe('the items of both eras', () => {
  test('are one list; each is called in the era that has it', async () => {
    const peer = await serve({ modern: [...alike, { name: 'new' }], session: [...alike, { name: 'old' }] })
    const made = upstreamAt({ url: peer.url })
    expect(await names(made)).toEqual(['a', 'new'])
    await both(made)
    await expect.poll(() => names(made)).toEqual(['a', 'new', 'old'])
    for (const [options, name, era] of [
      [session(), 'new', 'modern'],
      [{ principal: 'ann' }, 'old', 'session'],
      [session(), 'old', 'session'],
      [session(), 'a', 'session'],
      [{ principal: 'ann' }, 'a', 'modern'],
    ] as const)
      expect([name, textOf(await send(made.upstream, call(options, name)))]).toEqual([name, era])
  })

  test('are told where they differ, once', async () => {
    const peer = await serve({
      modern: [...alike, { name: 'b', description: 'x', inputSchema: { $schema: 'y', type: 'object' } }, { name: 'c', inputSchema: {} }],
      session: [
        { inputSchema: { type: 'object' }, name: 'a' },
        { name: 'b', description: 'z', inputSchema: { type: 'object' } },
        { name: 'c' },
      ],
    })
    const made = upstreamAt({ url: peer.url })
    await both(made)
    await expect.poll(() => made.upstream.describe().sessionRevision).toBe('2025-11-25')
    for (let i = 0; i < 3; i += 1) expect(await names(made)).toEqual(['a', 'b', 'c'])
    expect(made.upstream.describe().differences).toEqual([
      { kind: 'tool', name: 'b', era: 'both', members: ['description'] },
      { kind: 'tool', name: 'c', era: 'both', members: ['inputSchema'] },
    ])
    expect(made.report.lines.filter(({ event }) => event.includes('lists other items'))).toHaveLength(1)
    // What takes other arguments there is called as it is shown.
    expect(textOf(await send(made.upstream, call(session(), 'c')))).toBe('modern')
    expect(textOf(await send(made.upstream, call(session(), 'b')))).toBe('session')
  })

  test('are not read twice where they are alike', async () => {
    const peer = await serve()
    const made = upstreamAt({ url: peer.url })
    await both(made)
    for (let i = 0; i < 3; i += 1) expect(await names(made)).toEqual(['a'])
    expect(asked(peer, 'tools/list')).toBe(4)
    peer.server.modern = [...alike, { name: 'b' }]
    expect(await names(made)).toEqual(['a', 'b'])
    expect(asked(peer, 'tools/list')).toBe(6)
  })

  test('are those of one era where the list of the other fails', async () => {
    const peer = await serve({ session: 'fails' })
    const made = upstreamAt({ url: peer.url })
    await both(made)
    expect(await names(made)).toEqual(['a'])
    peer.server.session = [...alike, { name: 'old' }]
    expect(await names(made)).toEqual(['a', 'old'])
    peer.server.session = 'fails'
    expect(await names(made)).toEqual(['a', 'old'])
  })
})
