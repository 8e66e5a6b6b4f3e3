// Short-lived tokens that the gateway signs itself: minted from the command line, or in exchange for a token of the platform.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { type Claims, startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, list, resource, statusOf } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import type { UnderTest } from '../peers/gateway.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A folder with a configuration, and the commands that are run there. */
async function place(config: Record<string, unknown>) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tokens-'))
  closers.push(async () => rmSync(folder, { recursive: true, force: true }))
  const whole = { listen: `127.0.0.1:${await freePort()}`, stateDir: join(folder, 'state'), servers: {}, ...config }
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(whole))
  const run = (...args: string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out: out.trim(), err }),
      )
    })
  const start = async () => {
    const gateway = await startProcess(whole)
    closers.push(() => gateway.end('SIGTERM'))
    return gateway
  }
  return { run, start }
}

promise(
  ['R30', 'R14'],
  'a token of `signalbox token mint` lets its bearer in at one address, while the gateway runs and after it was started anew',
  async () => {
    const up = { command: process.execPath, args: ['-e', 'process.stdin.resume()'] }
    const { run, start } = await place({
      auth: { platform: { ttl: '2m' } },
      servers: { up },
      timeouts: { start: 1_000, connect: 500, probe: 500 },
    })
    const first = await run('token', 'mint', '--subject', 'nightly', '--mount', 'up', '--scope', 'a', 'b', '--group', 'ci')
    expect(first.code, first.err).toBe(0)
    const gateway = await start()
    const claims = decodeJwt(first.out)
    expect(claims).toMatchObject({ sub: 'nightly', client_id: 'nightly', scope: 'a b', groups: ['ci'], aud: `${gateway.base}/mcp/up` })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(120)
    expect(claims).not.toHaveProperty('run')
    const ofRun = await run('token', 'mint', '--subject', 'nightly', '--run', 'build 7', '--team', 'blue')
    expect(decodeJwt(ofRun.out)).toMatchObject({ run: 'build 7', team: 'blue' })
    expect(await statusOf(gateway, first.out, '/up')).toBe(200)
    expect(await statusOf(gateway, first.out)).toBe(401)
    const second = JSON.parse((await run('token', 'mint', '--subject', 'nightly', '--ttl', '30s', '--json')).out)
    expect(await statusOf(gateway, second.token)).toBe(200)
    // Whoever verifies such tokens elsewhere finds the key by the metadata.
    const metadata = JSON.parse(
      (await send(`${gateway.base}/.well-known/oauth-authorization-server/oauth/platform`, 'GET', undefined)).text,
    )
    expect(metadata.issuer).toBe(claims.iss)
    await jwtVerify(first.out, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
      issuer: metadata.issuer,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    })
    expect(JSON.stringify(await (await fetch(metadata.jwks_uri)).json())).not.toContain('"d"')
    const wrong = [
      [['--ttl', '3m'], /auth\.platform\.ttl/],
      [['--mount', 'nothing'], /no server or toolset/],
      [['--run', 'r'.repeat(129)], /--run/],
    ] as const
    for (const [args, says] of wrong) {
      const refused = await run('token', 'mint', '--subject', 'x', ...args)
      expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(says)])
    }
  },
  180_000,
)

test('a token whose key another gateway signed, or that is altered, is worth nothing', async () => {
  const [one, two] = [await place({ auth: { platform: {} } }), await place({ auth: { platform: {} } })]
  const gateway = await one.start()
  const foreign = (await two.run('token', 'mint', '--subject', 'x')).out
  expect(await statusOf(gateway, foreign)).toBe(401)
  const own = (await one.run('token', 'mint', '--subject', 'x')).out
  const [head = '', , signature = ''] = own.split('.')
  const altered = Buffer.from(JSON.stringify({ ...decodeJwt(own), sub: 'root' })).toString('base64url')
  expect([await statusOf(gateway, own), await statusOf(gateway, `${head}.${altered}.${signature}`)]).toEqual([200, 401])
}, 120_000)

