import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventsOf, modernBody, modernHeaders, send } from '../../../test/doubles/downstream/http-peer.ts'
import { modernRig, progress, serving } from '../../../test/doubles/downstream/modern-rig.ts'
import { completed } from '../../../test/doubles/downstream/test-gateway.ts'

const { start } = modernRig()

const talking = serving((_, exchange) => {
  exchange.sink.emit(progress(1))
  return completed({ content: [] })
})

const call = (accept: string) => ({
  headers: { ...modernHeaders('tools/call', 'echo'), accept },
  body: modernBody('tools/call', { name: 'echo' }, { progressToken: 'p' }),
})

describe('what a client accepts', () => {
  it('is JSON alone: it gets the answer, and no event on the way', async () => {
    const { at } = await start(talking)
    const answer = await send(at.port, call('application/json'))
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json).toMatchObject({ id: 1, result: { content: [] } })
  })

  it('is a stream alone: it gets one, also where nothing comes before the answer', async () => {
    const { at } = await start(serving(() => completed({ content: [] })))
    const answer = await send(at.port, call('text/event-stream'))
    expect(answer.headers['content-type']).toBe('text/event-stream')
    expect(eventsOf(answer.text)).toMatchObject([{ id: 1, result: { content: [] } }])
  })

  it('must be a stream where nothing else can answer, which it is told', async () => {
    const { at } = await start(talking)
    const headers = { ...modernHeaders('subscriptions/listen'), accept: 'application/json' }
    const answer = await send(at.port, { headers, body: modernBody('subscriptions/listen', { notifications: {} }) })
    expect(answer.status).toBe(406)
    expect(answer.json).toMatchObject({ id: 1, error: { message: expect.stringContaining('text/event-stream') } })
  })
})

describe('what is too large for one event', () => {
  /** Asks as the stage of results does. */
  const asking = (bytes: number, told: boolean[]) =>
    serving((_, exchange) => {
      const found = completed({ content: [{ type: 'text', text: 'x'.repeat(bytes) }] })
      if (found.kind === 'complete') told.push(exchange.sink.fits?.(found) !== false)
      return found
    })

  it('is told by the line of the event, to the byte', async () => {
    const told: boolean[] = []
    const { at } = await start(asking(10_000, told), { eventBytes: 20_000 })
    const { text } = await send(at.port, call('text/event-stream'))
    const line = Buffer.byteLength(text.split('\n').find((one) => one.startsWith('data: ')) ?? '')
    for (const eventBytes of [line, line - 1]) {
      await send((await start(asking(10_000, told), { eventBytes })).at.port, call('text/event-stream'))
    }
    expect(told).toEqual([true, true, false])
  })

  it('is nothing to an answer that leaves as JSON', async () => {
    const told: boolean[] = []
    const { at } = await start(asking(10_000, told), { eventBytes: 5_000 })
    await send(at.port, call('application/json, text/event-stream'))
    expect(told).toEqual([true])
  })
})

describe('a body', () => {
  it('that is packed is refused with what to do', async () => {
    const { at } = await start(talking)
    const answer = await send(at.port, { ...call('*/*'), headers: { ...call('*/*').headers, 'content-encoding': 'GZIP' } })
    expect(answer.status).toBe(415)
    expect(answer.headers['accept-encoding']).toBe('identity')
    expect(answer.json).toMatchObject({ error: { message: expect.stringMatching(/Content-Encoding gzip .* without Content-Encoding/) } })
  })

  it('may begin with a byte order mark', async () => {
    const { at } = await start(talking)
    const answer = await send(at.port, { ...call('application/json'), body: `\ufeff${call('').body}` })
    expect(answer.json).toMatchObject({ id: 1, result: { content: [] } })
  })
})

describe('a target in absolute-form', () => {
  const ask = (port: number, head: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\nConnection: close\r\n\r\n`))
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })

  it('is served', async () => {
    const { at } = await start(talking)
    expect(await ask(at.port, `GET http://127.0.0.1:${at.port}/readyz HTTP/1.1\r\nHost: 127.0.0.1:${at.port}`)).toMatch(/^HTTP\/1.1 200 /)
    const answer = await send(at.port, { ...call('application/json'), path: `HTTP://localhost:${at.port}/mcp?x=1` })
    expect(answer.json).toMatchObject({ result: { content: [] } })
    expect((await send(at.port, { method: 'PUT', path: `http://localhost:${at.port}` })).status).toBe(404)
  })

  it('has to name a host of ours, as the header has to', async () => {
    const { at } = await start(talking)
    expect(await ask(at.port, `GET http://evil.example/readyz HTTP/1.1\r\nHost: 127.0.0.1:${at.port}`)).toMatch(/^HTTP\/1.1 403 /)
    expect(await ask(at.port, 'GET http://127.0.0.1/readyz HTTP/1.1\r\nHost: evil.example')).toMatch(/^HTTP\/1.1 403 /)
  })
})

describe('`Allow` says what an address serves', () => {
  it.each([
    ['/mcp', 'PUT', 'GET, POST, DELETE, OPTIONS'],
    ['/mcp', 'HEAD', 'GET, POST, DELETE, OPTIONS'],
    ['/livez', 'POST', 'GET, HEAD, OPTIONS'],
    ['/readyz', 'DELETE', 'GET, HEAD, OPTIONS'],
  ])('%s to %s', async (path, method, allow) => {
    const { at } = await start(talking)
    const refused = await send(at.port, { path, method })
    expect([refused.status, refused.headers.allow]).toEqual([405, allow])
    const asked = await send(at.port, { path, method: 'OPTIONS' })
    expect([asked.status, asked.headers.allow]).toEqual([204, allow])
  })

  it('and HEAD is answered where GET is', async () => {
    const { at } = await start(talking)
    for (const path of ['/livez', '/readyz']) {
      const answer = await send(at.port, { path, method: 'HEAD' })
      expect([answer.status, answer.text]).toEqual([200, ''])
    }
  })
})
