// A server with several endpoints, of which one dies, fails, flaps, is slow or hangs: no caller of a tool that reads sees it.
import { describe, expect, onTestFinished, test } from 'vitest'
import { modernServer, type Reply, type Scripted, scripted } from '../../test/doubles/upstream/scripted-http.ts'
import { freePort } from '../../test/peers/free-port.ts'
import { startUnderTest, type UnderTest } from '../../test/peers/gateway.ts'
import { modern, send } from '../../test/peers/raw.ts'

const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const text = (said: string): Reply => ({ result: { resultType: 'complete', content: [{ type: 'text', text: said }] } })
const tools = [
  { name: 'read', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'write', inputSchema: { type: 'object' } },
]
type Answer = Reply | Promise<Reply> | 'reset' | 'hang'

/** A replica whose calls are answered by `answer`; counts them. */
async function replica(answer: (call: number) => Answer = () => text('done'), port?: number) {
  let calls = 0
  const server: Scripted = await scripted(
    modernServer(({ body }) => {
      if (body.method === 'tools/list') return { result: { ...complete, tools } }
      if (body.method !== 'tools/call') return undefined
      calls += 1
      return answer(calls)
    }),
    port,
  )
  onTestFinished(() => server.stop())
  return { ...server, calls: () => calls }
}

async function gatewayAt(...replicas: readonly { readonly url: string }[]): Promise<UnderTest> {
  const gateway = await startUnderTest({
    servers: { up: { endpoints: replicas.map(({ url }) => url) } },
  })
  onTestFinished(() => gateway.stop())
  return gateway
}

const called = async ({ base }: UnderTest, name = 'read'): Promise<string> => {
  const { message } = await modern(base, 'tools/call', { name: `up__${name}`, arguments: {} })
  return message.result.content[0].text
}

/** So many calls, some at once; gives the answers that are not good. */
async function failing(gateway: UnderTest, count: number, atOnce = 1): Promise<readonly string[]> {
  const bad: string[] = []
  let left = count
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const said = await called(gateway)
      if (said !== 'done') bad.push(said)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  return bad
}

const endpointsOf = async ({ admin }: UnderTest) =>
  JSON.parse((await send(`${admin}/admin/v1/upstreams`, 'GET', undefined)).text).upstreams[0].endpoints
const metricsOf = async ({ admin }: UnderTest) => (await send(`${admin}/metrics`, 'GET', undefined)).text

