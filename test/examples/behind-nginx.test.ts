// docs/behind-a-gateway.md and examples/behind-nginx: a real nginx asks the authentication of the team and tells Signalbox who is calling.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { Agent } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { startIssuer } from '../doubles/issuer.ts'
import type { Closers } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import type { UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { type Answer, modern, send } from '../peers/raw.ts'
import { promise } from '../promises/promise.ts'
import { Authority } from './certificates.ts'
import { blockOf, folderFor, readPage, replaced, startExample } from './example.ts'
import { nginxPath, startNginx } from './nginx.ts'

const page = readPage('docs/behind-a-gateway.md')
const config = readPage('examples/behind-nginx/signalbox.yaml')
const nginxConfig = readPage('examples/behind-nginx/nginx.conf')
const secret = '5f0c8f6a6f9f4a3b8a1d2c3e4f506172'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** The authentication of the team: knows people by the passwords of the test. `more`: further headers of its answer. */
async function startTeam(more: (user: string) => Promise<Record<string, string>> = async () => ({})): Promise<string> {
  const people: Record<string, string> = { alice: 'support', bob: 'editors, support', carol: 'sales' }
  const answer = async (credentials: string): Promise<Record<string, string> | undefined> => {
    const [user = '', password] = Buffer.from(credentials.replace('Basic ', ''), 'base64').toString().split(':')
    const groups = people[user]
    if (groups === undefined || password !== 'right') return undefined
    return { 'x-auth-user': user, 'x-auth-groups': groups, ...(await more(user)) }
  }
  const server = createServer((req, res) => {
    void answer(req.headers.authorization ?? '').then((known) => res.writeHead(known === undefined ? 401 : 204, known).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Setting {
  readonly folder: string
  readonly authority: Authority
  /** The configuration of the example, for this machine. */
  readonly settings: Record<string, unknown>
}

/** What the example names: folders, certificates, the secret. */
function place(): Setting {
  const folder = folderFor(closers)
  const authority = new Authority(folder)
  const secretFile = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text)
    chmodSync(join(folder, name), 0o600)
  }
  secretFile('proof', `${secret}\n`)
  secretFile('signalbox-proof.conf', `proxy_set_header Signalbox-Proof "${secret}";\n`)
  authority.sign('cert', 'IP:127.0.0.1')
  const settings = parse(replaced(config, { '/etc/signalbox': folder, '/var/lib/signalbox': join(folder, 'state') }))
  return { folder, authority, settings }
}

interface Front {
  readonly base: string
  readonly agent: Agent
  /** A request of a client, through nginx. */
  ask(method: string, params: Record<string, unknown>, headers: Record<string, string>): Promise<Answer>
  use(tool: string, headers: Record<string, string>): Promise<Answer>
}

async function startFront(setting: Setting, at: UnderTest, team: string, change: Record<string, string> = {}): Promise<Front> {
  const { folder, authority } = setting
  const port = await freePort()
  const text = replaced(replaced(nginxConfig, change), {
    'listen 443': `listen 127.0.0.1:${port}`,
    '127.0.0.1:4280': new URL(at.base).host,
    '127.0.0.1:9000': team,
    '/etc/nginx/tls/cert.pem': join(folder, 'cert.pem'),
    '/etc/nginx/tls/key.pem': join(folder, 'cert-key.pem'),
    ...(change['proxy_pass http://signalbox;'] === undefined ? {} : { '/etc/nginx/tls': folder }),
    ...(change['include /etc/nginx/signalbox-proof.conf;'] === undefined
      ? { '/etc/nginx/signalbox-proof.conf': `${folder}/signalbox-proof.conf` }
      : {}),
  })
  const agent = new Agent({ ca: readFileSync(authority.cert) })
  const base = `https://127.0.0.1:${port}`
  const ask: Front['ask'] = (method, params, headers) => modern(base, method, params, { headers, agent })
  const use: Front['use'] = (tool, headers) => ask('tools/call', { name: `memory__${tool}`, arguments: argumentsOf[tool] ?? {} }, headers)
  await startNginx(closers, folder, text, async () => (await ask('tools/list', {}, {})).status === 401)
  return { base, agent, ask, use }
}

const argumentsOf: Record<string, Record<string, unknown>> = {
  create_entities: { entities: [{ name: 'canary', entityType: 'bird', observations: [] }] },
  delete_entities: { entityNames: ['canary'] },
}
const as = (user: string, more: Record<string, string> = {}): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:right`).toString('base64')}`,
  ...more,
})
const tools = ({ message }: Answer): string[] => message.result.tools.map(({ name }: { name: string }) => name)

if (nginxPath === undefined)
  process.stdout.write('Not tried: the example behind nginx, which this machine has not (Debian package nginx).\n')

describe.skipIf(nginxPath === undefined)('behind nginx', () => {
  promise(
    ['R30', 'R31', 'R33'],
    'callers whom the authentication of the team knows use what their groups may, and nobody else is let in',
    async () => {
      const setting = place()
      const at = await startExample(closers, stringify(setting.settings))
      const front = await startFront(setting, at, await startTeam())
      expect(tools(await front.ask('tools/list', {}, as('alice'))).sort()).toEqual([
        'memory__open_nodes',
        'memory__read_graph',
        'memory__search_nodes',
      ])
      expect(tools(await front.ask('tools/list', {}, as('carol')))).toEqual([])
      expect((await front.use('create_entities', as('bob'))).text).toContain('canary')
      expect((await front.use('read_graph', as('alice'))).text).toContain('canary')
      expect((await front.use('delete_entities', as('alice'))).message.result).toMatchObject({ isError: true })
      for (const headers of [{}, { authorization: 'Basic x' }, { authorization: 'Bearer x' }])
        expect((await front.use('read_graph', headers)).status).toBe(401)

      // Spoofed through nginx: nobody becomes somebody, and a known caller nobody else.
      const spoofed = { 'x-user': 'root', 'x-groups': 'editors', x_user: 'root', x_groups: 'editors', 'signalbox-proof': secret }
      expect((await front.use('read_graph', spoofed)).status).toBe(401)
      expect((await front.use('delete_entities', as('alice', spoofed))).message.result).toMatchObject({ isError: true })
      expect(tools(await front.ask('tools/list', {}, as('carol', spoofed)))).toEqual([])
      expect((await front.use('read_graph', as('alice'))).text).toContain('canary')

      // Past nginx: without the secret, with a wrong one, and with the right one from elsewhere.
      const past = { 'x-user': 'root', 'x-groups': 'editors' }
      const direct = (headers: Record<string, string>) => modern(at.base, 'tools/list', {}, { headers })
      expect((await direct(past)).status).toBe(401)
      expect((await direct({ ...past, 'signalbox-proof': 'f'.repeat(32) })).status).toBe(401)
      expect(await fromElsewhere(at.base, { ...past, 'signalbox-proof': secret })).toBe(401)
      expect((await direct({ ...past, 'signalbox-proof': secret })).status).toBe(200)
    },
    60_000,
  )

  promise(
    ['R30', 'R31'],
    'it is known by its certificate, as the page says',
    async () => {
      const setting = place()
      const { folder, authority, settings } = setting
      const client = authority.sign('client', 'DNS:nginx.internal')
      const other = authority.sign('other', 'DNS:other.internal')
      const gateway = authority.sign('gateway', 'DNS:signalbox.internal')
      const documented = parse(
        replaced(blockOf(page, 'Certificate', 'yaml'), {
          '/etc/signalbox/tls/cert.pem': gateway.cert,
          '/etc/signalbox/tls/key.pem': gateway.key,
          '/etc/signalbox/tls/ca.pem': authority.cert,
        }),
      )
      const at = await startExample(closers, stringify({ ...settings, ...documented }))
      const front = await startFront(setting, at, await startTeam(), {
        'include /etc/nginx/signalbox-proof.conf;': '',
        'proxy_pass http://signalbox;': blockOf(page, 'Certificate', 'nginx'),
      })
      expect(tools(await front.ask('tools/list', {}, as('alice')))).toContain('memory__read_graph')
      expect((await front.ask('tools/list', {}, { 'x-user': 'root' })).status).toBe(401)
      const show = async (certificate?: { cert: string; key: string }) => {
        const shown = certificate === undefined ? {} : { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) }
        const agent = new Agent({ ca: readFileSync(authority.cert), checkServerIdentity: () => undefined, ...shown })
        return (await modern(at.base, 'tools/list', {}, { agent, headers: { 'x-user': 'root', 'x-groups': 'editors' } })).status
      }
      const foreign = new Authority(folder, 'foreign').sign('foreign-client', 'DNS:nginx.internal')
      expect([await show(), await show(other), await show(foreign), await show(client)]).toEqual([401, 401, 401, 200])
    },
    60_000,
  )

  promise(
    ['R30', 'R31'],
    'or by a header that is signed, as the page says',
    async () => {
      const sso = await startIssuer('RS256')
      const impostor = await startIssuer('RS256')
      closers.push(sso.close, impostor.close)
      const setting = place()
      const documented = parse(
        replaced(blockOf(page, 'Signed header', 'yaml'), {
          'jwksUri: https://sso.example.com/keys': `jwksUri: ${sso.jwksUri}`,
          'https://sso.example.com': sso.issuer,
        }),
      )
      const at = await startExample(closers, stringify({ ...setting.settings, ...documented }))
      const identity = (user: string, groups: readonly string[], by = sso) =>
        by.sign({ iss: sso.issuer, aud: 'mcp.example.com', sub: 'u-1', email: `${user}@example.com`, groups }, { typ: 'JWT' })
      const team = await startTeam(async (user) => ({ 'x-signed-identity': await identity(user, ['support']) }))
      const front = await startFront(setting, at, team, {
        'include /etc/nginx/signalbox-proof.conf;': blockOf(page, 'Signed header', 'nginx'),
      })
      expect(tools(await front.ask('tools/list', {}, as('alice')))).toContain('memory__read_graph')
      const editor = { 'x-groups': 'editors', 'x-signed-identity': await identity('root', ['editors']) }
      expect(tools(await front.ask('tools/list', {}, as('alice', editor)))).not.toContain('memory__create_entities')
      const direct = async (headers: Record<string, string>) => (await modern(at.base, 'tools/list', {}, { headers })).status
      expect(await direct({ 'x-user': 'root', 'x-groups': 'editors' })).toBe(401)
      expect(await direct({ 'x-signed-identity': await identity('root', ['editors'], impostor) })).toBe(401)
    },
    60_000,
  )
})

