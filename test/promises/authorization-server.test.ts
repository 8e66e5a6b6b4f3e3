// Real clients against the gateway with its own authorization server: nothing is configured but that callers bring tokens.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
  UnauthorizedError as UnauthorizedV2,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as UnauthorizedV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { password } from '../doubles/authorization/rig.ts'
import { SdkLogin } from '../doubles/authorization/sdk-login.ts'
import { Browser } from '../peers/browser.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-documents-'))
let upstream: Scripted
let gateway: GatewayProcess
let documents: Server
let documentUrl = ''
let link = ''
/** One person's, for all clients: it keeps the sign-in. */
let browser: Browser

beforeAll(async () => {
  upstream = await startScripted({ tools: [plainTool('read'), plainTool('write')] })
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')],
    ],
    { stdio: 'ignore' },
  )
  const files = { key: readFileSync(join(folder, 'key.pem')), cert: readFileSync(join(folder, 'cert.pem')) }
  documents = createServer(files, (_req, res) => {
    const document = {
      client_id: documentUrl,
      client_name: 'Document client',
      // As desktop clients write it: no port, no application_type.
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    }
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve))
  documentUrl = `https://localhost:${(documents.address() as AddressInfo).port}/client.json`
  gateway = await startProcess(
    {
      auth: { callers: ['oauth'] },
      access: [
        { scopes: ['tools:read'], use: ['up/read'] },
        { scopes: ['tools:write'], groups: ['operators'], use: ['up/write'] },
      ],
      servers: { up: { url: upstream.url } },
    },
    { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') },
  )
  browser = new Browser({ within: gateway.base })
  link = await gateway.logged(/http:\S+\/oauth\/setup\/\S+/)
}, 60_000)
afterAll(async () => {
  await gateway?.end('SIGTERM')
  await upstream?.close()
  documents?.closeAllConnections()
  documents?.close()
  rmSync(folder, { recursive: true, force: true })
})

