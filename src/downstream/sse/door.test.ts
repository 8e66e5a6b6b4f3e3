import type { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { open as request, send } from '../../../test/doubles/downstream/http-peer.ts'
import { imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { closedAfterEach } from '../../../test/doubles/downstream/legacy-http-peer.ts'
import { everything, type Rig, until } from '../../../test/doubles/downstream/legacy-rig.ts'

const { start, client } = closedAfterEach('sse')

/** Opens the stream by hand; resolves with its first event. */
function stream(at: Rig, headers: Record<string, string> = {}) {
  return new Promise<{ head: Record<string, unknown>; endpoint: string; ended: Promise<void> }>((resolve, reject) => {
    const req = request(at.port, { method: 'GET', path: '/sse', headers: { accept: 'text/event-stream', ...headers } })
    req.on('error', reject)
    req.on('response', (res) => {
      const ended = new Promise<void>((done) => res.on('end', done))
      res.on('data', (chunk: Buffer) => {
        const endpoint = /^event: endpoint\ndata: (.*)\n\n/.exec(chunk.toString())?.[1]
        if (endpoint !== undefined) resolve({ head: res.headers, endpoint, ended })
      })
    })
    req.end()
  })
}

describe('an SDK 1.x client over HTTP+SSE', () => {
  it('calls, hears progress, answers questions of every kind', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at, {
      capabilities: everything,
      prepare: (c) => {
        c.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ action: 'accept', content: { answer: params.message } }))
        c.setRequestHandler(CreateMessageRequestSchema, () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }))
        c.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }))
      },
    })
    expect(at.sseDoor.sessions()).toBe(1)
    // This client forgets a call's progress handler in the tick of the answer, so the answer comes after the progress was heard.
    const heard: number[] = []
    const waiting = one.callTool({ name: 'wait', arguments: { tag: 'p' } }, undefined, {
      onprogress: ({ progress }) => heard.push(progress),
    })
    await until(() => heard.length === 1)
    gateway.waiting.get('p')?.(textResult('done'))
    expect((await waiting).content).toEqual([{ type: 'text', text: 'done' }])
    const { content } = await one.callTool({ name: 'ask', arguments: { tag: 'S' } })
    expect((content as { text: string }[])[0]?.text).toContain('second S')
    expect(gateway.calls.at(-1)?.call.caller.arrival).toEqual({ transport: 'sse', revision: '2025-11-25', userAgent: 'node' })
  })

  it('hears list changes and updates, and cancels', async () => {
    const gateway = imitation({}, { mounts: ['memory'] })
    const at = await start(gateway)
    const { client: one } = await client(at, { path: '/sse/memory' })
    const heard: string[] = []
    one.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools'))
    one.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri))
    await one.subscribeResource({ uri: 'test://a' })
    await until(() => gateway.listening.some(({ toolsListChanged }) => toolsListChanged === true))
    gateway.changed('tools')
    gateway.updated('test://a')
    await until(() => heard.length === 2)
    expect(heard).toEqual(['tools', 'test://a'])
    const stop = new AbortController()
    const call = one.callTool({ name: 'wait', arguments: { tag: 'c' } }, undefined, { signal: stop.signal })
    await until(() => gateway.waiting.has('c'))
    stop.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await until(() => gateway.ended.length === 1)
    expect(gateway.calls.at(-1)?.call.mount).toBe('memory')
  })

  it('ends its session, calls and all, with its stream', async () => {
    const gateway = imitation()
    const at = await start(gateway)
    const { client: one } = await client(at)
    void one.callTool({ name: 'wait', arguments: { tag: 'g' } }).catch(() => {})
    await until(() => gateway.waiting.has('g') && gateway.listening.length === 1)
    await one.close()
    await until(() => gateway.ended.length === 1 && gateway.listening.length === 0)
    expect(gateway.ended).toEqual(['g:client_gone'])
    expect(at.sseDoor.sessions()).toBe(0)
  })
})

describe('the deprecated door', () => {
  it('says so on every stream, and once for each client in the log', async () => {
    const at = await start(imitation(), { sse: { owner: 'Ada', sunset: '2027-01-31' } })
    const { head, endpoint } = await stream(at)
    expect(head).toMatchObject({ deprecation: '@1742947200', sunset: 'Sun, 31 Jan 2027 00:00:00 GMT', 'content-type': 'text/event-stream' })
    expect(endpoint).toMatch(/^\/message\?sessionId=[0-9a-f-]{36}$/)
    await client(at)
    await client(at)
    expect(at.context.logged.filter((event) => event.includes('deprecated'))).toHaveLength(1)
  })

  it('takes messages from the principal of the stream alone', async () => {
    const at = await start(imitation())
    const { endpoint } = await stream(at, { authorization: 'alice' })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const status = async (path: string, authorization: string) => (await send(at.port, { path, headers: { authorization }, body })).status
    expect(await status(endpoint, 'alice')).toBe(202)
    expect(await status(endpoint, 'mallory')).toBe(404)
    expect(await status('/message?sessionId=x', 'alice')).toBe(404)
    expect(await status('/message', 'alice')).toBe(404)
  })

  it('can be closed', async () => {
    const at = await start(imitation(), { sse: { enabled: false } })
    expect((await send(at.port, { method: 'GET', path: '/sse', headers: { accept: 'text/event-stream' } })).status).toBe(404)
  })

  it('has room for so many', async () => {
    const at = await start(imitation(), { sessions: { most: 1 } })
    await stream(at)
    expect((await send(at.port, { method: 'GET', path: '/sse', headers: { accept: 'text/event-stream' } })).json).toMatchObject({
      error: { code: -32603 },
    })
  })

  it('reaches nobody any more once a client is gone', async () => {
    const at = await start(imitation())
    const { transport } = await client(at)
    await (transport as SSEClientTransport).close()
    await until(() => at.sseDoor.sessions() === 0)
  })
})
