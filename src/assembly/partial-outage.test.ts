// One of three servers is down: the others serve as if nothing were, and who calls it is told so in words to relay.
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../test/peers/free-port.ts'
import { startUnderTest, type UnderTest } from '../../test/peers/gateway.ts'
import { modern, send } from '../../test/peers/raw.ts'
import { plainTool, startScripted } from '../../test/peers/scripted.ts'

const namesOf = async ({ base }: UnderTest): Promise<readonly string[]> =>
  (await modern(base, 'tools/list')).message.result.tools.map(({ name }: { name: string }) => name).sort()
const called = async ({ base }: UnderTest, name: string) => (await modern(base, 'tools/call', { name, arguments: {} })).message.result
const faultIn = (result: { _meta?: Record<string, unknown> }) => result._meta?.['signalbox.dev/fault']

async function gatewayAt(urls: Readonly<Record<string, string>>): Promise<UnderTest> {
  const gateway = await startUnderTest({ servers: Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, { url }])) })
  onTestFinished(() => gateway.stop())
  return gateway
}

test.each(['modern', 'legacy'] as const)('that died (%s): its tools stay listed, and the others are called', async (era) => {
  const servers = await Promise.all([0, 1, 2].map(() => startScripted({ era, tools: [plainTool('read')] })))
  const [a, b, c] = servers as [(typeof servers)[0], (typeof servers)[0], (typeof servers)[0]]
  for (const server of [a, c]) onTestFinished(() => server.close())
  const gateway = await gatewayAt({ a: a.url, b: b.url, c: c.url })
  expect(await namesOf(gateway)).toEqual(['a__read', 'b__read', 'c__read'])
  await b.close()
  const lost = await called(gateway, 'b__read')
  expect(lost.isError).toBe(true)
  expect(faultIn(lost)).toMatchObject({
    kind: 'upstream_unavailable',
    category: 'transport',
    retryable: true,
    side_effect: 'none',
    tell_user: expect.stringContaining('b'),
  })
  expect(lost.content[0].text).toContain('go on without it')
  expect(await namesOf(gateway)).toEqual(['a__read', 'b__read', 'c__read'])
  for (const name of ['a__read', 'c__read']) expect((await called(gateway, name)).content[0].text).toBe('read was called')
  expect((await send(`${gateway.base}/readyz`, 'GET', undefined)).status).toBe(200)
})

test('that was never there: the others are listed and called, and a call says that its server is away', async () => {
  const servers = await Promise.all([0, 1].map(() => startScripted({ era: 'modern', tools: [plainTool('read')] })))
  for (const server of servers) onTestFinished(() => server.close())
  const [a, c] = servers.map(({ url }) => url) as [string, string]
  const gateway = await gatewayAt({ a, b: `http://127.0.0.1:${await freePort()}/mcp`, c })
  expect(await namesOf(gateway)).toEqual(['a__read', 'c__read'])
  for (const name of ['a__read', 'c__read']) expect((await called(gateway, name)).content[0].text).toBe('read was called')
  const { message } = await modern(gateway.base, 'tools/call', { name: 'b__read', arguments: {} })
  expect(message.result === undefined ? message : faultIn(message.result)).toMatchObject({
    kind: 'upstream_unavailable',
    side_effect: 'none',
    tell_user: expect.stringContaining('b'),
  })
  const pages = JSON.parse((await send(`${gateway.admin}/admin/v1/upstreams`, 'GET', undefined)).text).upstreams
  expect(pages.map(({ name, state }: Record<string, string>) => [name, state === 'ready'])).toEqual([
    ['a', true],
    ['b', false],
    ['c', true],
  ])
})