describe('of three endpoints', () => {
  test.each<[string, (call: number) => Answer]>([
    ['answers 503', () => ({ status: 503 })],
    ['answers 500', () => ({ status: 500 })],
    ['cuts the connection', () => 'reset'],
  ])('one always %s: it is left out, and no call fails', async (_what, answer) => {
    const [bad, one, other] = [await replica(answer), await replica(), await replica()]
    const gateway = await gatewayAt(bad, one, other)
    expect(await failing(gateway, 60)).toEqual([])
    // In a row until it is left out, and perhaps a trial of a slow machine.
    expect(bad.calls()).toBeGreaterThanOrEqual(5)
    expect(bad.calls()).toBeLessThan(15)
    expect(one.calls() + other.calls()).toBe(60)
    expect((await endpointsOf(gateway)).map(({ url, state }: Record<string, unknown>) => [url, state === 'ready'])).toEqual([
      [bad.url, false],
      [one.url, true],
      [other.url, true],
    ])
    const metrics = await metricsOf(gateway)
    expect(metrics).toContain(`signalbox_endpoint_ejected{upstream="up",endpoint="${bad.url}"} 1`)
    expect(metrics).toContain(`signalbox_endpoint_ejected{upstream="up",endpoint="${one.url}"} 0`)
    expect(metrics).toMatch(/signalbox_endpoint_ejections_total\{upstream="up",reason="failures"\} [1-9]/)
  })

  test('one fails every other call: no call fails', async () => {
    const [flapping, one, other] = [
      await replica((call) => (call % 2 === 0 ? { status: 503 } : text('done'))),
      await replica(),
      await replica(),
    ]
    const gateway = await gatewayAt(flapping, one, other)
    expect(await failing(gateway, 120)).toEqual([])
    expect(flapping.calls()).toBeGreaterThan(20)
  })

  test('one dies under load and comes back: no call fails, and it gets calls again', async () => {
    const port = await freePort()
    const [mortal, one, other] = [await replica(undefined, port), await replica(), await replica()]
    const gateway = await gatewayAt(mortal, one, other)
    expect(await failing(gateway, 30, 6)).toEqual([])
    expect(mortal.calls()).toBeGreaterThan(0)
    const under = failing(gateway, 200, 6)
    await expect.poll(() => one.calls()).toBeGreaterThan(20)
    await mortal.stop()
    expect(await under).toEqual([])
    const again = await replica(undefined, port)
    await expect.poll(async () => [await failing(gateway, 10, 2), again.calls() > 0], { timeout: 20_000 }).toEqual([[], true])
  })

  test('one is slow: calls go to those that are free', async () => {
    let release: (reply: Reply) => void = () => undefined
    const slowly = new Promise<Reply>((resolve) => {
      release = resolve
    })
    const [slow, one, other] = [await replica(() => slowly), await replica(), await replica()]
    const gateway = await gatewayAt(slow, one, other)
    const first = Array.from({ length: 3 }, () => called(gateway))
    await expect.poll(() => slow.calls()).toBe(1)
    expect(await failing(gateway, 40)).toEqual([])
    expect(slow.calls()).toBe(1)
    expect(Math.abs(one.calls() - other.calls())).toBeLessThanOrEqual(1)
    expect((await endpointsOf(gateway))[0]).toMatchObject({ state: 'ready', inFlight: 1 })
    release(text('done'))
    expect(await Promise.all(first)).toEqual(['done', 'done', 'done'])
  })

  test('one cannot be reached, and what it was not sent goes to another, whatever the tool does', async () => {
    const [mortal, one, other] = [await replica(), await replica(), await replica()]
    const gateway = await gatewayAt(mortal, one, other)
    expect(await called(gateway, 'write')).toBe('done')
    await mortal.stop()
    for (let n = 0; n < 12; n += 1) expect(await called(gateway, 'write')).toBe('done')
  })

  test('one answers 503 to a tool that changes something: it may have been executed, and is sent nowhere else', async () => {
    const [bad, one, other] = [await replica(() => ({ status: 503 })), await replica(), await replica()]
    const gateway = await gatewayAt(bad, one, other)
    const said: string[] = []
    for (let n = 0; n < 3; n += 1) said.push(await called(gateway, 'write'))
    expect(said.filter((one) => one === 'done').length).toBe(2)
    expect([bad.calls(), one.calls() + other.calls()]).toEqual([1, 2])
  })

  test('one says when it is back: its calls go to the others until then, and nothing of the server is held back', async () => {
    const back = { status: 503, headers: { 'retry-after': '600' } }
    const [bad, one, other] = [await replica(() => back), await replica(), await replica()]
    const gateway = await gatewayAt(bad, one, other)
    const said: string[] = []
    for (let n = 0; n < 12; n += 1) said.push(await called(gateway, 'write'))
    expect(said.filter((one) => one === 'done').length).toBe(11)
    expect([bad.calls(), one.calls() + other.calls()]).toEqual([1, 11])
    expect(await failing(gateway, 12)).toEqual([])
    expect(bad.calls()).toBe(1)
  })

  test('all fail: each call is tried at most three times, and the rest of the load is not multiplied', async () => {
    const replicas = [
      await replica(() => ({ status: 503 })),
      await replica(() => ({ status: 503 })),
      await replica(() => ({ status: 503 })),
    ]
    const gateway = await gatewayAt(...replicas)
    const bad = await failing(gateway, 20)
    expect(bad.length).toBe(20)
    const sent = replicas.reduce((sum, one) => sum + one.calls(), 0)
    // Three for the first call, and repeats as the budget has them.
    expect(sent).toBeLessThanOrEqual(20 + 2 + 4)
  })
})
