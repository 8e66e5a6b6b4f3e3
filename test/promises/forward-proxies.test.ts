// Servers that only a forward proxy reaches, over every wire of HTTP, in the clear and by TLS; and what is told where the proxy refuses.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Authority, hasOpenssl, makeAuthority, startTlsFront, type TlsFront } from '../chaos/tls-front.ts'
import { type StartedProxy, startForwardProxy } from '../doubles/upstream/forward-proxy.ts'
import { connect } from '../peers/clients.ts'
import { freePort } from '../peers/free-port.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { type Started, startEverything } from '../peers/servers.ts'

const password = 'CANARY-of-the-proxy-5d1e'
/** A host that only the proxy knows, and that the certificate is made for. */
const host = 'elsewhere.example'

describe.runIf(hasOpenssl())('a server behind a forward proxy', () => {
  let proxy: StartedProxy
  let authority: Authority
  let streamable: Started
  let sse: Started
  const fronts: TlsFront[] = []
  let gateway: GatewayProcess
  const urls: Record<string, string> = {}

  beforeAll(async () => {
    proxy = await startForwardProxy()
    authority = makeAuthority()
    streamable = await startEverything('streamableHttp', await freePort())
    sse = await startEverything('sse', await freePort())
    for (const server of [streamable, sse]) fronts.push(await startTlsFront(server.port, authority.wrongHost))
    urls.http = `http://${host}:${streamable.port}/mcp`
    urls.https = `https://${host}:${fronts[0]?.port}/mcp`
    urls['http-sse'] = `http://${host}:${sse.port}/sse`
    urls['https-sse'] = `https://${host}:${fronts[1]?.port}/sse`
    urls.near = `http://127.0.0.1:${streamable.port}/mcp`
    const address = `http://agent:${password}@127.0.0.1:${proxy.port}`
    gateway = await startProcess(
      {
        log: { level: 'debug', format: 'json' },
        servers: Object.fromEntries(
          Object.entries(urls).map(([name, url]) => [name, { url, ...(name.endsWith('sse') ? { transport: 'sse' } : {}) }]),
        ),
        limits: { breakerFailures: 100 },
      },
      { HTTP_PROXY: address, https_proxy: address, NODE_EXTRA_CA_CERTS: authority.file },
    )
  })

  afterAll(async () => {
    await gateway?.end('SIGTERM')
    for (const front of fronts) await front.stop()
    await streamable?.stop()
    await sse?.stop()
    await proxy?.stop()
    authority?.remove()
  })

  test.each(['http', 'https', 'http-sse', 'https-sse'])('is served (%s)', async (name) => {
    const client = await connect('v2 modern http', { base: gateway.base, mount: `/${name}` })
    try {
      expect((await client.call('echo', { message: name })).content[0].text).toBe(`Echo: ${name}`)
      const { host: authority, href } = new URL(urls[name] ?? '')
      const way = name.startsWith('https') ? `CONNECT ${authority}` : `${name.endsWith('sse') ? 'GET' : 'POST'} ${href}`
      expect(proxy.asked).toContain(way)
    } finally {
      await client.close()
    }
  })

  test('on this machine is reached directly, and each request through the proxy has its credential', async () => {
    const client = await connect('v2 modern http', { base: gateway.base, mount: '/near' })
    expect((await client.call('echo', { message: 'x' })).content[0].text).toBe('Echo: x')
    await client.close()
    expect(proxy.asked.filter((line) => line.includes('127.0.0.1'))).toEqual([])
    expect(new Set(proxy.credentials)).toEqual(new Set([`Basic ${Buffer.from(`agent:${password}`).toString('base64')}`]))
  })

  test('is told of with the proxy and its variable where that refuses, and nothing tells its credential', async () => {
    proxy.refuse = 407
    for (const front of fronts) await front.present(authority.wrongHost)
    const client = await connect('v1 http', { base: gateway.base })
    const told: string[] = []
    for (const [name, variable] of [
      ['http', 'HTTP_PROXY'],
      ['https', 'https_proxy'],
    ]) {
      const named = `127.0.0.1:${proxy.port} (${variable})`
      const found = await eventually(async () => {
        const answer = JSON.stringify(await client.call(`${name}__echo`, { message: 'x' }))
        told.push(answer)
        return answer.includes(named) && answer.includes('"side_effect":"none"')
      })
      expect(found, told.at(-1)).toBe(true)
    }
    await client.close()
    const shown = JSON.stringify(await gateway.upstreams()) + (await (await fetch(`${gateway.admin}/metrics`)).text())
    for (const text of [...told, shown, gateway.log()]) {
      expect(text).not.toContain(password)
      expect(text).not.toContain(Buffer.from(`agent:${password}`).toString('base64'))
    }
    expect(gateway.log()).not.toMatch(/A bug in|[Uu]nhandled/)
  })
})
