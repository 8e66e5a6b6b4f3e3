// The admin API of a running gateway: who may ask it, by tokens of a real issuer and of its own authorization server.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { afterEach, describe, expect, test } from 'vitest'
import { password } from '../doubles/authorization/rig.ts'
import { SdkLogin } from '../doubles/authorization/sdk-login.ts'
import { type Claims, startIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, list, publicUrl } from '../peers/admitting.ts'
import { Browser } from '../peers/browser.ts'
import type { Result } from '../peers/clients.ts'
import { signalbox } from '../peers/command-line.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const stateDir = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-admin-'))
  closers.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const ask = (at: Pick<UnderTest, 'admin'>, token: string | undefined, path: string, body?: object) =>
  send(`${at.admin}${path}`, body === undefined ? 'GET' : 'POST', body === undefined ? undefined : JSON.stringify(body), {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })

/** What the token is good for here: it reads, it acts, or neither. */
const mayDo = async (at: UnderTest, token: string | undefined) => {
  const reads = (await ask(at, token, '/admin/v1/upstreams')).status
  // There is no such limit: who may act is told so.
  const acts = (await ask(at, token, '/admin/v1/budgets/ab/actions', { action: 'clear' })).status
  return [reads, acts]
}

const resource = `${publicUrl}/admin/v1`

