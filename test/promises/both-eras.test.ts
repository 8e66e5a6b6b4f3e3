// A server of both eras through a whole gateway: what a client gets is what it would get directly.
import { describe, expect, onTestFinished, test } from 'vitest'
import { bothErasChild } from '../doubles/upstream/both-eras.ts'
import { type ClientKind, connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'

async function start(): Promise<UnderTest> {
  const gateway = await startUnderTest({ servers: { both: bothErasChild } })
  onTestFinished(() => gateway.stop())
  return gateway
}

async function client(gateway: UnderTest, kind: ClientKind, mount = '/both'): Promise<TestClient> {
  const elicit = () => ({ action: 'accept', content: { name: kind } })
  const connected = await connect(kind, { base: gateway.base, mount }, { elicit })
  onTestFinished(() => connected.close())
  return connected
}

const namesOf = (tools: readonly { name: string }[]): string[] => tools.map(({ name }) => name)
const text = (result: { content: { text: string }[] }): string => result.content[0]?.text ?? ''

describe('a server of both eras', () => {
  test('asks session clients what it asks them directly, and shows them what it shows sessions, in the first list', async () => {
    const gateway = await start()
    const session = await client(gateway, 'v1 http')
    expect(namesOf(await session.tools()).sort()).toEqual(['ask', 'later', 'where'])
    for (let i = 0; i < 9; i += 1)
      expect(JSON.parse(text(await session.call('ask')))).toEqual({ action: 'accept', content: { name: 'v1 http' } })
    expect(text(await session.call('where'))).toMatch(/^session /)
    expect(text(await session.call('later'))).toMatch(/^session /)
  })

  test('serves clients of 2026-07-28 in theirs, and starts no second process for them', async () => {
    const gateway = await start()
    const modern = await client(gateway, 'v2 modern http')
    expect(namesOf(await modern.tools()).sort()).toEqual(['ask', 'where'])
    expect(text(await modern.call('where'))).toMatch(/^modern /)
    const metrics = await (await fetch(`${gateway.admin}/metrics`)).text()
    expect(metrics).toContain('signalbox_upstream_connections{upstream="both"} 1\n')
  })

  test('is shown with what its eras do not have in common', async () => {
    const gateway = await start()
    const status = async (): Promise<Record<string, unknown>> => {
      const { upstreams } = (await (await fetch(`${gateway.admin}/admin/v1/upstreams`)).json()) as { upstreams: Record<string, unknown>[] }
      return upstreams[0] ?? {}
    }
    expect(await status()).toEqual({ name: 'both', state: 'ready' })
    await (await client(gateway, 'v2 legacy http', '')).tools()
    expect((await status()).differences).toEqual([{ kind: 'tool', name: 'later', era: 'legacy' }])
    // What sessions have is served to all, in sessions.
    const modern = await client(gateway, 'v2 modern http')
    expect(namesOf(await modern.tools())).toContain('later')
    expect(text(await modern.call('later'))).toMatch(/^session /)
  })
})
