// A grant that is taken back ends at the issuer that gave it too (RFC 7009): a real authorization server (oidc-provider), the command line, and
// what happens where the issuer does not answer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { Browser } from '../peers/browser.ts'
import type { Result } from '../peers/clients.ts'
import { type Ran, signalbox } from '../peers/command-line.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { type OAuthServer, type OAuthServerOptions, startOAuthServer } from '../peers/oauth-server.mjs'
import { eventually } from '../peers/processes.ts'
import { type Answer, modern } from '../peers/raw.ts'
import { startScripted } from '../peers/scripted.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function issuerOf(options: OAuthServerOptions = {}) {
  const issuer = await startOAuthServer(options)
  const refreshTokens = new Set<string>()
  issuer.provider.on('refresh_token.saved', ({ jti }: { jti: string }) => refreshTokens.add(jti))
  let isOpen = true
  const close = async (): Promise<void> => {
    if (isOpen) await issuer.close()
    isOpen = false
  }
  open.push(close)
  const alive = async (): Promise<number> =>
    (await Promise.all([...refreshTokens].map((jti) => issuer.provider.RefreshToken.find(jti)))).filter((found) => found !== undefined)
      .length
  const told = (): number => issuer.requests.filter((one) => one === 'POST /token/revocation').length
  return { ...issuer, close, alive, told }
}

/** A gateway whose state stays when it ends, so that it can begin anew with another configuration. */
async function world() {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-taken-back-'))
  open.push(async () => rmSync(folder, { recursive: true, force: true }))
  /** Whose tokens the server takes. */
  const takes = { issuer: '' }
  const server = await startScripted({
    era: 'modern',
    refuse: ({ authorization }) => {
      const token = String(authorization).replace('Bearer ', '')
      const isGood = authorization === 'Bearer k' || (token.includes('.') && decodeJwt(token).iss === takes.issuer)
      return isGood ? undefined : { status: 401, challenge: 'Bearer error="invalid_token"' }
    },
  })
  open.push(() => server.close())
  const start = async (issuer: OAuthServer, auth: Record<string, unknown> = {}) => {
    takes.issuer = issuer.issuer
    const own = {
      type: 'authorizationCode',
      issuer: issuer.issuer,
      scopes: ['tools:read'],
      discovery: { type: 'static', secret: 'k' },
      ...auth,
    }
    const config = { stateDir: join(folder, 'state'), servers: { up: { url: server.url, era: 'modern', auth: own } } }
    writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
    const gateway = await startUnderTest(config)
    open.push(() => gateway.stop())
    const call = (): Promise<Answer> => modern(gateway.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/up' })
    const link = async (): Promise<void> => {
      const browser = new Browser()
      const page = await browser.open(faultOf(await call()).detail.link)
      expect((await browser.submit(page)).text).toContain('is linked')
      expect(faultOf(await call())).toBeUndefined()
    }
    return { ...gateway, call, link }
  }
  const run = (...args: string[]): Promise<Ran> => signalbox(folder, ...args)
  return { start, run }
}

const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']

const own = {
  client_id: 'gw',
  client_secret: 'the-secret-of-gw',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['http://127.0.0.1/connect/callback'],
  application_type: 'native',
  token_endpoint_auth_method: 'client_secret_post',
}

describe('grants revoke', () => {
  test.each([
    ['a client that registered itself', {}],
    ['a client of the configuration', { clientId: own.client_id, clientSecret: own.client_secret, clientAuth: 'post' }],
  ])('ends the refresh token at the issuer, as %s, and the audit says so', async (_what, auth) => {
    const issuer = await issuerOf({ clients: [own] })
    const { start, run } = await world()
    const gateway = await start(issuer, auth)
    await gateway.link()
    expect(await issuer.alive()).toBe(1)
    const { code, out, err } = await run('grants', 'revoke', '--principal', 'anonymous', '--json')
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toMatchObject({ revoked: 1, grants: [{ server: 'up', issuer: issuer.issuer, issuerTold: 'told' }] })
    expect([await issuer.alive(), issuer.told()]).toEqual([0, 2])
    expect(await eventually(async () => faultOf(await gateway.call())?.kind === 'reauth_required', 5_000)).toBe(true)
    const rows = (await run('audit', 'query', '--json')).out
    expect(rows).toContain(`an operator revoked it; ${issuer.issuer} was told`)
    // Once is enough.
    expect(JSON.parse((await run('grants', 'revoke', '--all', '--json')).out)).toMatchObject({ revoked: 0 })
    expect(issuer.told()).toBe(2)
  })

  test('ends it here where the issuer is away, and says that it could not be told', async () => {
    const issuer = await issuerOf()
    const { start, run } = await world()
    const gateway = await start(issuer)
    await gateway.link()
    await issuer.close()
    const { code, out, err } = await run('grants', 'revoke', '--all')
    expect([code, out]).toEqual([0, 'One grant was revoked.\n'])
    expect(err).toContain(`${issuer.issuer} was not told that the grant of anonymous at up is over`)
    expect(JSON.parse((await run('grants', 'list', '--json')).out).grants).toMatchObject([{ status: 'revoked' }])
    expect((await run('audit', 'query', '--json')).out).toContain('could not be told')
  })

  test('says where an issuer has nowhere to be told', async () => {
    const issuer = await issuerOf({ features: { revocation: { enabled: false } } })
    const { start, run } = await world()
    const gateway = await start(issuer)
    await gateway.link()
    const { code, err } = await run('grants', 'revoke', '--server', 'up')
    expect([code, err.includes('it has no revocation endpoint')]).toEqual([0, true])
  })
})

test('a grant of another issuer in its place ends the one before, which its issuer is told', async () => {
  const [first, second] = [await issuerOf(), await issuerOf()]
  const { start, run } = await world()
  const before = await start(first)
  await before.link()
  await before.stop()
  const after = await start(second)
  await after.link()
  expect(await eventually(() => first.told() === 2)).toBe(true)
  expect([await first.alive(), await second.alive(), second.told()]).toEqual([0, 1, 0])
  const { grants } = JSON.parse((await run('grants', 'list', '--json')).out) as { grants: { issuer: string; status: string }[] }
  const statusAt = ({ issuer }: OAuthServer) => grants.find((grant) => grant.issuer === issuer)?.status
  expect([statusAt(first), statusAt(second)]).toEqual(['revoked', 'active'])
  // The same issuer again: both are one grant there, and stay.
  const again = await after.call()
  expect(faultOf(again)).toBeUndefined()
})
