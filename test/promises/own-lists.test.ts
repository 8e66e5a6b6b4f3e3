// Servers that change the lists of one session alone: what that session is told, lists and calls is what it would be directly.
import { expect, onTestFinished } from 'vitest'
import { startSessionServer } from '../doubles/upstream/session-server.ts'
import { connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { promise } from './promise.ts'

const namesOf = async (client: TestClient): Promise<string[]> => (await client.tools()).map(({ name }: { name: string }) => name).sort()

promise(['R1', 'R3'], 'a tool that a server adds to one session is told, listed and called there, and nowhere else', async () => {
  const server = await startSessionServer()
  onTestFinished(() => server.stop())
  const gateway = await startUnderTest({ servers: { up: { url: server.url } } })
  onTestFinished(() => gateway.stop())
  const open = async (): Promise<TestClient> => {
    const client = await connect('v1 http', { base: gateway.base, mount: '/up' })
    onTestFinished(() => client.close())
    return client
  }
  const [one, other] = [await open(), await open()]
  await one.call('count')
  await other.call('unlock')
  await other.call('count')
  await other.call('count')
  expect(await eventually(async () => other.changed.includes('tools'))).toBe(true)
  expect(await namesOf(other)).toEqual(['choose', 'count', 'unlock', 'unlocked'])
  expect((await other.call('unlocked')).content).toEqual([{ type: 'text', text: 'unlocked after 2' }])
  expect(await namesOf(one)).toEqual(['choose', 'count', 'unlock'])
  expect(one.changed).toEqual([])
  await expect(one.call('unlocked')).rejects.toThrow(/unlocked/)
  const next = await open()
  expect(await namesOf(next)).toEqual(['choose', 'count', 'unlock'])
})
