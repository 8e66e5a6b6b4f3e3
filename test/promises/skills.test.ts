// Skills (SEP-2640) of two real servers with the same skills, read by a real host that verifies every file against the entry of its skill.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { SkillsClient } from '@modelcontextprotocol/client/ext/skills'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type Started, startFixture } from '../peers/servers.ts'
import { promise } from './promise.ts'

const eras = ['legacy', 'modern'] as const
let servers: Started[]
let gateway: UnderTest

beforeAll(async () => {
  servers = await Promise.all(eras.map((era) => startFixture({ FIXTURE_ERA: era })))
  gateway = await startUnderTest({
    servers: Object.fromEntries(eras.map((era, index) => [era, { url: `http://127.0.0.1:${servers[index]?.port}/mcp`, era }])),
    toolsets: {
      some: { include: ['modern/skill://acme/*', 'legacy/test*'], exclude: ['modern/skill://acme/billing/refunds/templates/*'] },
    },
  })
})
afterAll(async () => {
  await gateway.stop()
  await Promise.all(servers.map((server) => server.stop()))
})

async function host(mount: string, mode: { pin: '2026-07-28' } | 'legacy'): Promise<{ client: Client; skills: SkillsClient }> {
  const client = new Client({ name: 'host', version: '1.0.0' }, { versionNegotiation: { mode } })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.base}/mcp${mount}`)))
  return { client, skills: new SkillsClient(client) }
}

describe.each([{ pin: '2026-07-28' } as const, 'legacy' as const])('a host (%j)', (mode) => {
  promise(
    ['R1', 'R72'],
    'has the skills of both servers, told apart by the path, and every file of each is what its digest says',
    async () => {
      const { client, skills } = await host('', mode)
      expect([skills.supported, skills.directoryRead]).toEqual([true, true])
      const { skills: entries } = await skills.list()
      expect(entries.map(({ uri }) => uri)).toEqual([
        'skill://acme/billing/refunds/SKILL.md',
        'skill://triage/SKILL.md',
        'skill://modern/acme/billing/refunds/SKILL.md',
        'skill://modern/triage/SKILL.md',
      ])
      for (const entry of entries) {
        expect((await skills.get(entry.uri)).skill).toEqual(entry)
        for (const { uri } of entry.resources === 'dynamic' ? [] : entry.resources) {
          expect((await skills.read(entry, uri)).verified).toBe(true)
        }
      }
      const { resources } = await skills.readDirectory('skill://modern/acme/billing/refunds/templates')
      expect(resources.map(({ uri }) => uri)).toEqual([
        'skill://modern/acme/billing/refunds/templates/email.md',
        'skill://modern/acme/billing/refunds/templates/regional',
      ])
      await expect(skills.get('skill://nowhere/SKILL.md')).rejects.toMatchObject({ code: -32602 })
      await client.close()
    },
  )

  promise('R1', 'has on the mount of one server its own URIs, and in a toolset what that includes', async () => {
    const one = await host('/modern', mode)
    const uris = async (skills: SkillsClient) => (await skills.list()).skills.map(({ uri }) => uri)
    expect(await uris(one.skills)).toEqual(['skill://acme/billing/refunds/SKILL.md', 'skill://triage/SKILL.md'])
    await one.client.close()
    const { client, skills } = await host('/some', mode)
    expect(await uris(skills)).toEqual(['skill://acme/billing/refunds/SKILL.md'])
    const [entry] = (await skills.list()).skills
    if (entry === undefined) throw new Error('no skill')
    expect((await skills.read(entry, 'references/POLICY.md')).verified).toBe(true)
    await expect(skills.read(entry, 'templates/email.md')).rejects.toMatchObject({ message: expect.stringContaining('templates/email.md') })
    await expect(skills.get('skill://triage/SKILL.md')).rejects.toMatchObject({ code: -32602 })
    await expect(client.readResource({ uri: 'skill://triage/SKILL.md' })).rejects.toThrow()
    await client.close()
  })
})