promise(['R13'], 'the first start prints a link, and by it the first operator is made; the log does not have it', async () => {
  const logged = (): string[] =>
    gateway
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{'))
  expect(await eventually(() => logged().some((line) => line.includes('first operator')))).toBe(true)
  expect(logged().join('\n')).not.toContain('/oauth/setup/')
  const done = await browser.submit(await browser.open(link), { name: 'ada', password, again: password })
  expect(done.text).toContain('The operator is there')
})

interface Connected {
  tools(): Promise<string[]>
  call(name: string): Promise<unknown>
  finish(login: SdkLogin): Promise<void>
  close(): Promise<void>
}

const kinds = {
  'SDK 2.4.0, 2026-07-28': (login: SdkLogin) => connectV2(login, { pin: '2026-07-28' }),
  'SDK 2.4.0, session era': (login: SdkLogin) => connectV2(login, 'legacy'),
  'SDK 1.32.2': connectV1,
} as const

async function connectV2(login: SdkLogin, mode: 'legacy' | { pin: '2026-07-28' }): Promise<Connected> {
  const made = () => {
    const client = new ClientV2({ name: 'sdk', version: '2.4.0' }, { versionNegotiation: { mode } })
    return { client, transport: new HttpV2(new URL(`${gateway.base}/mcp/up`), { authProvider: login as never }) }
  }
  let { client, transport } = made()
  try {
    await client.connect(transport)
  } catch (error) {
    if (!(error instanceof UnauthorizedV2)) throw error
    await transport.finishAuth(login.answer?.searchParams ?? new URLSearchParams())
    ;({ client, transport } = made())
    await client.connect(transport)
  }
  return {
    tools: async () => (await client.listTools(undefined, { cacheMode: 'bypass' })).tools.map(({ name }) => name),
    call: (name) => client.callTool({ name, arguments: {} }),
    finish: () => transport.finishAuth(login.answer?.searchParams ?? new URLSearchParams()),
    close: () => client.close(),
  }
}

async function connectV1(login: SdkLogin): Promise<Connected> {
  const made = () => {
    const client = new ClientV1({ name: 'sdk', version: '1.32.2' })
    return { client, transport: new HttpV1(new URL(`${gateway.base}/mcp/up`), { authProvider: login as never }) }
  }
  let { client, transport } = made()
  try {
    await client.connect(transport as never)
  } catch (error) {
    if (!(error instanceof UnauthorizedV1)) throw error
    await transport.finishAuth(login.code)
    ;({ client, transport } = made())
    await client.connect(transport as never)
  }
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: (name) => client.callTool({ name, arguments: {} }),
    finish: () => transport.finishAuth(login.code),
    close: () => client.close(),
  }
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  describe.each(['registers', 'names its metadata document'] as const)('that %s', (way) => {
    const login = () => new SdkLogin(browser, way === 'registers' ? undefined : documentUrl)

    promise(['R13'], 'finds the server, gets a token, calls, and refreshes it when it is over', async () => {
      const person = login()
      const connected = await kinds[kind](person)
      expect(person.asked).toHaveLength(1)
      const first = decodeJwt(person.current?.access_token ?? '')
      expect(first).toMatchObject({ aud: `${gateway.base}/mcp/up`, iss: gateway.base, groups: ['operators'] })
      if (way !== 'registers') expect(first.client_id).toBe(documentUrl)
      expect(await connected.call('read')).toMatchObject({ content: expect.anything() })
      const refresh = person.current?.refresh_token
      person.current = { ...person.current, access_token: 'over', token_type: 'Bearer' }
      expect(await connected.call('read')).toMatchObject({ content: expect.anything() })
      expect(person.asked).toHaveLength(1)
      expect(person.current?.refresh_token).not.toBe(refresh)
      await connected.close()
    })

    promise(['R13'], 'comes to a tool that needs more scopes by asking the person again, or had them from the start', async () => {
      const person = login()
      const connected = await kinds[kind](person)
      expect(await connected.tools()).toEqual(['read', 'write'])
      const before = upstream.count('tools/call')
      const stepsUp = kind === 'SDK 2.4.0, 2026-07-28'
      if (stepsUp) {
        await expect(connected.call('write')).rejects.toThrow(UnauthorizedV2)
        expect(upstream.count('tools/call')).toBe(before)
        await connected.finish(person)
      }
      expect(await connected.call('write')).toMatchObject({ content: expect.anything() })
      expect(await connected.call('read')).toMatchObject({ content: expect.anything() })
      expect(person.asked).toHaveLength(stepsUp ? 2 : 1)
      expect(person.current?.scope?.split(' ').sort()).toEqual(['mcp', 'tools:read', 'tools:write'])
      await connected.close()
    })
  })
})

promise(['R13'], 'the metadata lead from a refused request to the authorization server', async () => {
  const refused = await send(`${gateway.base}/mcp/up`, 'POST', '{"jsonrpc":"2.0","id":1,"method":"ping"}')
  expect(refused.status).toBe(401)
  const resource = await (await fetch(`${gateway.base}/.well-known/oauth-protected-resource/mcp/up`)).json()
  expect(resource).toMatchObject({ authorization_servers: [gateway.base], scopes_supported: ['tools:read', 'tools:write'] })
  const metadata = await (await fetch(`${gateway.base}/.well-known/oauth-authorization-server`)).json()
  expect(metadata).toMatchObject({ issuer: gateway.base, client_id_metadata_document_supported: true })
})

promise(['R13'], 'the embedded server is there where callers bring tokens and nobody else issues them, unless it is said', async () => {
  const elsewhere = { issuer: 'https://idp.example', jwksUri: 'https://idp.example/jwks' }
  for (const [auth, own] of [
    [{ callers: ['oauth'] }, true],
    [{ embedded: { enabled: true } }, true],
    [{ issuers: [elsewhere] }, false],
    [{ issuers: [elsewhere], embedded: { enabled: true } }, true],
    [{ issuers: [elsewhere], embedded: { enabled: false } }, false],
  ] as const) {
    const { base, running, stop } = await startUnderTest({ auth, servers: {} })
    expect((await fetch(`${base}/.well-known/oauth-authorization-server`)).status).toBe(own ? 200 : 404)
    expect(await running.setupLink()).toEqual(own ? expect.stringContaining(`${base}/oauth/setup/`) : undefined)
    const { authorization_servers: servers } = (await (await fetch(`${base}/.well-known/oauth-protected-resource/mcp`)).json()) as never
    expect(servers).toEqual([...(own ? [base] : []), ...('issuers' in auth ? ['https://idp.example'] : [])])
    await stop()
  }
})
