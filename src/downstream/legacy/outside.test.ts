import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema, McpError } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it } from 'vitest'
import { imitation } from '../../../test/doubles/downstream/imitation.ts'
import { connect, type Rig, rig, rigContext, until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { refusalKey } from '../../core/protocol/names.ts'
import { serveStdio } from '../stdio/door.ts'
import type { Outsiders, OutsideSession } from './outside.ts'

let at: Rig | undefined
const isAnswered = (answer: unknown): boolean => isObject(answer) && answer[refusalKey] === undefined
afterEach(() => at?.close())

/** The affinities of the sessions whose end was told. */
function ends(): { readonly told: string[]; readonly outsiders: Outsiders } {
  const told: string[] = []
  return { told, outsiders: { register: () => () => undefined, sessionEnded: (affinity) => void told.push(affinity) } }
}

async function setting(over: 'http' | 'sse', capabilities: object) {
  const sessions = new Map<string, OutsideSession>()
  at = await rig(imitation(), {
    outsiders: {
      register: (affinity, session) => {
        sessions.set(affinity, session)
        return () => void sessions.delete(affinity)
      },
    },
  })
  const logs: unknown[] = []
  const { client } = await connect(at, {
    over,
    capabilities,
    prepare: (one) => {
      if ('roots' in capabilities) one.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: 'file:///here' }] }))
      one.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params.data))
    },
  })
  // Over HTTP a session is found once its first request came.
  await client.ping()
  await until(() => sessions.size === 1, 'the session')
  const [session] = sessions.values()
  if (session === undefined) throw new Error('no session')
  return { client, sessions, session, logs }
}

describe.each(['http', 'sse'] as const)('what a server says outside any call reaches its one session over %s', (over) => {
  it('a question is asked on the stream of the session and answered', async () => {
    const { client, session } = await setting(over, { roots: {} })
    // The SDK opens its stream after the handshake, on its own.
    let answer: unknown
    for (let i = 0; i < 100 && !isAnswered(answer); i += 1) {
      answer = (await session.ask('roots/list', undefined))?.json()
      if (!isAnswered(answer)) await client.ping()
    }
    expect(answer).toMatchObject({ roots: [{ uri: 'file:///here' }] })
  })

  it('one that the client did not declare is not asked, and its error is what the client itself would say', async () => {
    const { session } = await setting(over, { elicitation: {} })
    const ask = async (method: string, params?: object) => {
      const answer: unknown = (await session.ask(method, params === undefined ? undefined : payloadOf(params)))?.json()
      return isObject(answer) ? answer[refusalKey] : answer
    }
    await expect.poll(() => ask('roots/list')).toEqual({ code: -32601, message: 'Client does not support roots' })
    const url = { mode: 'url', message: 'x', url: 'https://example.test/' }
    expect(await ask('elicitation/create', url)).toEqual({ code: -32602, message: 'Client does not support URL-mode elicitation' })
  })

  it('the error that the client gives is the answer', async () => {
    const { client, session } = await setting(over, { elicitation: {} })
    client.setRequestHandler(ElicitRequestSchema, () => {
      throw new McpError(-32050, 'not now', { until: 'noon' })
    })
    let answer: unknown
    for (let i = 0; i < 100 && !JSON.stringify(answer ?? '').includes('not now'); i += 1) {
      answer = (
        await session.ask('elicitation/create', payloadOf({ message: 'x', requestedSchema: { type: 'object', properties: {} } }))
      )?.json()
      await client.ping()
    }
    expect(answer).toEqual({ [refusalKey]: { code: -32050, message: 'MCP error -32050: not now', data: { until: 'noon' } } })
  })

  it('log lines come by level', async () => {
    const { client, session, logs } = await setting(over, {})
    const say = (level: 'warning' | 'debug') => session.event({ kind: 'log', level, params: payloadOf({ level, data: `on ${level}` }) })
    for (let i = 0; i < 100 && logs.length === 0; i += 1) {
      say('debug')
      say('warning')
      await client.ping()
    }
    expect(logs[0]).toBe('on warning')
    expect(logs).not.toContain('on debug')
  })

  it('and nothing once it has ended', async () => {
    const { client, sessions } = await setting(over, { roots: {} })
    const { transport } = client
    if (transport !== undefined && 'terminateSession' in transport)
      await (transport as { terminateSession(): Promise<void> }).terminateSession()
    await client.close()
    await until(() => sessions.size === 0, 'the end of the session')
  })
})

describe('the end of a session is told once, with the affinity of its calls, so that servers can let go of it', () => {
  it('where the client says so, over HTTP', async () => {
    const gateway = imitation()
    const { told, outsiders } = ends()
    at = await rig(gateway, { outsiders })
    const { client, transport } = await connect(at)
    await client.callTool({ name: 'echo', arguments: {} })
    const used = gateway.calls.at(-1)?.call.caller.affinity
    await (transport as StreamableHTTPClientTransport).terminateSession()
    await client.close()
    expect(told).toEqual([used])
  })

  it('where it was idle too long, over HTTP', async () => {
    const clock = new ManualClock()
    const { told, outsiders } = ends()
    at = await rig(imitation(), { outsiders, clock, sessions: { idleMs: 60_000 } })
    const { client } = await connect(at)
    await client.close()
    await clock.advance(30_000)
    expect(told).toEqual([])
    await clock.advance(120_000)
    await until(() => told.length === 1, 'the end of the session')
  })

  it('where its stream is closed, over SSE', async () => {
    const { told, outsiders } = ends()
    at = await rig(imitation(), { outsiders })
    const { client } = await connect(at, { over: 'sse' })
    await client.ping()
    expect(told).toEqual([])
    await client.close()
    await until(() => told.length === 1, 'the end of the session')
  })

  it('where its input ends, over stdio', async () => {
    const { told, outsiders } = ends()
    const input = new PassThrough()
    const output = new PassThrough()
    const served = serveStdio(rigContext(imitation(), { outsiders }), { input, output, mount: '' })
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } }
    input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\n`)
    await once(output, 'data')
    expect(told).toEqual([])
    input.end()
    await served
    expect(told).toHaveLength(1)
  })
})