test.skipIf(nginxPath === undefined)('behind nginx, a client of HTTP+SSE has its stream and its posts', async () => {
  const setting = place()
  const at = await startExample(closers, stringify(setting.settings))
  const { base, agent } = await startFront(setting, at, await startTeam())
  const stream = new AbortController()
  let heard = ''
  const onText = (text: string): void => {
    heard += text
  }
  const asking = { agent, headers: as('alice') }
  const ended = send(`${base}/sse`, 'GET', undefined, { ...asking, onText, signal: stream.signal }).catch(() => undefined)
  expect(await eventually(() => heard.includes('event: endpoint'))).toBe(true)
  const endpoint = `${base}${/data: (\S+)/.exec(heard)?.[1]}`
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
  expect((await send(endpoint, 'POST', body, { agent })).status).toBe(401)
  expect((await send(endpoint, 'POST', body, { ...asking, headers: as('bob') })).status).toBe(404)
  expect((await send(endpoint, 'POST', body, asking)).status).toBe(202)
  expect(await eventually(() => heard.includes('"protocolVersion":"2024-11-05"'))).toBe(true)
  stream.abort()
  await ended
})

test('the shared secret of the page is that of the example', () => {
  expect(parse(blockOf(page, 'Shared secret', 'yaml')).auth).toEqual(parse(config).auth)
})

/** The status that a request gets which comes from another address of this machine. */
function fromElsewhere(base: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', localAddress: '127.0.0.2', headers: { ...headers, 'content-type': 'application/json' } }
    const req = request(`${base}/mcp`, options, (res) => {
      res.resume()
      resolve(res.statusCode)
    })
    req.on('error', reject)
    req.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }))
  })
}
