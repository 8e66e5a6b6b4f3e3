import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { modernBody, modernHeaders, type OpenDoor, openDoor, send } from '../../../test/doubles/downstream/http-peer.ts'
import {
  type Answering,
  completed,
  type TestContext,
  type TestGateway,
  testContext,
  testGateway,
} from '../../../test/doubles/downstream/test-gateway.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { failed } from '../../core/call/outcome.ts'
import { fault } from '../../core/faults/catalogue.ts'

let at: OpenDoor
let gateway: TestGateway
let context: TestContext
afterEach(() => at.door.close())

async function start(
  answering: Answering = () => completed({ tools: [] }),
  options: Parameters<typeof testGateway>[1] = {},
): Promise<void> {
  gateway = testGateway(answering, options)
  context = testContext(gateway)
  at = await openDoor(context)
}

const listing = { headers: modernHeaders('tools/list'), body: modernBody('tools/list') }
const bare = { 'content-type': undefined, accept: undefined }

describe('each address has its door', () => {
  it.each([
    ['/mcp', ''],
    ['/mcp/', ''],
    ['/mcp?x=1', ''],
    ['/mcp/memory', 'memory'],
    ['/mcp/memory/', 'memory'],
    ['/mcp/memory/?x', 'memory'],
  ])('%s is the mount "%s"', async (path, mount) => {
    await start(undefined, { mounts: ['memory'] })
    expect((await send(at.port, { ...listing, path })).status).toBe(200)
    expect(gateway.calls[0]?.call.mount).toBe(mount)
  })

  it.each(['/mcp/nobody', '/mcp/memory//', '/mcp/memory/x', '/mcp/Memory'])('%s names what is served in its place', async (path) => {
    await start(undefined, { mounts: ['memory'] })
    const answer = await send(at.port, { ...listing, path })
    expect(answer.status).toBe(404)
    expect(answer.text).toContain('/mcp/memory')
    expect(gateway.refusals[0]?.fault.kind).toBe('unknown_mount')
  })

  it.each(['/', '/favicon.ico', '/.well-known/oauth-protected-resource', '/sse', '/message'])('%s is not there', async (path) => {
    await start()
    expect((await send(at.port, { method: 'GET', path, headers: bare })).status).toBe(404)
  })

  it('/sse and /message go to the door of the deprecated transport', async () => {
    await start()
    await at.door.close()
    const seen: string[] = []
    const sse = {
      get: async ({ res, mount }: { res: { end(): void }; mount: string }) => {
        seen.push(`GET ${mount}`)
        res.end()
      },
      post: async ({ res, message }: { res: { end(): void }; message: unknown }) => {
        seen.push(`POST ${JSON.stringify(message)}`)
        res.end()
      },
    }
    at = await openDoor(context, { sse })
    await send(at.port, { method: 'GET', path: '/sse', headers: { ...bare, accept: 'text/event-stream' } })
    await send(at.port, { path: '/message?sessionId=1', headers: { accept: undefined }, body: '{"a":1}' })
    expect((await send(at.port, { path: '/sse', body: '{}' })).status).toBe(405)
    expect(seen).toEqual(['GET ', 'POST {"a":1}'])
  })
})

