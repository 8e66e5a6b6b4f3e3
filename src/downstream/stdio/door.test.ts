import { PassThrough } from 'node:stream'
import { Client as ClientTwo } from '@modelcontextprotocol/client'
import { JSONRPCErrorResponseSchema } from '@modelcontextprotocol/core'
import { Client as ClientOne } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { StdioServerTransport as StdioTwo } from '@modelcontextprotocol/server/stdio'
import { describe, expect, it, vi } from 'vitest'
import { envelope, modernBody } from '../../../test/doubles/downstream/http-peer.ts'
import { type Imitation, imitation, textResult } from '../../../test/doubles/downstream/imitation.ts'
import { everything, type RigChange, rigContext, until } from '../../../test/doubles/downstream/legacy-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Gateway } from '../../core/ports/gateway.ts'
import { serveStdio } from './door.ts'

/** The two ends of a pipe pair; the SDK's stdio transport is the client's end as well, the framing is the same. */
function pipes(gateway: Imitation, change: RigChange = {}) {
  const input = new PassThrough()
  const output = new PassThrough()
  const context = rigContext(gateway, change)
  const served = serveStdio(context, { input, output, mount: '' })
  return { input, output, context, served }
}

/** A client that writes lines by hand. */
function raw(gateway: Imitation, change: RigChange = {}) {
  const ends = pipes(gateway, change)
  const seen: Record<string, unknown>[] = []
  let text = ''
  ends.output.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      seen.push(JSON.parse(text.slice(0, end)) as Record<string, unknown>)
      text = text.slice(end + 1)
    }
  })
  const say = (...lines: string[]): void => void ends.input.write(lines.map((line) => `${line}\n`).join(''))
  const next = async (count: number): Promise<Record<string, unknown>[]> => {
    await until(() => seen.length >= count, `${count} messages`)
    return seen
  }
  return { ...ends, seen, say, next }
}

const init = (revision = '2025-11-25') =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
  })
const request = (method: string, params: unknown, id: unknown = 1) => JSON.stringify({ jsonrpc: '2.0', id, method, params })

describe('an SDK client over stdio', () => {
  it('1.x: calls, progress, questions, and the end of its input ends the serving', async () => {
    const gateway = imitation()
    const { input, output, served } = pipes(gateway)
    const one = new ClientOne({ name: 'one', version: '1' }, { capabilities: everything })
    one.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ action: 'accept', content: { answer: params.message } }))
    one.setRequestHandler(CreateMessageRequestSchema, () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }))
    one.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }))
    await one.connect(new StdioServerTransport(output, input))
    const heard: number[] = []
    await one.callTool({ name: 'progress' }, undefined, { onprogress: ({ progress }) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    const { content } = await one.callTool({ name: 'ask', arguments: { tag: 'S' } })
    expect((content as { text: string }[])[0]?.text).toContain('second S')
    expect(gateway.calls.at(-1)?.call.caller.arrival).toEqual({ transport: 'stdio', revision: '2025-11-25' })
    await one.close()
    input.end()
    await served
    expect(gateway.listening).toEqual([])
  })

  it.each(['legacy', 'auto', 'modern'] as const)('2.x in mode %s: calls, progress, questions, cancellation', async (mode) => {
    const gateway = imitation()
    const { input, output, served } = pipes(gateway)
    const two = new ClientTwo(
      { name: 'two', version: '2' },
      { capabilities: everything, versionNegotiation: { mode: mode === 'modern' ? { pin: '2026-07-28' } : mode } },
    )
    two.setRequestHandler('elicitation/create', ({ params }) => ({ action: 'accept', content: { answer: params.message } }))
    two.setRequestHandler('sampling/createMessage', () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }))
    two.setRequestHandler('roots/list', () => ({ roots: [] }))
    await two.connect(new StdioTwo(output, input))
    const heard: number[] = []
    await two.callTool({ name: 'progress' }, { onprogress: ({ progress }) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3, 4, 5])
    const { content } = await two.callTool({ name: 'ask', arguments: { tag: 'S' } })
    expect((content as { text: string }[])[0]?.text).toContain('second S')
    expect(gateway.calls.at(-1)?.call.caller.arrival.revision).toBe(mode === 'legacy' ? '2025-11-25' : '2026-07-28')
    const stop = new AbortController()
    const call = two.callTool({ name: 'wait', arguments: { tag: 'c' } }, { signal: stop.signal })
    await until(() => gateway.waiting.has('c'))
    stop.abort('enough')
    await expect(call).rejects.toThrow()
    await until(() => gateway.ended.length === 1)
    expect(gateway.ended).toEqual(['c:cancelled'])
    await two.close()
    input.end()
    await served
  })
})

