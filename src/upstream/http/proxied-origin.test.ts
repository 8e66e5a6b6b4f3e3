import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type StartedProxy, startForwardProxy } from '../../../test/doubles/upstream/forward-proxy.ts'
import { ask, httpWireRig, json, kinds } from '../../../test/doubles/upstream/http-wire-rig.ts'
import { send } from '../../../test/doubles/upstream/scripted-server.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { Proxies } from '../../platform/net/proxies.ts'
import { openSseWire } from '../sse/wire.ts'
import { RequestIds } from '../wire/ids.ts'
import { HttpPools } from './pools.ts'
import type { StreamableHttpWire } from './wire.ts'

const at = httpWireRig()
let proxy: StartedProxy

beforeEach(async () => {
  proxy = await startForwardProxy()
})
afterEach(() => proxy.stop())

/** A wire to a host that only the proxy knows. */
function through(address: string, scheme = 'http', connectTimeoutMs = 2_000): StreamableHttpWire {
  const pools = new HttpPools({}, new Proxies({ HTTP_PROXY: address, HTTPS_PROXY: address }))
  return at.open({ url: `${scheme}://server.example:${at.server.port}/mcp?a=1`, pools, connectTimeoutMs })
}
const own = (): string => `http://127.0.0.1:${proxy.port}`

describe('a server behind a forward proxy, by http', () => {
  it('is asked in absolute-form, by its own name', async () => {
    expect(kinds(await ask(through(own())))).toEqual(['answer'])
    expect(proxy.asked).toEqual([`POST http://server.example:${at.server.port}/mcp?a=1`])
    expect(proxy.credentials).toEqual([undefined])
    expect(at.server.asked[0]).toMatchObject({ path: '/mcp?a=1', headers: { host: `server.example:${at.server.port}` } })
  })

  it('is followed within its origin', async () => {
    at.server.script = (asked, response) =>
      asked.path === '/mcp/'
        ? send(response, 200, json, `{"jsonrpc":"2.0","id":${asked.id},"result":{}}`)
        : send(response, 307, json, '', { location: '/mcp/' })
    expect(kinds(await ask(through(own())))).toEqual(['answer'])
    expect(proxy.asked).toHaveLength(2)
  })

  it('gets no credential of the proxy, which does', async () => {
    expect(kinds(await ask(through(`http://user:s3cr%3At@127.0.0.1:${proxy.port}`)))).toEqual(['answer'])
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('user:s3cr:t').toString('base64')}`])
    expect(at.server.asked[0]?.headers['proxy-authorization']).toBeUndefined()
  })

  it('sent nothing where the proxy wants a credential', async () => {
    proxy.refuse = 407
    const answer = await ask(through(`http://user:s3cret-word@127.0.0.1:${proxy.port}`))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({
      fault: {
        detail: { reason: `the proxy 127.0.0.1:${proxy.port} (HTTP_PROXY) answered with HTTP 407: it wants another credential` },
        evidence: { name: 'proxy_credential' },
      },
    })
    expect(JSON.stringify(answer)).not.toContain('s3cret-word')
    expect(at.server.asked).toEqual([])
  })

  it.each([502, 503, 504])('may have been reached where %i comes back, and the proxy is named', async (status) => {
    proxy.refuse = status
    expect(await ask(through(own()))).toMatchObject({ kind: 'status', status, proxy: `127.0.0.1:${proxy.port} (HTTP_PROXY)` })
  })

  it('says 407 by itself where there is no proxy', async () => {
    at.server.script = (_, response) => send(response, 407, json, '')
    expect(kinds(await ask(at.open()))).toEqual(['status', 407])
  })
})

