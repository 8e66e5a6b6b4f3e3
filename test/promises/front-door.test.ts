// Where the front door stands: over TLS with certificates of clients, and behind a proxy that serves it below a path.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, request as plainRequest, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-front-'))
let up: Scripted

beforeAll(async () => {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const make = (name: string, ca: string | undefined, ext: string): void => {
    openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    )
    execFileSync('sh', ['-c', `printf '%s' '${ext}' > ${name}.ext`], { cwd: folder })
    const signer = ca === undefined ? ['-signkey', `${name}.key`] : ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial']
    openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', '2', '-out', `${name}.pem`, '-extfile', `${name}.ext`)
  }
  make('authority', undefined, 'basicConstraints=critical,CA:TRUE')
  make('server', 'authority', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  make('client', 'authority', 'subjectAltName=DNS:proxy.example')
  make('stranger', undefined, 'subjectAltName=DNS:proxy.example')
  up = await startScripted({ era: 'modern', tools: [plainTool('echo')] })
})
afterAll(async () => {
  await up.close()
  rmSync(folder, { recursive: true, force: true })
})

const pem = (name: string): string => readFileSync(join(folder, name), 'utf8')

async function gateway(config: Record<string, unknown>): Promise<UnderTest> {
  const started = await startUnderTest({ servers: { up: { url: up.url, era: 'modern' } }, ...config })
  onTestFinished(started.stop)
  return started
}

interface Reply {
  readonly status: number
  readonly text: string
}

const list = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} } },
})
const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/list',
}

function overTls(base: string, path: string, options: Record<string, unknown> = {}): Promise<Reply> {
  const { port } = new URL(base)
  return new Promise((resolve, reject) => {
    const req = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers, ca: pem('authority.pem'), agent: false, ...options },
      (res) => {
        let text = ''
        res.on('data', (chunk) => (text += chunk))
        res.on('end', () => resolve({ status: res.statusCode ?? 0, text }))
      },
    )
    req.on('error', reject)
    req.end(list)
  })
}

describe('tls.cert and tls.key', () => {
  test('serve the front door over TLS 1.2 and above, and over nothing else', async () => {
    const { base } = await gateway({ tls: { cert: pem('server.pem'), key: pem('server.key') } })
    const { status, text } = await overTls(base, '/mcp')
    expect([status, text]).toEqual([200, expect.stringContaining('up__echo')])
    await expect(overTls(base, '/mcp', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow()
    await expect(send(`http://127.0.0.1:${new URL(base).port}/mcp`, 'POST', list, { headers })).rejects.toThrow()
    expect((await overTls(base, '/mcp')).status).toBe(200)
  })
})

describe('tls.clientCa', () => {
  test('asks for a certificate; who has none, or one of strangers, is answered by the other rules of who may call', async () => {
    const { base } = await gateway({ tls: { cert: pem('server.pem'), key: pem('server.key'), clientCa: pem('authority.pem') } })
    for (const name of ['client', 'stranger', undefined]) {
      const own = name === undefined ? {} : { cert: pem(`${name}.pem`), key: pem(`${name}.key`) }
      expect((await overTls(base, '/mcp', own)).status, String(name)).toBe(200)
    }
  })
})

/** A request whose target is a whole URL (RFC 9112 §3.2.2): its status. */
function inAbsoluteForm(base: string, target: string): Promise<number> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const req = plainRequest({ hostname, port, path: target, agent: false, headers: { host: 'mcp.example.com' } }, (res) => {
      res.resume()
      resolve(res.statusCode ?? 0)
    })
    req.on('error', reject)
    req.end()
  })
}

/** A proxy that hands requests on, with the path as it came or without its beginning. */
async function proxyTo(base: string, strip: string): Promise<string> {
  const server: Server = createServer((req, res) => {
    const path = strip !== '' && req.url?.startsWith(`${strip}/`) === true ? req.url.slice(strip.length) : (req.url ?? '/')
    const onward = plainRequest(`${base}${path}`, { method: req.method, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(res)
    })
    req.pipe(onward)
    onward.on('error', () => res.destroy())
    res.on('close', () => onward.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('publicUrl with a path', () => {
  test.each([
    ['takes it away', '/gw'],
    ['leaves it', ''],
  ])('serves all addresses behind a proxy that %s', async (_what, strip) => {
    const { base } = await gateway({ publicUrl: 'https://mcp.example.com/gw' })
    const proxy = await proxyTo(base, strip)
    const asked = { headers: { host: 'mcp.example.com' } }
    const { status, message } = await modern(`${proxy}/gw`, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/up', ...asked })
    expect([status, message.result?.content?.[0]?.text]).toEqual([200, 'echo was called'])
    expect((await send(`${proxy}/gw/livez`, 'GET', undefined, asked)).status).toBe(200)
    expect((await send(`${proxy}/gw/mcp?x=1`, 'DELETE', undefined, asked)).status).not.toBe(404)
    expect(await inAbsoluteForm(base, 'http://mcp.example.com/gw/livez')).toBe(200)
    expect((await send(`${proxy}/gwx/mcp`, 'POST', list, { headers: { ...headers, host: 'mcp.example.com' } })).status).toBe(404)
    const ended = new AbortController()
    const endpoint = await new Promise<string>((resolve, reject) => {
      let seen = ''
      send(`${proxy}/gw/sse`, 'GET', undefined, {
        ...asked,
        signal: ended.signal,
        onText: (text) => {
          seen += text
          if (seen.includes('sessionId=')) resolve(seen)
        },
      }).catch((error: unknown) => (ended.signal.aborted ? undefined : reject(error)))
    })
    ended.abort()
    expect(endpoint).toContain('data: /gw/message?sessionId=')
  })

  test('its host and origin are those of clients; another host is refused', async () => {
    const { base } = await gateway({ publicUrl: 'https://mcp.example.com/gw', profile: 'dev' })
    const status = async (more: Record<string, string>) =>
      (await send(`${base}/mcp`, 'POST', list, { headers: { ...headers, host: 'mcp.example.com', ...more } })).status
    expect(await status({ origin: 'https://mcp.example.com' })).toBe(200)
    expect(await status({ origin: 'https://evil.example' })).toBe(403)
    expect(await status({ host: 'evil.example' })).not.toBe(200)
    // What a proxy would say of the request is not believed of anybody.
    expect(await status({ host: 'evil.example', 'x-forwarded-host': 'mcp.example.com', forwarded: 'host=mcp.example.com' })).not.toBe(200)
  })
})

describe('the admin door in production', () => {
  test('asks for the token that stands in the state folder, which nobody else may read (A22)', async () => {
    const stateDir = join(folder, 'state')
    const { admin } = await gateway({ profile: 'production', stateDir })
    const status = async (headers: Record<string, string> = {}) => (await send(`${admin}/metrics`, 'GET', undefined, { headers })).status
    expect(await status()).toBe(401)
    const file = join(stateDir, 'admin.token')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await status({ authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` })).toBe(200)
    const before = readFileSync(file, 'utf8')
    await gateway({ profile: 'production', stateDir })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})
