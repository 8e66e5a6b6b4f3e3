// The main job: any of today's clients, one endpoint, four real servers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type ClientKind, connect, type TestClient } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { everything, filesystem, memory, modernExample } from '../peers/servers.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-main-'))
let gateway: UnderTest

beforeAll(async () => {
  writeFileSync(join(folder, 'hello.txt'), 'hello from a file')
  gateway = await startUnderTest({
    servers: { everything, files: filesystem(folder), memory: memory(join(folder, 'memory.json')), modern: modernExample },
    toolsets: {
      small: {
        include: ['everything/echo', 'files/read*'],
        rename: { 'everything/echo': 'say' },
        describe: { 'everything/echo': 'Says it again.' },
      },
    },
  })
})

afterAll(async () => {
  await gateway.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function using(kind: ClientKind, mount: string, work: (client: TestClient) => Promise<void>): Promise<void> {
  const client = await connect(kind, { base: gateway.base, mount })
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

describe.each(['v1 http', 'v1 sse', 'v2 legacy http', 'v2 modern http'] as const)('%s', (kind) => {
  promise(['R1', 'R3', 'R35'], 'lists and uses tools, resources and prompts of all four servers through one endpoint', async () => {
    await using(kind, '', async (client) => {
      const names = (await client.tools()).map((tool) => tool.name as string)
      for (const prefix of ['everything__', 'files__', 'memory__', 'modern__'])
        expect(names.filter((name) => name.startsWith(prefix)).length).toBeGreaterThan(2)
      expect((await client.call('everything__echo', { message: 'hi' })).content[0].text).toBe('Echo: hi')
      expect((await client.call('files__read_text_file', { path: join(folder, 'hello.txt') })).content[0].text).toBe('hello from a file')
      await client.call('memory__create_entities', { entities: [{ name: kind, entityType: 'client', observations: ['was here'] }] })
      expect(JSON.stringify(await client.call('memory__read_graph'))).toContain(kind)
      const uri = (await client.resources()).find((resource) => (resource.uri as string).startsWith('demo://'))?.uri as string
      expect((await client.read(uri)).contents[0].uri).toBe(uri)
      const prompts = (await client.prompts()).map((prompt) => prompt.name as string)
      expect(prompts).toContain('everything__simple-prompt')
      expect((await client.prompt('everything__args-prompt', { city: 'Paris' })).messages.length).toBeGreaterThan(0)
    })
  })

  promise('R1', 'sees one server under its own names at /mcp/{server}, and a selection at /mcp/{toolset}', async () => {
    await using(kind, '/everything', async (client) => {
      expect((await client.tools()).map((tool) => tool.name)).toContain('echo')
      expect((await client.call('echo', { message: 'own name' })).content[0].text).toBe('Echo: own name')
    })
    await using(kind, '/small', async (client) => {
      const tools = await client.tools()
      expect(tools.map((tool) => tool.name as string).sort()).toEqual([
        'files__read_file',
        'files__read_media_file',
        'files__read_multiple_files',
        'files__read_text_file',
        'say',
      ])
      expect(tools.find((tool) => tool.name === 'say')?.description).toBe('Says it again.')
      expect((await client.call('say', { message: 'renamed' })).content[0].text).toBe('Echo: renamed')
    })
  })

  promise('R71', 'is told path, expectation and what came when arguments do not fit, before the server hears of it', async () => {
    await using(kind, '', async (client) => {
      const result = await client.call('everything__get-sum', { a: 'one' })
      expect(result.isError).toBe(true)
      const told = JSON.stringify(result)
      expect(told).toContain('/a')
      expect(told).toContain('number')
      expect(told).toContain('invalid_arguments')
    })
  })
})