describe('a server behind a forward proxy, by https', () => {
  it('is reached in a tunnel, in which the server itself is asked for its certificate', async () => {
    const answer = await ask(through(`http://user:word@127.0.0.1:${proxy.port}`, 'https'))
    // The scripted server speaks no TLS, which nobody finds out who does not speak to it.
    expect(answer).toMatchObject({ kind: 'lost', fault: { kind: 'upstream_unavailable', detail: { phase: 'tls' } } })
    expect(proxy.asked).toEqual([`CONNECT server.example:${at.server.port}`])
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('user:word').toString('base64')}`])
  })

  it.each([
    [407, 'answered with HTTP 407: it wants a credential', 'proxy_credential'],
    [502, 'opened no tunnel and answered with HTTP 502', 'proxy_refused'],
    [403, 'opened no tunnel and answered with HTTP 403', 'proxy_refused'],
    [301, 'opened no tunnel and answered with HTTP 301', 'proxy_refused'],
  ])('sent nothing where the proxy answers %i', async (status, words, evidence) => {
    proxy.refuse = status
    const answer = await ask(through(own(), 'https'))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({
      fault: { detail: { reason: `the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY) ${words}` }, evidence: { name: evidence } },
    })
  })

  it('gives up where the proxy does not answer', async () => {
    proxy.refuse = 0
    const answer = await ask(through(own(), 'https', 200))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_timeout'])
    expect(answer).toMatchObject({
      fault: { detail: { afterMs: 200, layer: expect.stringContaining(`the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY)`) } },
    })
  })

  it('sent nothing where the proxy speaks no HTTP, or ends the connection', async () => {
    for (const words of ['SSH-2.0-OpenSSH\r\n\r\n', '']) {
      const raw = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(words)))
      await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
      const answer = await ask(through(`http://127.0.0.1:${(raw.address() as { port: number }).port}`, 'https'))
      expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
      expect(JSON.stringify(answer)).toContain('(HTTPS_PROXY)')
      raw.close()
    }
  })

  it('does not keep its wire from closing while the proxy is silent', async () => {
    proxy.refuse = 0
    const wire = through(own(), 'https')
    const answer = ask(wire)
    await expect.poll(() => proxy.asked.length).toBe(1)
    await wire.close()
    expect(kinds(await answer)).toEqual(['aborted'])
  })
})

describe.each(['http', 'https'])('a proxy that is not there, on the way to %s', (scheme) => {
  it('is named, and nothing was sent', async () => {
    const { port } = proxy
    await proxy.stop()
    const answer = await ask(through(`http://user:s3cret-word@127.0.0.1:${port}`, scheme))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({
      fault: {
        detail: {
          reason: `the proxy 127.0.0.1:${port} (${scheme.toUpperCase()}_PROXY) cannot be used: connection refused`,
          phase: 'connect',
        },
        evidence: { name: 'connection_refused' },
      },
    })
    expect(JSON.stringify(answer)).not.toContain('s3cret-word')
  })

  it('nor one that is spoken to over TLS and does not speak it', async () => {
    const answer = await ask(through(`https://127.0.0.1:${proxy.port}`, scheme))
    expect(kinds(answer)).toEqual(['lost', 'not_sent', 'upstream_unavailable'])
    expect(answer).toMatchObject({
      fault: { detail: { reason: expect.stringMatching(/^the proxy .*_PROXY\) cannot be used: TLS failed/) } },
    })
  })
})

describe('HTTP+SSE', () => {
  const open = () =>
    openSseWire({
      upstream: 'up',
      url: `http://server.example:${at.server.port}/sse`,
      connectTimeoutMs: 2_000,
      userAgent: 'signalbox/0',
      startTimeoutMs: 5_000,
      maxMessageBytes: 10_000,
      headers: () => ({}),
      ids: new RequestIds(0),
      clock: systemClock,
      report: { log: () => {}, counters: { add: () => {} } },
      pools: new HttpPools({}, new Proxies({ HTTP_PROXY: own() })),
    })

  it('goes through the proxy with its stream and its posts', async () => {
    at.server.script = (asked, response) => {
      if (asked.method === 'GET')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: endpoint\ndata: /message\n\n')
      else response.writeHead(202).end()
    }
    const wire = await open()
    if (!('transport' in wire)) throw new Error(wire.message)
    expect(await wire.post(Buffer.from('{"jsonrpc":"2.0","method":"notifications/x"}'), {})).toBeUndefined()
    const origin = `http://server.example:${at.server.port}`
    expect(proxy.asked).toEqual([`GET ${origin}/sse`, `POST ${origin}/message`])
    await wire.close()
  })

  it('names a proxy that wants a credential', async () => {
    proxy.refuse = 407
    expect(await open()).toMatchObject({
      kind: 'upstream_unavailable',
      message: expect.stringContaining('(HTTP_PROXY) answered with HTTP 407'),
    })
  })
})
