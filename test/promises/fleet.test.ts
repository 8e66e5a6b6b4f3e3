// A fleet of 30 clients, SDK 1.32 and 2.4, every transport and both eras, in front of mixed servers: one suite, at the same time, with equal
// results. Afterwards the inventory knows each of them.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type ClientKind, clientKinds, connect, type Progress, type TestClient } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { fixtureStdio, root, type Started, startFixture } from '../peers/servers.ts'
import { promise } from './promise.ts'

/** 30 clients; a stdio client is a gateway of its own and costs seconds, so there are fewer. */
const fleet: readonly ClientKind[] = [
  ...Array.from({ length: 7 }, () => 'v1 http' as const),
  ...Array.from({ length: 6 }, () => 'v1 sse' as const),
  ...Array.from({ length: 7 }, () => 'v2 legacy http' as const),
  ...Array.from({ length: 7 }, () => 'v2 modern http' as const),
  ...clientKinds.filter((kind) => kind.endsWith('stdio')),
]
const mounts = ['pipe', 'web', 'new'] as const

let started: Started
let gateway: UnderTest
let file: { path: string; remove(): void }
let clients: TestClient[]

beforeAll(async () => {
  started = await startFixture({ FIXTURE_ERA: 'both' })
  const url = `http://127.0.0.1:${started.port}/mcp`
  const config = {
    // Left to find out by itself, the gateway refuses the first questions of calls that run together: it cannot know yet that they may ask.
    servers: { pipe: { ...fixtureStdio('legacy'), interactive: 'yes' }, web: { url, era: 'legacy' }, new: { url, era: 'modern' } },
    limits: { queue: 500 },
  }
  gateway = await startUnderTest(config)
  file = writeConfig(config)
  const command = { command: process.execPath, args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path], cwd: root }
  clients = await Promise.all(fleet.map((kind, at) => connect(kind, { base: gateway.base, command }, answers(at), nameOf(at))))
  // A cold gateway of a stdio client lists what is there after 1.5 s; the suite begins when all servers are.
  await Promise.all(
    clients.map((client) =>
      eventually(async () => {
        const names = (await client.tools()).map(({ name }) => name)
        return mounts.every((mount) => names.includes(`${mount}__test_simple_text`))
      }, 30_000),
    ),
  )
}, 90_000)

afterAll(async () => {
  await Promise.all((clients ?? []).map((client) => client.close().catch(() => undefined)))
  await gateway?.stop()
  await started?.stop()
  file?.remove()
})

function nameOf(at: number): string {
  return `client-${String(at).padStart(2, '0')}`
}

function answers(at: number) {
  return { elicit: () => ({ action: 'accept', content: { response: `of ${nameOf(at)}` } }) }
}

/** What one client gets from one server, without its own name. */
async function suite(client: TestClient, at: number, mount: string): Promise<unknown> {
  const tool = (name: string): string => `${mount}__${name}`
  const progress: Progress[] = []
  const names = (await client.tools()).map(({ name }) => name).filter((name) => name.startsWith(`${mount}__`))
  const asked = await client.call(tool('test_elicitation'), { message: `for ${nameOf(at)}` })
  expect(JSON.stringify(asked)).toContain(`of ${nameOf(at)}`)
  const prompt = await client.prompt(tool('test_prompt_with_arguments'), { arg1: 'one', arg2: 'two' })
  const worked = await client.call(tool('test_tool_with_progress'), {}, { onProgress: (one) => progress.push(one) })
  // SDK clients drop progress that they read together with the answer.
  expect(progress.map((one) => one.progress)).toEqual([0, 50, 100].slice(0, progress.length))
  const failed = await client.call(tool('test_error_handling'))
  const unknown = await client.call(tool('no_such_tool')).catch((error: { code: number }) => error.code)
  const rest = await Promise.all(
    ['test_simple_text', 'test_image_content', 'test_multiple_content_types'].map((name) => client.call(tool(name))),
  )
  return {
    names: names.map((name) => name.slice(mount.length + 2)).sort(),
    prompt: prompt.messages,
    worked: worked.content,
    failed: [failed.isError, failed.content],
    unknown,
    rest: rest.map(({ content }) => content),
    text: (await client.read('test://static-text')).contents,
  }
}

