import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import { createServer, request } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hasOpenssl } from '../../../test/chaos/tls-front.ts'
import { PresentedByHttp } from './presented.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

function listen(on: Server): Promise<number> {
  server = on
  return new Promise((resolve) => on.listen(0, '127.0.0.1', () => resolve((on.address() as AddressInfo).port)))
}

describe('what a request shows of its caller', () => {
  it('every line of every header, as received: two credentials are two, and no name is special', async () => {
    let shown: PresentedByHttp | undefined
    let from: string | undefined
    const port = await listen(
      createHttpServer((req: IncomingMessage, res) => {
        shown = new PresentedByHttp(req, 'http', 'memory')
        from = shown.remoteAddress
        res.end()
      }),
    )
    const socket = connect(port, '127.0.0.1')
    const lines = ['Authorization: one', 'authorization: two', 'X_User: a', 'X-User: b', 'constructor: c', '__proto__: d', '__PROTO__: e']
    socket.write(`POST /mcp/memory?x=1 HTTP/1.1\r\nHost: h\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)
    await new Promise((resolve) => socket.once('close', resolve).resume())
    expect([shown?.verb, shown?.path, shown?.mount, shown?.transport, from, shown?.certificate]).toEqual([
      'POST',
      '/mcp/memory',
      'memory',
      'http',
      '127.0.0.1',
      undefined,
    ])
    const asked = ['host', 'authorization', 'x_user', 'x-user', 'constructor', '__proto__', 'connection', 'toString', 'x-absent']
    expect(asked.map((name) => shown?.headers.get(name))).toEqual([
      ['h'],
      ['one', 'two'],
      ['a'],
      ['b'],
      ['c'],
      ['d', 'e'],
      ['close'],
      undefined,
      undefined,
    ])
    expect(Object.hasOwn(Object.prototype, '0')).toBe(false)
  })
})

describe.skipIf(!hasOpenssl())('the certificate of a TLS connection', () => {
  let folder = ''
  const pem = (name: string) => readFileSync(join(folder, name))
  const config = `[req]
distinguished_name = dn
[dn]
[client]
subjectAltName = @names
[names]
DNS.1 = agent.example
URI.1 = spiffe://acme.example/a, DNS:admin.example
IP.1 = 10.0.0.1
`

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-certificate-'))
    const make = (name: string, ...more: string[]) =>
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`, ...more],
        { cwd: folder, stdio: 'ignore' },
      )
    make('server', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost')
    writeFileSync(join(folder, 'client.cnf'), config)
    make('client', '-subj', '/CN=agent/O=Acme', '-config', 'client.cnf', '-extensions', 'client')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  async function shownBy(identity: object, ca: readonly string[]): Promise<PresentedByHttp['certificate']> {
    let shown: PresentedByHttp['certificate']
    const own = { key: pem('server.key'), cert: pem('server.pem') }
    const port = await listen(
      createServer({ ...own, ca: ca.map(pem), requestCert: true, rejectUnauthorized: false }, (req, res) => {
        shown = new PresentedByHttp(req, 'http', '').certificate
        res.end()
      }),
    )
    await new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', servername: 'localhost', port, ca: pem('server.pem'), agent: false, ...identity })
      asked.on('error', reject)
      asked.on('response', (res) => res.resume().on('end', resolve))
      asked.end()
    })
    return shown
  }

  it('shows its names one by one, and none passes for two', async () => {
    const identity = { key: pem('client.key'), cert: pem('client.pem') }
    const shown = await shownBy(identity, ['client.pem'])
    expect(shown).toMatchObject({ authorized: true, subject: 'CN=agent\nO=Acme', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(shown?.names).toEqual(['DNS:agent.example', 'URI:spiffe://acme.example/a, DNS:admin.example', 'IP Address:10.0.0.1'])
  })

  it('of an authority that nobody configured is not authorized, and none is none', async () => {
    const identity = { key: pem('client.key'), cert: pem('client.pem') }
    expect((await shownBy(identity, ['server.pem']))?.authorized).toBe(false)
    expect(await shownBy({}, ['client.pem'])).toBeUndefined()
  })
})