describe('a workload exchanges its own token (RFC 7523)', () => {
  const tokenEndpoint = 'https://mcp.example.com/oauth/platform/token'

  async function setting(entry: Record<string, unknown> = {}): Promise<{ cluster: TestIssuer; at: UnderTest }> {
    const cluster = await startIssuer('RS256')
    closers.push(cluster.close)
    const exchange = [{ issuer: cluster.issuer, jwksUri: cluster.jwksUri, scopes: ['jobs:run', 'jobs:read'], ...entry }]
    return { cluster, at: await admitting(closers, { platform: { exchange } }) }
  }

  const ask = async (at: UnderTest, form: Record<string, string> | string) => {
    const body = typeof form === 'string' ? form : new URLSearchParams(form).toString()
    const answer = await send(`${at.base}/oauth/platform/token`, 'POST', body, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    return { status: answer.status, body: JSON.parse(answer.text), headers: answer.headers }
  }
  const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  const exchange = (at: UnderTest, assertion: string, more: Record<string, string> = {}) =>
    ask(at, { grant_type: jwtBearer, assertion, ...more })

  /** As Kubernetes projects it into a pod: no `typ`, no client. */
  const serviceAccount = (cluster: TestIssuer, claims: Claims = {}, header: Record<string, unknown> = {}) =>
    cluster.sign(
      {
        sub: 'system:serviceaccount:ci:runner',
        aud: [tokenEndpoint],
        client_id: undefined,
        'kubernetes.io': { namespace: 'ci', serviceaccount: { name: 'runner' } },
        ...claims,
      },
      { typ: undefined, ...header },
    )

  promise(
    ['R30', 'R17'],
    'of a Kubernetes service account for a platform token, for one resource and the scopes that its cluster may give',
    async () => {
      const { cluster, at } = await setting({ claims: { groups: 'kubernetes.io.namespace' } })
      const { status, body, headers } = await exchange(at, await serviceAccount(cluster), { scope: 'jobs:run', resource })
      expect([status, headers['cache-control']]).toEqual([200, 'no-store'])
      expect(body).toMatchObject({ token_type: 'Bearer', scope: 'jobs:run' })
      expect(body.expires_in).toBeGreaterThan(240)
      expect(decodeJwt(body.access_token)).toMatchObject({
        iss: 'https://mcp.example.com/oauth/platform',
        sub: `${cluster.issuer}|system:serviceaccount:ci:runner`,
        groups: ['ci'],
        scope: 'jobs:run',
        aud: resource,
      })
      expect(await statusOf(at, body.access_token)).toBe(200)
      const metadata = JSON.parse((await send(`${at.base}/.well-known/oauth-protected-resource`, 'GET', undefined)).text)
      expect(metadata.authorization_servers).toEqual(['https://mcp.example.com/oauth/platform'])
    },
  )

  test('the run and the team that its token names stay those of the platform token', async () => {
    const { cluster, at } = await setting({ claims: { run: 'job.id', team: 'job.team' } })
    const { body } = await exchange(at, await serviceAccount(cluster, { job: { id: 'job-7', team: 'blue' } }))
    expect(decodeJwt(body.access_token)).toMatchObject({ run: 'job-7', team: 'blue' })
    expect(decodeJwt((await exchange(at, await serviceAccount(cluster))).body.access_token)).not.toHaveProperty('run')
  })

  test('of a SPIFFE identity, by its trust domain', async () => {
    const { cluster, at } = await setting({ issuer: 'spiffe://example.org' })
    const svid = (sub: string) =>
      cluster.sign({ iss: undefined, sub, aud: tokenEndpoint, client_id: undefined, jti: undefined }, { typ: 'JWT' })
    const { body } = await exchange(at, await svid('spiffe://example.org/ns/ci/agent'))
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: 'spiffe://example.org/ns/ci/agent', scope: 'jobs:run jobs:read' })
    expect(await statusOf(at, body.access_token)).toBe(200)
    for (const other of ['spiffe://example.org.evil.example/a', 'spiffe://example.orga/b', 'spiffe://other.example/c', 'agent']) {
      expect((await exchange(at, await svid(other))).body.error, other).toBe('invalid_grant')
    }
  })

  test('and gets nothing for one that is not good, for too much, or for another place', async () => {
    const { cluster, at } = await setting()
    const other = await startIssuer('RS256')
    closers.push(other.close)
    const now = Math.floor(Date.now() / 1_000)
    const good = await serviceAccount(cluster)
    const wrong: [string, string, Record<string, string>, string][] = [
      ['for another audience', await serviceAccount(cluster, { aud: 'https://kubernetes.default.svc' }), {}, 'invalid_grant'],
      ['expired', await serviceAccount(cluster, { iat: now - 600, exp: now - 10 }), {}, 'invalid_grant'],
      ['without an end', await serviceAccount(cluster, { exp: undefined }), {}, 'invalid_grant'],
      ['of another issuer', await serviceAccount(other), {}, 'invalid_grant'],
      ['signed by another', await other.sign({ iss: cluster.issuer, aud: tokenEndpoint }, { typ: undefined }), {}, 'invalid_grant'],
      ['an ID-JAG', await serviceAccount(cluster, {}, { typ: 'oauth-id-jag+jwt' }), {}, 'invalid_grant'],
      ['an access token of ours', (await exchange(at, good)).body.access_token, {}, 'invalid_grant'],
      ['no token', 'x', {}, 'invalid_grant'],
      ['a scope that it may not have', good, { scope: 'jobs:run admin' }, 'invalid_scope'],
      ['another resource', good, { resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
    ]
    for (const [what, assertion, more, error] of wrong) {
      const { status, body } = await exchange(at, assertion, more)
      expect([what, status, body.error]).toEqual([what, 400, error])
      expect(JSON.stringify(body)).not.toContain(assertion.slice(0, 30).length > 5 ? assertion.slice(0, 30) : '\u0000')
    }
    expect((await ask(at, { grant_type: 'client_credentials' })).body.error).toBe('unsupported_grant_type')
    expect((await ask(at, { grant_type: jwtBearer })).body.error).toBe('invalid_request')
    expect((await ask(at, `grant_type=${encodeURIComponent(jwtBearer)}&assertion=a&assertion=b`)).body.error).toBe('invalid_request')
    expect((await ask(at, 'x'.repeat(20_000))).status).toBe(400)
    expect((await send(`${at.base}/oauth/platform/token`, 'GET', undefined)).status).toBe(405)
    cluster.failing = 500
    const late = await setting()
    late.cluster.failing = 500
    expect((await exchange(late.at, await serviceAccount(late.cluster))).status).toBe(503)
  })

  test('audience, algorithms and claims: as the cluster has them', async () => {
    const { cluster, at } = await setting({ audience: 'kubernetes', claims: { tenant: 'kubernetes.io.namespace' } })
    const { body } = await exchange(at, await serviceAccount(cluster, { aud: 'kubernetes' }))
    expect(decodeJwt(body.access_token)).toMatchObject({ tenant: 'ci' })
    const strict = await setting({ algorithms: ['ES256'] })
    expect((await exchange(strict.at, await serviceAccount(strict.cluster))).body.error).toBe('invalid_grant')
  })

  test('a platform token lives no longer than the token that it was made of', async () => {
    const { cluster, at } = await setting()
    const now = Math.floor(Date.now() / 1_000)
    const { body } = await exchange(at, await serviceAccount(cluster, { exp: now + 60 }))
    expect(body.expires_in).toBeLessThanOrEqual(60)
    expect(decodeJwt(body.access_token).exp).toBeLessThanOrEqual(now + 60)
  })
})

describe('API keys', () => {
  promise(
    ['R30', 'R15'],
    'let their bearer in until they are revoked or end, and the store tells nobody what they are',
    async () => {
      const { run, start } = await place({ auth: { apiKeys: { lifetime: '30d' } } })
      const gateway = await start()
      const made = JSON.parse((await run('keys', 'create', 'report-bot', '--scope', 'a', '--group', 'g', '--json')).out)
      expect(made).toMatchObject({
        subject: 'report-bot',
        scopes: ['a'],
        groups: ['g'],
        state: 'good',
        key: expect.stringMatching(/^sbx_[0-9a-f]{16}_/),
      })
      expect(Date.parse(made.expires) - Date.parse(made.made)).toBe(30 * 86_400_000)
      expect(await statusOf(gateway, made.key)).toBe(200)
      const altered = `${made.key.slice(0, -1)}${made.key.endsWith('A') ? 'B' : 'A'}`
      const otherId = made.key.replace(made.id, '0123456789abcdef')
      expect([await statusOf(gateway, altered), await statusOf(gateway, otherId), await statusOf(gateway, 'sbx_x')]).toEqual([
        401, 401, 401,
      ])
      const listed = await run('keys', 'list', '--json')
      expect(JSON.parse(listed.out).keys).toMatchObject([{ id: made.id, used: expect.any(String) }])
      expect(`${listed.out}${(await run('keys', 'list')).out}${gateway.log()}`).not.toContain(made.key.split('_')[2])
      expect((await run('keys', 'revoke', made.id)).code).toBe(0)
      expect((await run('keys', 'revoke', made.id)).code).toBe(1)
      expect(await eventually(async () => (await statusOf(gateway, made.key)) === 401)).toBe(true)
      const short = (await run('keys', 'create', 'x', '--lifetime', '1s')).out
      expect(await eventually(async () => (await statusOf(gateway, short)) === 401)).toBe(true)
    },
    120_000,
  )

  test('are not taken in the production profile unless the configuration says so', async () => {
    const auth = { apiKeys: {}, platform: {} }
    const said = async (more: Record<string, unknown>) => {
      const at = await admitting(closers, { ...auth, ...more }, { profile: 'production' })
      return String((await list(at, { authorization: `Bearer sbx_0123456789abcdef_${'x'.repeat(43)}` })).headers['www-authenticate'])
    }
    expect(await said({})).toContain('none is taken here')
    expect(await said({ callers: ['platform', 'apiKey'] })).toContain('no key that is known')
  })
})
