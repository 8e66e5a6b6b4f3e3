// Traces leave by OTLP in each of its protocols, and a collector that is away, slow, refuses or answers nonsense costs calls nothing.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Authority, hasOpenssl, makeAuthority } from './chaos/tls-front.ts'
import { type Answering, type Receiver, startGrpcReceiver, startReceiver } from './doubles/otlp/receiver.ts'
import { freePort } from './peers/free-port.ts'
import { startUnderTest, type UnderTest } from './peers/gateway.ts'
import { eventually } from './peers/processes.ts'
import { metric, modern } from './peers/raw.ts'
import { plainTool, startScripted, textResult } from './peers/scripted.ts'
import { promise } from './promises/promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function receiver(answer?: Answering): Promise<Receiver> {
  const started = await startReceiver(answer)
  open.push(started.close)
  return started
}

/** A gateway that exports there, in front of one server with the tools `good` and `bad`. */
async function exporting(otlp: Record<string, unknown>, telemetry: Record<string, unknown> = {}): Promise<UnderTest> {
  const up = await startScripted({
    era: 'modern',
    tools: [plainTool('good'), plainTool('bad')],
    call: ({ name, answer }) => answer(name === 'bad' ? { ...textResult('no'), isError: true } : textResult('yes')),
  })
  open.push(up.close)
  const gateway = await startUnderTest({ telemetry: { otlp, sample: 1, ...telemetry }, servers: { up: { url: up.url, era: 'modern' } } })
  open.push(gateway.stop)
  return gateway
}

const call = ({ base }: UnderTest, name = 'good') => modern(base, 'tools/call', { name: `up__${name}`, arguments: {} })

async function dropped({ admin }: UnderTest): Promise<Record<string, number>> {
  return Object.fromEntries(
    [...(await metric(admin, 'signalbox_spans_dropped_total'))].map(([labels, n]) => [/"(.*)"/.exec(labels)?.[1] ?? '', n]),
  )
}

const secret = 'Bearer 0123456789abcdef'

describe('each protocol of OTLP', () => {
  it.each(['http/protobuf', 'http/json', 'grpc'] as const)('%s carries spans, and the headers of the configuration', async (protocol) => {
    const to = protocol === 'grpc' ? await startGrpcReceiver() : await startReceiver()
    open.push(to.close)
    const chosen = protocol === 'grpc' ? { protocol: 'grpc' } : { protocol }
    const gateway = await exporting({ endpoint: to.url, ...chosen, headers: { authorization: secret } })
    await call(gateway)
    const span = await to.span(({ kind }) => kind === 'server')
    expect(span).toMatchObject({
      name: 'tools/call up__good',
      scope: 'signalbox',
      sampled: true,
      attributes: { 'mcp.method.name': 'tools/call', 'signalbox.attempts': 1 },
      resource: { 'service.name': 'signalbox', 'service.version': expect.any(String), 'service.instance.id': expect.any(String) },
    })
    const client = await to.span(({ kind }) => kind === 'client')
    expect([client.parentSpanId, client.traceId]).toEqual([span.spanId, span.traceId])
    expect(span.start <= client.start && client.start <= client.end && client.end <= span.end).toBe(true)
    expect(to.requests[0]?.headers.authorization).toBe(secret)
    expect(
      await eventually(async () => [...(await metric(gateway.admin, 'signalbox_spans_total')).values()][0] === to.spans().length),
    ).toBe(true)
  })

  it('a body is compressed unless configuration says otherwise', async () => {
    for (const [own, encoding] of [
      [{}, 'gzip'],
      [{ compression: 'none' }, undefined],
    ] as const) {
      const to = await receiver()
      await call(await exporting({ endpoint: `${to.url}/collect/`, ...own }))
      await to.span(() => true)
      expect(to.requests.map(({ path, headers }) => [path, headers['content-encoding']])).toContainEqual(['/collect/v1/traces', encoding])
    }
  })
})

describe('over TLS', () => {
  let authority: Authority
  beforeAll(() => {
    expect(hasOpenssl()).toBe(true)
    authority = makeAuthority()
  })
  afterAll(() => authority.remove())

  it('the collector is checked, and is shown a certificate', async () => {
    const trusted = { cert: readFileSync(authority.file, 'utf8') }
    const client = authority.good
    const to = await startReceiver(() => false, { ...authority.good, clientCa: trusted.cert })
    open.push(to.close)
    const strange = await startReceiver(() => false, authority.foreign)
    open.push(strange.close)
    const shown = { ca: trusted.cert, cert: client.cert, key: client.key }
    for (const [endpoint, tls] of [
      [to.url, { ca: trusted.cert }],
      [strange.url, shown],
    ] as const) {
      const gateway = await exporting({ endpoint, ...tls })
      await call(gateway)
      await gateway.stop()
    }
    expect([to.spans(), strange.spans()]).toEqual([[], []])
    await call(await exporting({ endpoint: to.url, ...shown }))
    expect(await to.span(() => true)).toBeDefined()
  })
})