describe('the era of a connection', () => {
  it('is legacy for a client that probed with an envelope and fell back', async () => {
    const gateway = imitation()
    const { say, next, input, served } = raw(gateway)
    say(modernBody('server/discover', {}, {}, 'probe'))
    await next(1)
    say(init(), request('tools/call', { name: 'echo', arguments: { a: 1 } }, 7))
    const [probe, opened, called] = await next(3)
    expect(probe).toMatchObject({ id: 'probe', result: { resultType: 'complete', supportedVersions: expect.any(Array) } })
    expect(opened).toMatchObject({ id: 0, result: { protocolVersion: '2025-11-25' } })
    expect(called).toMatchObject({ id: 7, result: { structuredContent: { a: 1 } } })
    expect((called?.result as object | undefined) ?? {}).not.toHaveProperty('resultType')
    input.end()
    await served
  })

  it('is nobody’s for a bare request: it is told how to begin', async () => {
    const { say, next, input, served } = raw(imitation())
    say(request('tools/list', {}), request('ping', {}, 2), request('server/discover', {}, 3))
    const seen = await next(3)
    const byId = new Map(seen.map((message) => [message.id, message]))
    expect(byId.get(1)).toMatchObject({ error: { code: -32600 } })
    expect(byId.get(2)).toMatchObject({ result: {} })
    expect(byId.get(3)).toMatchObject({ error: { code: -32602 } })
    input.end()
    await served
  })

  it('is modern for an enveloped initialize, which does not exist there', async () => {
    const { say, next, input, served } = raw(imitation())
    say(modernBody('initialize'))
    expect((await next(1))[0]).toMatchObject({ error: { code: -32601 } })
    input.end()
    await served
  })
})

describe('one connection of a modern client', () => {
  it('listens, hears changes under the id of its listen, and is told the end', async () => {
    const gateway = imitation()
    const { say, next, input, served } = raw(gateway)
    say(modernBody('subscriptions/listen', { notifications: { toolsListChanged: true } }, {}, 'L'))
    await next(1)
    gateway.changed('tools')
    const [acknowledged, changed] = await next(2)
    const meta = { 'io.modelcontextprotocol/subscriptionId': 'L' }
    expect(acknowledged).toMatchObject({ method: 'notifications/subscriptions/acknowledged', params: { _meta: meta } })
    expect(changed).toMatchObject({ method: 'notifications/tools/list_changed', params: { _meta: meta } })
    input.end()
    expect((await next(3))[2]).toMatchObject({ id: 'L', result: { resultType: 'complete', _meta: meta } })
    await served
  })

  it('may not use an id twice at once', async () => {
    const gateway = imitation()
    const { say, next, input, served } = raw(gateway)
    say(modernBody('tools/call', { name: 'wait', arguments: { tag: 'w' } }, {}, 5), modernBody('tools/list', {}, {}, 5))
    expect((await next(1))[0]).toMatchObject({ id: 5, error: { code: -32600 } })
    gateway.waiting.get('w')?.(textResult('x'))
    await next(2)
    input.end()
    await served
  })
})

