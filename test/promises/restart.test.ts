// A gateway that is started anew: sessions of clients that know nothing of it go on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterEach, expect, test } from 'vitest'
import { connect, type TestClient } from '../peers/clients.ts'
import { freePort } from '../peers/free-port.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, openSession, send } from '../peers/raw.ts'
import { everything, fixtureStdio } from '../peers/servers.ts'
import { promise } from './promise.ts'

const folders: string[] = []
const clients: TestClient[] = []
let running: GatewayProcess | undefined

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close().catch(() => undefined)
  await running?.end('SIGKILL')
  running = undefined
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function configured(more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'signalbox-restart-'))
  folders.push(stateDir)
  return {
    listen: `127.0.0.1:${await freePort()}`,
    admin: { listen: '127.0.0.1:0' },
    stateDir,
    servers: { up: everything, ...more },
    drain: { graceMs: 500 },
  }
}

async function start(config: Record<string, unknown>): Promise<GatewayProcess> {
  running = await startProcess(config)
  return running
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  promise(
    'R45',
    `ten idle session clients of two SDKs go on after ${signal} and a new start`,
    async () => {
      const config = await configured()
      const first = await start(config)
      for (let i = 0; i < 10; i += 1) clients.push(await connect(i % 2 === 0 ? 'v1 http' : 'v2 legacy http', { base: first.base }))
      for (const client of clients) expect((await client.call('up__echo', { message: 'before' })).content[0].text).toContain('before')
      await first.end(signal)
      await start(config)
      const texts = await Promise.all(clients.map(async (client) => (await client.call('up__echo', { message: 'after' })).content[0].text))
      expect(texts).toEqual(clients.map(() => 'Echo: after'))
    },
    90_000,
  )
}

promise(
  'R45',
  'what a session had subscribed to is heard after a new start, on a stream that the client opens again',
  async () => {
    const config = await configured({ fixture: fixtureStdio('legacy') })
    const first = await start(config)
    const session = await openSession(first.base)
    const uri = 'test://watched-resource'
    expect((await legacy(first.base, session, 'resources/subscribe', { uri })).message.result).toEqual({})
    await legacy(first.base, session, 'logging/setLevel', { level: 'error' })
    await first.end('SIGTERM')
    const second = await start(config)
    let heard = ''
    const over = new AbortController()
    const stream = send(`${second.base}/mcp`, 'GET', undefined, {
      headers: { ...session, 'last-event-id': '0-3' },
      signal: over.signal,
      onText: (text) => {
        heard += text
      },
    }).catch(() => undefined)
    const told = async (): Promise<boolean> => {
      await legacy(second.base, session, 'tools/call', { name: 'fixture__test_update_resource', arguments: {} })
      return heard.includes('notifications/resources/updated')
    }
    expect(await eventually(told, 30_000)).toBe(true)
    over.abort()
    await stream
  },
  90_000,
)

test('a session that has ended stays so after a new start; an id of another key, or that was tampered with, is none', async () => {
  const config = await configured()
  const first = await start(config)
  const [ended, open] = [await openSession(first.base), await openSession(first.base)]
  expect((await send(`${first.base}/mcp`, 'DELETE', undefined, { headers: ended })).status).toBe(204)
  // In the same process, at once and later.
  expect((await legacy(first.base, ended, 'ping')).status).toBe(404)
  await first.end('SIGTERM')
  const second = await start(config)
  expect((await legacy(second.base, ended, 'ping')).status).toBe(404)
  expect((await legacy(second.base, open, 'ping')).message.result).toEqual({})
  const id = open['mcp-session-id'] as string
  const tampered = { ...open, 'mcp-session-id': `${id.slice(0, -2)}${id.endsWith('AA') ? 'BB' : 'AA'}` }
  expect((await legacy(second.base, tampered, 'ping')).status).toBe(404)
  await second.end('SIGTERM')
  rmSync(join(config.stateDir as string, 'seal.key'))
  const third = await start(config)
  expect((await legacy(third.base, open, 'ping')).status).toBe(404)
}, 90_000)

test('a store that is no store any more revives what the ids say', async () => {
  const config = await configured()
  const first = await start(config)
  const session = await openSession(first.base)
  await first.end('SIGTERM')
  writeFileSync(join(config.stateDir as string, 'signalbox.db'), 'this is no database, and was one')
  const second = await start(config)
  expect((await legacy(second.base, session, 'tools/list')).message.result.tools.length).toBeGreaterThan(0)
}, 60_000)

test('a row of the store that holds something else costs the session its state, and not its life', async () => {
  const config = await configured({ fixture: fixtureStdio('legacy') })
  const first = await start(config)
  const session = await openSession(first.base)
  expect((await legacy(first.base, session, 'resources/subscribe', { uri: 'test://watched-resource' })).message.result).toEqual({})
  await first.end('SIGTERM')
  const store = new DatabaseSync(join(config.stateDir as string, 'signalbox.db'))
  expect(store.prepare('UPDATE legacy_sessions SET state = \'{"v":1\' WHERE state IS NOT NULL').run().changes).toBe(1)
  store.close()
  const second = await start(config)
  expect((await legacy(second.base, session, 'tools/list')).message.result.tools.length).toBeGreaterThan(0)
}, 60_000)