describe('a mixed fleet', () => {
  promise(
    ['R35', 'R37'],
    '30 clients of every SDK, transport and era pass one suite on every server at the same time, with equal results',
    async () => {
      expect(clients).toHaveLength(30)
      const results = await Promise.all(clients.map(async (client, at) => Promise.all(mounts.map((mount) => suite(client, at, mount)))))
      const first = results[0]?.[0]
      for (const [at, result] of results.entries())
        for (const [server, got] of result.entries())
          expect({ client: fleet[at], server: mounts[server], got }).toEqual({ client: fleet[at], server: mounts[server], got: first })
    },
    60_000,
  )

  promise('R38', 'the inventory names each client with its transport, revision and SDK, and counts who has moved', async () => {
    const { clients: seen } = (await (await fetch(`${gateway.admin}/admin/v1/clients`)).json()) as {
      clients: { name: string; version: string; transport: string; revision: string; calls: number; firstSeen: string; lastSeen: string }[]
    }
    // Stdio clients have gateways of their own.
    const here = fleet.map((kind, at) => ({ kind, name: nameOf(at) })).filter(({ kind }) => !kind.endsWith('stdio'))
    expect(seen.map(({ name }) => name).sort()).toEqual(here.map(({ name }) => name))
    for (const { kind, name } of here) {
      const one = seen.find((client) => client.name === name)
      expect(one).toMatchObject({
        version: kind.startsWith('v1') ? '1.32.2' : '2.4.0',
        transport: kind.endsWith('sse') ? 'sse' : 'http',
        ...(kind.includes('modern') ? { revision: '2026-07-28' } : {}),
        // What the fetch of Node.js says, with which both SDKs of TypeScript ask; neither says its own name.
        ...{ sdk: 'node', sdkVersion: 'unknown', owner: 'unknown' },
      })
      expect(one?.calls).toBeGreaterThan(10)
      expect(Date.parse(one?.lastSeen ?? '')).toBeGreaterThanOrEqual(Date.parse(one?.firstSeen ?? ''))
    }
    const metrics = await (await fetch(`${gateway.admin}/metrics`)).text()
    expect(metrics).toContain('signalbox_clients{transport="http",revision="2026-07-28"} 7')
  })
})

describe('a client that moves', () => {
  promise('R37', 'from SSE to Streamable HTTP and back finds the same tools each time, and the inventory tells where it is', async () => {
    const lists: unknown[] = []
    const ways: string[] = []
    for (const kind of ['v1 sse', 'v2 modern http', 'v1 sse'] as const) {
      const client = await connect(kind, { base: gateway.base }, {}, 'mover')
      lists.push((await client.tools()).map(({ name }) => name).sort())
      await client.close()
      const { clients: seen } = (await (await fetch(`${gateway.admin}/admin/v1/clients`)).json()) as {
        clients: { name: string; transport: string; lastSeen: string }[]
      }
      const ofMover = seen.filter(({ name }) => name === 'mover').sort((a, b) => (a.lastSeen < b.lastSeen ? 1 : -1))
      ways.push(ofMover[0]?.transport ?? 'nowhere')
    }
    expect(ways).toEqual(['sse', 'http', 'sse'])
    expect(lists[1]).toEqual(lists[0])
    expect(lists[2]).toEqual(lists[0])
  })
})

describe('the command line', () => {
  promise('R38', '`signalbox clients` prints the table and how many have moved', async () => {
    const child = spawn(process.execPath, [join(root, 'dist', 'main.js'), 'clients', '--url', gateway.admin], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(0)
    expect(text).toContain('7 of 28 on 2026-07-28 Streamable HTTP')
    expect(text).toMatch(/client-07 +1\.32\.2 +node +HTTP\+SSE \(deprecated\)/)
  })
})