describe('the pipe', () => {
  it('answers bad lines with errors, whole lines over the cap too, and goes on', async () => {
    const { say, next, input, served } = raw(imitation(), { http: { bodyBytes: 2_000 } })
    say('', 'no json', '[1', '"text"', '{"a":1,"a":2}', `{"pad":"${'x'.repeat(3_000)}"}`)
    input.write(Buffer.from([0xff, 0xfe, 0x0a]))
    say(init(), '[]')
    const seen = await next(8)
    const codes = seen.map((message) => (message.error as { code: number } | undefined)?.code)
    expect(codes.sort()).toEqual([-32600, -32600, -32600, -32600, -32700, -32700, -32700, undefined])
    input.end()
    await served
  })

  /** Each is refused before a call, and no id can be read from any of them. */
  const nameless = ['no json', '[]', '"text"', request('ping', {}, null), request('ping', {}, {}), '{"jsonrpc":"2.0"}']

  it.each([
    [undefined, false],
    ['2025-11-25', false],
    ['2025-06-18', true],
    ['2024-11-05', true],
  ])('answers what has no readable id as the revision wants it (%s: null %s)', async (revision, isNull) => {
    const { say, next, input, served } = raw(imitation())
    if (revision !== undefined) say(init(revision))
    const opened = revision === undefined ? 0 : 1
    await next(opened)
    say(...nameless)
    const errors = (await next(opened + nameless.length)).slice(opened)
    for (const error of errors) {
      expect(error).toHaveProperty('error.code')
      if (isNull) expect(error).toHaveProperty('id', null)
      // What `JSONRPCErrorResponse` of 2025-11-25 and later allows.
      else expect(JSONRPCErrorResponseSchema.parse(error)).not.toHaveProperty('id')
    }
    input.end()
    await served
  })

  it('names the id of what it refuses wherever it can be read', async () => {
    const { say, next, input, served } = raw(imitation())
    say('{"jsonrpc":"2.0","id":"twice","method":"tools/call","params":{"name":"a","name":"b"}}')
    expect((await next(1))[0]).toMatchObject({ id: 'twice', error: { code: -32600 } })
    input.end()
    await served
  })

  it('skips a byte order mark', async () => {
    const { say, next, input, served } = raw(imitation())
    say(`\ufeff${init()}`, `\ufeff${modernBody('tools/list', {}, {}, 2)}`)
    const seen = await next(2)
    expect(seen.map(({ id, result }) => [id, typeof result]).sort()).toEqual([
      [0, 'object'],
      [2, 'object'],
    ])
    input.end()
    await served
  })

  it('takes batches of 2025-03-26', async () => {
    const { say, next, input, served } = raw(imitation())
    say(init('2025-03-26'))
    await next(1)
    say(`[${request('ping', {}, 1)},${request('tools/call', { name: 'echo' }, 2)},{"jsonrpc":"2.0","method":"notifications/initialized"}]`)
    const batch = (await next(2))[1] as unknown as { id: number }[]
    expect(batch.map(({ id }) => id).sort()).toEqual([1, 2])
    input.end()
    await served
  })

  it('answers a bug of ours under an id of its own, since the call may have its record', async () => {
    const gateway = imitation()
    const begun: string[] = []
    const handle: Gateway['handle'] = (call) => {
      begun.push(call.id)
      return Promise.reject(new Error('a bug'))
    }
    const { say, next, input, served } = raw(Object.assign(gateway, { handle }))
    say(modernBody('tools/list'))
    const [answer] = await next(1)
    expect(JSON.stringify(answer)).toContain(`"correlation_id":"${gateway.refusals[0]?.id}"`)
    expect(begun).toHaveLength(1)
    expect(begun).not.toContain(gateway.refusals[0]?.id)
    input.end()
    await served
  })

  it('closes a call whose answer cannot be written, with no second record', async () => {
    const gateway = imitation()
    const { say, next, input, output, served } = raw(gateway)
    vi.spyOn(output, 'write').mockImplementationOnce(() => {
      throw new Error('a bug')
    })
    say(modernBody('tools/list'))
    await until(() => gateway.calls[0]?.delivery !== undefined)
    expect(gateway.calls[0]?.delivery).toBe('failed')
    say(modernBody('tools/list'))
    await next(1)
    expect(gateway.refusals).toEqual([])
    input.end()
    await served
  })

  it('lets what runs finish when the input ends', async () => {
    const gateway = imitation()
    const { say, next, input, served } = raw(gateway)
    say(init(), request('tools/call', { name: 'wait', arguments: { tag: 'w' } }))
    await until(() => gateway.waiting.has('w'))
    input.end()
    gateway.waiting.get('w')?.(textResult('in time'))
    await served
    expect((await next(2))[1]).toMatchObject({ result: { content: [{ text: 'in time' }] } })
  })

  it('ends what does not finish within the grace, also in a drain', async () => {
    const gateway = imitation()
    const clock = new ManualClock()
    const { say, served, context } = raw(gateway, { clock, graceMs: 1_000 })
    say(
      init(),
      request('tools/call', { name: 'wait', arguments: { tag: 'l' } }),
      modernBody('tools/call', { name: 'wait', arguments: { tag: 'm' } }, {}, 9),
    )
    await until(() => gateway.waiting.size === 2)
    context.drain.abort()
    await clock.advance(1_000)
    await served
    expect(gateway.ended.sort()).toEqual(['l:client_gone', 'm:client_gone'])
  })

  it('says to whom it does not open', async () => {
    const gateway = { ...imitation(), identify: async () => ({ fault: fault('unauthenticated', { reason: 'no token' }) }) }
    const { say, next, input, served } = raw(gateway)
    say(init(), JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list', params: { _meta: envelope } }))
    expect((await next(2)).map(({ error }) => (error as { code: number }).code)).toEqual([-32600, -32600])
    input.end()
    await served
  })
})
