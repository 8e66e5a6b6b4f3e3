// What a caller without a good token is told, at every address, and what it finds where it is sent: a real authorization server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type OAuthServer, startOAuthServer } from '../peers/oauth-server.mjs'
import { modern, openSession, send } from '../peers/raw.ts'
import { type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

let server: OAuthServer
let upstream: Scripted
let gateway: UnderTest
const publicUrl = 'https://mcp.example.com/a/b'

beforeAll(async () => {
  server = await startOAuthServer()
  upstream = await startScripted({})
  gateway = await startUnderTest({
    publicUrl,
    auth: { issuers: [{ issuer: server.issuer }] },
    servers: { up: { url: upstream.url, era: 'legacy' } },
  })
})
afterAll(async () => {
  await gateway.stop()
  await upstream.close()
  await server.close()
})

const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/a/b/mcp'
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

describe('a caller without a credential', () => {
  const addresses: [string, string, string][] = [
    ['POST', '/mcp', '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'],
    ['POST', '/mcp/up', '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'],
    ['POST', '/mcp/nothing-of-that-name', '{}'],
    ['GET', '/mcp', ''],
    ['DELETE', '/mcp', ''],
    ['GET', '/sse', ''],
    ['POST', '/message?sessionId=x', '{}'],
  ]
  promise(['R11'], 'is answered 401 with the address of the metadata, at every address, and no server hears of it', async () => {
    const before = upstream.seen.length
    for (const [verb, path, body] of addresses) {
      for (const headers of [{}, { authorization: 'Bearer' }, { authorization: 'Bearer ' }] as Record<string, string>[]) {
        const answer = await send(`${gateway.base}${path}`, verb, body === '' ? undefined : body, { headers })
        const mount = path.startsWith('/mcp/') ? path.slice('/mcp'.length) : ''
        expect([answer.status, answer.headers['www-authenticate']], `${verb} ${path}`).toEqual([
          401,
          `Bearer resource_metadata="${metadataUrl}${mount}"`,
        ])
      }
    }
    expect(upstream.seen.length).toBe(before)
  })

  test('is told what was wrong with what it showed', async () => {
    const answer = await modern(gateway.base, 'tools/list', {}, bearer('opaque'))
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(
      /^Bearer error="invalid_token", error_description="the access token is refused: [^"]+", resource_metadata="/,
    )
  })
})

describe('the metadata of the resource (RFC 9728)', () => {
  const read = async (path: string, headers: Record<string, string> = {}) =>
    send(`${gateway.base}/.well-known/oauth-protected-resource${path}`, 'GET', undefined, { headers })

  promise(['R32', 'R11'], 'say publicUrl behind a proxy with a path, whatever the request says of its host', async () => {
    const forged = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', forwarded: 'host=evil.example' }
    for (const path of ['', '/mcp', '/a/b/mcp', '/a/b']) {
      const { status, text, headers } = await read(path, forged)
      expect([status, headers['access-control-allow-origin']], path).toEqual([200, '*'])
      expect(JSON.parse(text), path).toMatchObject({
        resource: `${publicUrl}/mcp`,
        authorization_servers: [server.issuer],
        bearer_methods_supported: ['header'],
      })
    }
    for (const path of ['/mcp/up', '/a/b/mcp/up']) expect(JSON.parse((await read(path)).text).resource).toBe(`${publicUrl}/mcp/up`)
    expect((await read('/mcp/other')).status).toBe(404)
    expect((await send(`${gateway.base}/.well-known/oauth-protected-resource`, 'POST', '{}')).status).toBe(405)
    const page = {
      origin: 'https://anywhere.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'mcp-protocol-version',
    }
    const preflight = await send(`${gateway.base}/.well-known/oauth-protected-resource/mcp`, 'OPTIONS', undefined, { headers: page })
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([204, 'mcp-protocol-version'])
  })

  test('are not there where no tokens are taken', async () => {
    const open = await startUnderTest({ servers: {} })
    expect((await send(`${open.base}/.well-known/oauth-protected-resource`, 'GET', undefined)).status).toBe(404)
    await open.stop()
  })
})

describe('a token of a real authorization server', () => {
  promise(['R30', 'R32'], 'lets its caller in at the address that it was issued for, and at no other', async () => {
    const token = await server.token({ resource: `${publicUrl}/mcp/up` })
    const at = { ...bearer(token), mount: '/up' }
    expect((await modern(gateway.base, 'tools/call', { name: 'echo', arguments: {} }, at)).message).toMatchObject({
      result: { content: [{ type: 'text' }] },
    })
    expect((await modern(gateway.base, 'tools/list', {}, bearer(token))).status).toBe(401)
    const session = await openSession(gateway.base, at)
    expect(session['mcp-session-id']).toBeDefined()
  })
})

describe('scopes that the access rules name', () => {
  const access = [
    { scopes: ['up:read'], use: ['up/get_*'] },
    { scopes: ['up:write', 'up:read'], use: ['up/*'] },
    { scopes: ['other:read'], use: ['other/*'] },
  ]
  const schema = { type: 'object' }
  const tools = ['get_x', 'set_x'].map((name) => ({ name, inputSchema: schema }))
  let rules: UnderTest
  let asked: Scripted
  beforeAll(async () => {
    asked = await startScripted({ tools } as never)
    const own = { url: asked.url, era: 'legacy' }
    rules = await startUnderTest({ publicUrl, auth: { issuers: [{ issuer: server.issuer }] }, access, servers: { up: own, other: own } })
  })
  afterAll(async () => {
    await rules.stop()
    await asked.close()
  })
  const scopeOf = (headers: Record<string, unknown>) => /scope="([^"]*)"/.exec(String(headers['www-authenticate']))?.[1]

  promise(['R25', 'R27', 'R11'], 'are asked for step by step of clients that can step up, and all at once of others', async () => {
    expect(scopeOf((await modern(rules.base, 'tools/list', {}, { mount: '/up' })).headers)).toBe('up:read')
    expect(scopeOf((await send(`${rules.base}/mcp/up`, 'POST', '{}')).headers)).toBe('up:read up:write')
    expect(scopeOf((await send(`${rules.base}/mcp`, 'POST', '{}')).headers)).toBe('up:read up:write other:read')
    const { text } = await send(`${rules.base}/.well-known/oauth-protected-resource/mcp/up`, 'GET', undefined)
    expect(JSON.parse(text).scopes_supported).toEqual(['up:read', 'up:write'])
  })

  promise(['R25', 'R27'], 'are named in one challenge where a token lacks one, and no server hears of the call', async () => {
    const own = await startOAuthServer({ scopes: ['up:read', 'up:write'] })
    const at = await startUnderTest({
      publicUrl,
      auth: { issuers: [{ issuer: own.issuer }] },
      access,
      servers: { up: { url: asked.url, era: 'legacy' }, other: { url: asked.url, era: 'legacy' } },
    })
    const reading = await own.token({ resource: `${publicUrl}/mcp/up`, scope: 'up:read' })
    const call = (name: string) => modern(at.base, 'tools/call', { name, arguments: {} }, { mount: '/up', ...bearer(reading) })
    expect((await call('get_x')).status).toBe(200)
    const before = asked.count('tools/call')
    const refused = await call('set_x')
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="up:write up:read", resource_metadata="${metadataUrl}/up"`,
    ])
    expect(asked.count('tools/call')).toBe(before)
    await at.stop()
    await own.close()
  })
})