describe('who asks is settled before a body is read', () => {
  it('a refusal comes while the body is still under way', async () => {
    await start(undefined, { identify: () => ({ fault: fault('unauthenticated', { reason: 'no token' }) }) })
    const socket = connect(at.port, '127.0.0.1')
    socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{')
    const [head] = await new Promise<[Buffer]>((resolve) => socket.once('data', (chunk) => resolve([chunk])))
    socket.destroy()
    expect(head.toString()).toContain('HTTP/1.1 401')
    expect(head.toString()).toContain('WWW-Authenticate: Bearer')
  })

  it('the credential reaches identify and nothing else', async () => {
    const seen: unknown[] = []
    await start(undefined, {
      identify: (presented) => {
        seen.push(presented.headers.get('authorization')?.[0])
        return { principal: aPrincipal({ sub: 'ada' }) }
      },
    })
    await send(at.port, { ...listing, headers: { ...listing.headers, authorization: 'Bearer secret' } })
    expect(seen).toEqual(['Bearer secret'])
    expect(JSON.stringify(gateway.calls[0]?.call.caller)).not.toContain('secret')
    expect(gateway.calls[0]?.call.caller.principal.sub).toBe('ada')
  })
})

describe('probes', () => {
  it('/livez is alive, whatever the Host', async () => {
    await start()
    expect((await send(at.port, { method: 'GET', path: '/livez', headers: { ...bare, host: '10.1.2.3' } })).status).toBe(200)
  })

  it('/readyz says whether it serves and nothing of what is behind: 503 while starting or draining', async () => {
    await start()
    const ready = () => send(at.port, { method: 'GET', path: '/readyz', headers: bare })
    at.readiness = { serving: true, draining: false }
    expect(await ready()).toMatchObject({ status: 200, text: '{"status":"ready"}' })
    at.readiness = { serving: false, draining: false }
    expect(await ready()).toMatchObject({ status: 503, text: '{"status":"starting"}' })
    at.readiness = { serving: true, draining: true }
    expect(await ready()).toMatchObject({ status: 503, text: '{"status":"draining"}' })
  })

  it('/readyz is not for foreign hosts, and what operators ask is not here', async () => {
    await start()
    expect((await send(at.port, { method: 'GET', path: '/readyz', headers: { ...bare, host: 'evil.example' } })).status).toBe(403)
    for (const path of ['/metrics', '/clients', '/admin/v1/upstreams', '/admin/v1/clients']) {
      expect((await send(at.port, { method: 'GET', path, headers: bare })).status).toBe(404)
    }
  })
})

describe('a bug of ours', () => {
  it('is an error with a correlation id and a line in the log, never silence', async () => {
    await start(() => {
      throw new Error('oops')
    })
    const answer = await send(at.port, listing)
    expect(answer.text).toContain('-32603')
    expect(answer.text).not.toContain('oops')
    expect(context.logged).toEqual(['A bug in the gateway was caught'])
  })
})

/** Whether the listener is closed: a connection is refused. */
function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(false))
    socket.on('error', () => resolve(true))
    socket.on('connect', () => socket.destroy())
  })
}

describe('a drain loses nobody', () => {
  it('answers what runs, then refuses new connections', async () => {
    let release = (): void => {}
    await start(
      () =>
        new Promise((resolve) => {
          release = () => resolve(completed({ tools: [] }))
        }),
    )
    const running = send(at.port, listing)
    while (gateway.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    context.drain.abort()
    const drained = at.door.drain(5_000)
    while (!(await refusesConnections(at.port)));
    await expect(send(at.port, listing)).rejects.toThrow('ECONNREFUSED')
    release()
    const answer = await running
    expect(answer.status).toBe(200)
    expect(answer.headers.connection).toBe('close')
    await drained
  })

  it('takes in the connections that wait to be accepted', async () => {
    await start()
    const sent = Array.from({ length: 50 }, () => send(at.port, listing))
    // The requests above are on their way when the drain begins in the same turn.
    await new Promise((resolve) => setImmediate(resolve))
    const drained = at.door.drain(2_000)
    const answers = await Promise.all(sent)
    expect(answers.every((answer) => answer.status === 200)).toBe(true)
    await drained
  })

  it('serves kept connections until they end', async () => {
    await start()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () =>
      new Promise<string | undefined>((resolve, reject) => {
        const headers = { ...listing.headers, 'content-type': 'application/json' }
        const req = request({ port: at.port, host: '127.0.0.1', method: 'POST', path: '/mcp', headers, agent }, (res) => {
          res.resume()
          res.on('end', () => resolve(res.headers.connection))
        })
        req.on('error', reject)
        req.end(listing.body)
      })
    expect(await ask()).toBe('keep-alive')
    context.drain.abort()
    const drained = at.door.drain(2_000)
    expect(await ask()).toBe('close')
    await drained
    agent.destroy()
  })

  it('ends what outlasts the grace', async () => {
    await start((_call, exchange) => {
      return new Promise((resolve) => exchange.signal.addEventListener('abort', () => resolve(failed(fault('draining')))))
    })
    const running = send(at.port, listing)
    while (gateway.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await at.door.drain(50)
    expect((await running).status).toBe(503)
  })
})

const somaxconn = process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) : 0

describe('a burst of connections while the gateway does something else', () => {
  const count = 600
  it.runIf(somaxconn > count)(
    'waits to be accepted: none is dropped',
    async () => {
      await start()
      const connected = new Int32Array(new SharedArrayBuffer(4))
      const code = `
      const { connect } = require('node:net')
      const { workerData: { port, connected, count } } = require('node:worker_threads')
      let n = 0
      const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1', () => {
        n += 1
        if (n < count) return
        for (const socket of sockets) socket.destroy()
        Atomics.store(connected, 0, n)
        Atomics.notify(connected, 0)
      }))`
      const worker = new Worker(code, { eval: true, workerData: { port: at.port, connected, count } })
      // Nothing is accepted meanwhile. The bound ends a test that fails.
      expect(Atomics.wait(connected, 0, 0, 15_000)).not.toBe('timed-out')
      await worker.terminate()
    },
    30_000,
  )
})