it('what cannot be used of the configuration is told, and calls are served without traces', async () => {
  const gateway = await exporting({ endpoint: 'https://127.0.0.1:1', protocol: 'grpc', cert: 'no certificate' })
  expect((await call(gateway)).message.result.content[0].text).toBe('yes')
  expect((await metric(gateway.admin, 'signalbox_spans_queued')).get('')).toBe(0)
})

describe('a collector that does not do its part', () => {
  const calls = 60
  /** All calls are answered, in their order, whatever becomes of their spans. */
  async function load(gateway: UnderTest): Promise<void> {
    for (let n = 0; n < calls; n += 1) {
      const { message } = await call(gateway, n % 2 === 0 ? 'good' : 'bad')
      expect(message.result.content[0].text).toBe(n % 2 === 0 ? 'yes' : 'no')
    }
  }

  promise(['R66', 'R69'], 'a collector that is away is waited for, and calls are answered as ever', async () => {
    const gateway = await exporting({ endpoint: `http://127.0.0.1:${await freePort()}` })
    await load(gateway)
    const [queued] = (await metric(gateway.admin, 'signalbox_spans_queued')).values()
    expect(queued).toBeGreaterThanOrEqual(2 * calls)
    expect(await dropped(gateway)).toEqual({})
    await gateway.stop()
  })

  it('that never answers is given up after the time limit, and sent the same again', async () => {
    let hung = 0
    const to = await receiver((_res, number) => {
      if (number > 1) return false
      hung += 1
      return undefined
    })
    const gateway = await exporting({ endpoint: to.url, timeout: '500ms' })
    await load(gateway)
    expect(await eventually(() => to.spans().filter(({ kind }) => kind === 'client').length === calls)).toBe(true)
    expect(hung).toBe(2)
    expect(await dropped(gateway)).toEqual({})
  })

  it('that says 503 is asked again when it says, without a span lost or doubled', async () => {
    const to = await receiver((res, number) => {
      if (number > 2) return false
      res.writeHead(number === 0 ? 429 : 503, { 'retry-after': '0' }).end('busy')
      return undefined
    })
    const gateway = await exporting({ endpoint: to.url })
    await load(gateway)
    expect(await eventually(() => to.spans().filter(({ kind }) => kind === 'client').length === calls)).toBe(true)
    expect(new Set(to.spans().map(({ spanId }) => spanId)).size).toBe(to.spans().length)
    expect(await dropped(gateway)).toEqual({})
  })

  it('that refuses loses what it refuses, counted', async () => {
    const to = await receiver((res) => void res.writeHead(400).end('{"no":1}'))
    const gateway = await exporting({ endpoint: to.url })
    await load(gateway)
    expect(await eventually(async () => ((await dropped(gateway)).refused ?? 0) >= 2 * calls)).toBe(true)
  })

  it('that took a part says so, and the rest is counted', async () => {
    // ExportTraceServiceResponse: partial_success (1) of rejected_spans (1) 1.
    const to = await receiver((res) => void res.writeHead(200).end(Buffer.from([0x0a, 0x02, 0x08, 0x01])))
    const gateway = await exporting({ endpoint: to.url })
    await call(gateway)
    expect(await eventually(async () => ((await dropped(gateway)).rejected ?? 0) >= 1)).toBe(true)
  })

  it('that answers nonsense without end is read no further, and nothing of it is believed', async () => {
    const to = await receiver((res) => {
      const flood = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(65_536, 0xff)));
        if (!res.destroyed) res.once('drain', flood)
      }
      res.writeHead(200, { 'content-type': 'text/html' })
      flood()
      return undefined
    })
    const gateway = await exporting({ endpoint: to.url })
    await load(gateway)
    expect(await eventually(async () => [...(await metric(gateway.admin, 'signalbox_spans_total')).values()][0] === 2 * calls)).toBe(true)
  })

  it('that speaks no HTTP is one that is away', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.resume()
      socket.write('\x00\x01 nonsense\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push(() => new Promise((resolve) => server.close(() => resolve())))
    const { port } = server.address() as { port: number }
    const gateway = await exporting({ endpoint: `http://127.0.0.1:${port}` })
    await load(gateway)
    expect(await dropped(gateway)).toEqual({})
  })

  it('over gRPC that has no room says when to come back', async () => {
    // google.rpc.Status with RetryInfo{retry_delay: {nanos: 1}}.
    const type = 'type.googleapis.com/google.rpc.RetryInfo'
    const any = Buffer.concat([Buffer.from([0x0a, type.length]), Buffer.from(type), Buffer.from([0x12, 0x04, 0x0a, 0x02, 0x10, 0x01])])
    const details = Buffer.concat([Buffer.from([0x1a, any.length]), any])
    const to = await startGrpcReceiver((number) => (number === 0 ? { code: 8, details } : number === 1 ? { code: 14 } : undefined))
    open.push(to.close)
    const gateway = await exporting({ endpoint: to.url, protocol: 'grpc' })
    await call(gateway)
    expect(await to.span(({ kind }) => kind === 'client')).toBeDefined()
    expect(await dropped(gateway)).toEqual({})
  })
})
