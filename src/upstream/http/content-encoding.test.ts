import { brotliCompressSync, createBrotliCompress, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ask, httpWireRig, json, kinds, sse } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { result, send, until } from '../../../test/doubles/upstream/scripted-server.ts'

const at = httpWireRig()
const { open } = at

const packers = { gzip: gzipSync, 'x-gzip': gzipSync, br: brotliCompressSync, deflate: deflateSync, GZIP: gzipSync }

describe('a packed answer', () => {
  it.each(Object.entries(packers))('in %s is read', async (encoding, pack) => {
    at.server.script = (asked, response) =>
      send(response, 200, json, pack(result(asked.id, { a: 'x'.repeat(50_000) })), { 'content-encoding': encoding })
    const answer = await ask(open())
    expect(answer.kind === 'answer' && answer.answer.kind === 'result' && answer.answer.result.json()).toEqual({ a: 'x'.repeat(50_000) })
  })

  it('in deflate without its frame is read', async () => {
    at.server.script = (asked, response) => send(response, 200, json, deflateRawSync(result(asked.id)), { 'content-encoding': 'deflate' })
    expect(kinds(await ask(open()))).toEqual(['answer'])
  })

  it.each(['', 'identity', ' , Identity'])('in nothing ("%s") is read', async (encoding) => {
    at.server.script = (asked, response) => send(response, 200, json, result(asked.id), { 'content-encoding': encoding })
    expect(kinds(await ask(open()))).toEqual(['answer'])
  })

  it.each(['zstd', 'gzip, br', 'constructor'])('in %s is refused by that name', async (encoding) => {
    at.server.script = (asked, response) => send(response, 200, json, result(asked.id), { 'content-encoding': encoding })
    const answer = await ask(open())
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    expect(answer).toMatchObject({ fault: { detail: { reason: expect.stringContaining(`Content-Encoding is ${encoding}`) } } })
  })

  it('that is the body of a refusal is read', async () => {
    const body = gzipSync('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"gone"}}')
    at.server.script = (_, response) => send(response, 404, json, body, { 'content-encoding': 'gzip' })
    expect(await ask(open())).toMatchObject({ kind: 'status', status: 404, body: { message: 'gone' } })
  })

  it.each(Object.keys({ gzip: 1, br: 1 }) as ('gzip' | 'br')[])(
    'in %s that unpacks to more than may be read is let go early',
    async (encoding) => {
      const bomb = packers[encoding](Buffer.alloc(8 * 1_048_576, ' '))
      at.server.script = (_, response) => send(response, 200, json, bomb, { 'content-encoding': encoding })
      expect(kinds(await ask(open(), { maxBytes: 100_000 }))).toEqual(['lost', 'unknown', 'result_too_large'])
      await until(() => at.pools.open === 0)
      expect(at.anomalies).toEqual(['oversize'])
    },
  )

  it.each(['gzip', 'br', 'deflate'])('that is no %s is off protocol', async (encoding) => {
    at.server.script = (asked, response) => send(response, 200, json, result(asked.id), { 'content-encoding': encoding })
    const answer = await ask(open())
    expect(kinds(answer)).toEqual(['lost', 'unknown', 'upstream_protocol_error'])
    await until(() => at.pools.open === 0)
  })

  it('that is cut is a lost connection', async () => {
    at.server.script = (asked, response, request) => {
      response.writeHead(200, { 'content-type': json, 'content-encoding': 'gzip' })
      response.write(gzipSync(result(asked.id)).subarray(0, 20), () => request.socket.destroy())
    }
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'outcome_unknown'])
    await until(() => at.pools.open === 0)
  })

  it('is given up with its caller and with its wire', async () => {
    const controller = new AbortController()
    at.server.script = (asked, response) => {
      response.writeHead(200, { 'content-type': json, 'content-encoding': 'gzip' }).write(gzipSync(result(asked.id)).subarray(0, 12))
    }
    const wire = open()
    const [one, two] = [ask(wire, { signal: controller.signal }), ask(wire)]
    await until(() => at.server.asked.length === 2)
    controller.abort()
    expect(await one).toMatchObject({ kind: 'aborted' })
    await wire.close()
    expect(await two).toMatchObject({ kind: 'aborted' })
    expect(at.pools.open).toBe(0)
  })
})

describe('a packed event stream', () => {
  it.each([
    ['gzip', () => createGzip()],
    ['br', () => createBrotliCompress()],
  ] as const)('in %s brings each event as it comes', async (encoding, packer) => {
    let go = (): void => {}
    at.server.script = (asked, response) => {
      response.writeHead(200, { 'content-type': sse, 'content-encoding': encoding })
      const pack = packer()
      pack.pipe(response)
      pack.write('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')
      pack.flush()
      go = () => pack.end(`data: ${result(asked.id)}\n\n`)
    }
    const heard: string[] = []
    const answer = ask(open(), { onMessage: ({ method }) => heard.push(method) })
    await until(() => heard.length === 1)
    go()
    expect(kinds(await answer)).toEqual(['answer'])
    await until(() => at.pools.open === 0)
  })

  it('is refused where one event unpacks to more than may be read', async () => {
    at.server.script = (_, response) => send(response, 200, sse, gzipSync(`data: ${' '.repeat(8_000_000)}`), { 'content-encoding': 'gzip' })
    expect(kinds(await ask(open()))).toEqual(['lost', 'unknown', 'result_too_large'])
    await until(() => at.pools.open === 0)
  })
})

describe('a byte order mark', () => {
  const bom = '\ufeff'

  it.each([
    ['a JSON body', json, (id: unknown) => bom + result(id)],
    ['an event stream', sse, (id: unknown) => `${bom}data: ${result(id)}\n\n`],
    ['the data of an event', sse, (id: unknown) => `data: ${bom}${result(id)}\n\n`],
  ])('before %s is skipped', async (_, type, text) => {
    at.server.script = (asked, response) => send(response, 200, type, text(asked.id))
    expect(kinds(await ask(open()))).toEqual(['answer'])
    expect(at.anomalies).toEqual([])
  })
})