describe('callers to whom the configuration gives a role', () => {
  promise(['R18', 'R29'], 'are let in by a token for this door, and what they do has their name in the audit', async () => {
    const idp = await startIssuer()
    closers.push(() => idp.close())
    const folder = stateDir()
    const gateway = await admitting(
      closers,
      { issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri, claims: { groups: 'groups' } }] },
      {
        stateDir: folder,
        admin: {
          roles: [
            { subjects: ['ada'], issuers: [idp.issuer], role: 'admin' },
            { groups: ['support'], scopes: ['admin:operate'], role: 'operator' },
            { groups: ['security'], role: 'auditor' },
            { groups: ['support'], role: 'viewer' },
          ],
        },
      },
    )
    const of = (claims: Claims) => idp.sign({ aud: resource, ...claims })
    expect(await mayDo(gateway, await of({ groups: ['support'], scope: 'admin:operate' }))).toEqual([200, 404])
    expect(await mayDo(gateway, await of({ groups: ['support'] }))).toEqual([200, 403])
    expect(await mayDo(gateway, await of({ groups: ['security'], scope: 'admin:operate' }))).toEqual([200, 403])
    expect(await mayDo(gateway, await of({ sub: 'ada' }))).toEqual([200, 404])
    expect(await mayDo(gateway, await of({ groups: ['guests'] }))).toEqual([403, 403])
    expect(await mayDo(gateway, readFileSync(join(folder, 'admin.token'), 'utf8').trim())).toEqual([200, 404])
    expect(await mayDo(gateway, undefined)).toEqual([401, 401])

    // The same people with a token for MCP: it is good there, and nothing here.
    const forMcp = await idp.sign({ aud: `${publicUrl}/mcp`, sub: 'ada' })
    expect((await list(gateway, { authorization: `Bearer ${forMcp}` })).status).toBe(200)
    expect(await mayDo(gateway, forMcp)).toEqual([401, 401])
    expect((await list(gateway, { authorization: `Bearer ${await of({ sub: 'ada' })}` })).status).toBe(401)
    const { headers, text } = await ask(gateway, forMcp, '/admin/v1/upstreams')
    expect(headers['content-type']).toBe('application/problem+json')
    expect(headers['www-authenticate']).toBe(
      `Bearer error="invalid_token", error_description="the access token is refused: it was issued for another resource", scope="admin:operate", resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/admin/v1"`,
    )
    expect(text).not.toContain(forMcp.slice(0, 40))
    writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify({ stateDir: folder, servers: {} }))
    const rows = async (about: string): Promise<Result[]> => {
      const { out } = await signalbox(folder, 'audit', 'query', '--json', '--about', about)
      return out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    }
    const whoDid = (all: Result[]) => all.map(({ issuer, subject, credential, decision }) => [issuer, subject, credential, decision])
    expect(await eventually(async () => (await rows('operation')).length === 7)).toBe(true)
    const operations = await rows('operation')
    expect(whoDid(operations.filter(({ rule }) => rule === 'operator'))).toEqual([
      [idp.issuer, 'alice', 'token-1', 'denied'],
      [idp.issuer, 'ada', 'token-1', 'denied'],
      [null, null, 'admin.token', 'denied'],
    ])
    // Who was refused what, and why.
    expect(operations.filter(({ rule }) => rule === 'admin_role')).toMatchObject(
      Array(2).fill({
        subject: 'alice',
        method: 'POST /admin/v1/budgets/{id}/actions',
        reason: expect.stringContaining('needs the role operator'),
      }),
    )
    expect(whoDid(operations.filter(({ rule }) => rule === 'admin_no_role'))).toEqual(
      Array(2).fill([idp.issuer, 'alice', 'token-1', 'denied']),
    )
    const unknown = (await rows('authenticate')).filter(({ rule }) => rule === 'admin_unauthenticated')
    expect(unknown.map(({ method, subject }) => [method, subject]).sort()).toEqual([
      ...Array(3).fill(['GET /admin/v1/upstreams', null]),
      ...Array(2).fill(['POST /admin/v1/budgets/{id}/actions', null]),
    ])
    expect(JSON.stringify(unknown)).not.toContain(forMcp.slice(0, 40))
    const metadata = await fetch(`${gateway.base}/.well-known/oauth-protected-resource/admin/v1`)
    expect(await metadata.json()).toMatchObject({ resource, authorization_servers: [idp.issuer], scopes_supported: ['admin:operate'] })
  })

  test('an issuer without resource indicators is good for this door by its audience, and by a role still', async () => {
    const idp = await startIssuer()
    closers.push(() => idp.close())
    const gateway = await admitting(
      closers,
      { issuers: [{ issuer: idp.issuer, jwksUri: idp.jwksUri, audience: 'signalbox' }] },
      { admin: { roles: [{ groups: ['support'], role: 'viewer' }] } },
    )
    expect(await mayDo(gateway, await idp.sign({ aud: 'signalbox', groups: ['support'] }))).toEqual([200, 403])
    expect(await mayDo(gateway, await idp.sign({ aud: 'signalbox' }))).toEqual([403, 403])
  })

  test('the embedded authorization server issues tokens for this door, where it has roles', async () => {
    const gateway = await startUnderTest({
      auth: { callers: ['oauth'] },
      servers: {},
      admin: { roles: [{ groups: ['operators'], scopes: ['admin:all'], role: 'admin' }] },
    })
    closers.push(gateway.stop)
    const browser = new Browser({ within: gateway.base })
    const link = (await gateway.running.setupLink()) ?? ''
    await browser.submit(await browser.open(link), { name: 'ada', password, again: password })
    const tokenFor = async (path: string): Promise<string> => {
      const login = new SdkLogin(browser)
      const serverUrl = `${gateway.base}${path}`
      expect(await auth(login as never, { serverUrl })).toBe('REDIRECT')
      expect(await auth(login as never, { serverUrl, authorizationCode: login.code })).toBe('AUTHORIZED')
      return login.current?.access_token ?? ''
    }
    expect(await mayDo(gateway, await tokenFor('/admin/v1'))).toEqual([200, 404])
    expect(await mayDo(gateway, await tokenFor('/mcp'))).toEqual([401, 401])
    const without = await startUnderTest({ auth: { callers: ['oauth'] }, servers: {} })
    closers.push(without.stop)
    expect((await fetch(`${without.base}/.well-known/oauth-protected-resource/admin/v1`)).status).toBe(404)
  })
})
