// From a door to a server: the end of a client session ends what the server keeps for it.
import { expect, onTestFinished, test } from 'vitest'
import { startSessionServer } from '../../test/doubles/upstream/session-server.ts'
import { startUnderTest } from '../../test/peers/gateway.ts'
import { legacy, openSession, send } from '../../test/peers/raw.ts'

test('a client session has a session of the server to itself, which ends with it', async () => {
  const server = await startSessionServer()
  onTestFinished(() => server.stop())
  const gateway = await startUnderTest({ servers: { web: { url: server.url, era: 'legacy' } } })
  onTestFinished(() => gateway.stop())
  const one = await openSession(gateway.base)
  const two = await openSession(gateway.base)
  const count = async (session: typeof one) => (await legacy(gateway.base, session, 'tools/call', { name: 'web__count' })).message.result
  expect(await count(one)).toMatchObject({ content: [{ text: '1' }] })
  expect(await count(one)).toMatchObject({ content: [{ text: '2' }] })
  expect(await count(two)).toMatchObject({ content: [{ text: '1' }] })
  expect((await send(`${gateway.base}/mcp`, 'DELETE', undefined, { headers: one })).status).toBe(204)
  await expect.poll(() => server.deleted()).toBe(1)
  expect(await count(two)).toMatchObject({ content: [{ text: '2' }] })
})
