// Any client transport reaches any server transport: one real server over stdio, Streamable HTTP and HTTP+SSE, seen by every client kind.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type ClientKind, clientKinds, connect } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { freePort } from '../peers/free-port.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, metric, modern, openSession, send } from '../peers/raw.ts'
import { startScripted } from '../peers/scripted.ts'
import { everything, modernExample, root, type Started, startEverything } from '../peers/servers.ts'
import { promise } from './promise.ts'

let streamable: Started
let sse: Started
let gateway: UnderTest
let file: { path: string; remove(): void }
let servers: Record<string, unknown>

beforeAll(async () => {
  streamable = await startEverything('streamableHttp', await freePort())
  sse = await startEverything('sse', await freePort())
  servers = {
    child: everything,
    streamable: { url: `http://127.0.0.1:${streamable.port}/mcp` },
    older: { url: `http://127.0.0.1:${sse.port}/sse` },
    modern: modernExample,
  }
  gateway = await startUnderTest({ servers })
  file = writeConfig({ servers })
})
afterAll(async () => {
  await gateway.stop()
  file.remove()
  await streamable.stop()
  await sse.stop()
})

describe.each(clientKinds)('%s', (kind: ClientKind) => {
  promise(['R35', 'R102', 'R3'], 'reaches servers over stdio, Streamable HTTP and HTTP+SSE', async () => {
    const client = await connect(kind, {
      base: gateway.base,
      command: { command: process.execPath, args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path], cwd: root },
    })
    try {
      for (const server of ['child', 'streamable', 'older']) {
        const heard: number[] = []
        expect((await client.call(`${server}__echo`, { message: server })).content[0].text).toBe(`Echo: ${server}`)
        await client.call(
          `${server}__trigger-long-running-operation`,
          { duration: 0.3, steps: 3 },
          { onProgress: ({ progress }) => void heard.push(progress) },
        )
        expect(heard.slice(0, 2), `progress of ${server}`).toEqual([1, 2])
      }
    } finally {
      await client.close()
    }
  })
})

describe('definitions', () => {
  promise(['R2', 'R3'], 'of a real server are the same through the gateway as without it', async () => {
    const direct = await legacyTools(`http://127.0.0.1:${streamable.port}`, '')
    expect(await legacyTools(gateway.base, '/streamable')).toEqual(direct)
    expect(direct.length).toBeGreaterThan(10)
  })
})

/** server-everything shows some tools only to clients that can answer its questions, as the gateway can. */
const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }

async function legacyTools(base: string, mount: string): Promise<unknown[]> {
  const session = await openSession(base, { mount, capabilities })
  const { tools } = (await legacy(base, session, 'tools/list', {}, { mount })).message.result
  // Whether a call may be a task is settled hop by hop.
  return tools.map(({ execution: _, ...definition }: Record<string, unknown>) => definition)
}

describe('stateless by default', () => {
  promise('R40', 'a modern client gets and needs no session, whatever the server behind has', async () => {
    const sessions = async () => (await metric(gateway.admin, 'signalbox_sessions')).get('transport="http"')
    const before = await sessions()
    for (const name of ['child__echo', 'streamable__echo', 'older__echo']) {
      const answer = await modern(gateway.base, 'tools/call', { name, arguments: { message: name } })
      expect(answer.message.result.content[0].text).toBe(`Echo: ${name}`)
      expect(answer.headers['mcp-session-id']).toBeUndefined()
    }
    expect(await sessions()).toBe(before)
  })

  promise('R40', 'a server that needs none is asked for none, also where its client has a session', async () => {
    const upstream = await startScripted({ era: 'modern' })
    const own = await startUnderTest({ servers: { up: { url: upstream.url } } })
    const session = await openSession(own.base, { mount: '/up' })
    for (let n = 0; n < 3; n += 1) {
      const { message } = await legacy(own.base, session, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/up' })
      expect(message.result.content[0].text).toBe('echo was called')
    }
    await own.stop()
    await upstream.close()
    expect(upstream.count('tools/call')).toBe(3)
    expect(upstream.seen.filter(({ headers }) => headers['mcp-session-id'] !== undefined)).toEqual([])
    // Whether it has sessions for those who want to be asked in them is found out once, and remembered.
    expect(upstream.count('initialize')).toBe(1)
  })
})

describe('HTTP+SSE', () => {
  promise(['R36', 'R37'], 'on either side raises a warning with owner and date; the same tools are served beside it', async () => {
    const process: GatewayProcess = await startProcess({
      servers: { older: servers.older },
      sse: { owner: 'team-blue', sunset: '2027-03-31' },
    })
    const warnings = () =>
      process
        .log()
        .split('\n')
        .filter((line) => line.includes('deprecated HTTP+SSE'))
        .map((line) => JSON.parse(line))
    expect(await eventually(() => warnings().some((line) => line.upstream === 'older'))).toBe(true)
    const client = await connect('v1 sse', { base: process.base })
    const over = await connect('v2 modern http', { base: process.base })
    expect((await client.tools()).map((tool) => tool.name)).toEqual((await over.tools()).map((tool) => tool.name))
    expect(await eventually(() => warnings().some((line) => line.client !== undefined))).toBe(true)
    for (const line of warnings()) expect(line).toMatchObject({ level: 'warn', owner: 'team-blue', sunset: '2027-03-31' })
    const controller = new AbortController()
    const head = await fetch(`${process.base}/sse`, { signal: controller.signal })
    expect(head.headers.get('deprecation')).toMatch(/^@\d+$/)
    expect(head.headers.get('sunset')).toBe('Wed, 31 Mar 2027 00:00:00 GMT')
    controller.abort()
    await client.close()
    await over.close()
    expect(await process.end('SIGTERM')).toBe(0)
    expect((await send(`${gateway.base}/livez`, 'GET', undefined)).status).toBe(200)
  })
})
