// Tokens that an attacker shows, against the real gateway: none of them reaches a server, and the answer says what was wrong.
import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { exportSPKI, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Claims, startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { type Answer, legacy, modern, openSession, send } from '../peers/raw.ts'
import { type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

let issuer: TestIssuer
let other: TestIssuer
let upstream: Scripted
let gateway: UnderTest
let resource = ''

beforeAll(async () => {
  issuer = await startIssuer()
  other = await startIssuer()
  upstream = await startScripted({})
  const server = { url: upstream.url, era: 'legacy' }
  gateway = await startUnderTest({
    publicUrl: 'https://mcp.example.com',
    auth: { issuers: [{ issuer: issuer.issuer, jwksUri: issuer.jwksUri }] },
    servers: { up: server, sibling: server },
  })
  resource = 'https://mcp.example.com/mcp/up'
})
afterAll(async () => {
  await gateway.stop()
  for (const one of [upstream, issuer, other]) await one.close()
})

const now = () => Math.floor(Date.now() / 1_000)
const call = (authorization: string, headers: Record<string, string> = {}): Promise<Answer> =>
  modern(gateway.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/up', headers: { authorization, ...headers } })
const signed = (claims: Claims = {}, header: Record<string, unknown> = {}) => issuer.sign({ aud: resource, ...claims }, header)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The claims of a good token under a header of the attacker's choice. */
async function forged(header: Record<string, unknown>, sign: (input: string) => string | Promise<string>): Promise<string> {
  const claims = (await signed()).split('.')[1]
  const input = `${part(header)}.${claims}`
  return `${input}.${await sign(input)}`
}

promise(['R28', 'R30'], 'a good token lets its caller in, again and again, until it ends', async () => {
  const token = await signed()
  const before = upstream.count('tools/call')
  for (let i = 0; i < 3; i += 1) expect((await call(`Bearer ${token}`)).status).toBe(200)
  expect((await call(`bearer ${token}`)).status).toBe(200)
  expect(upstream.count('tools/call')).toBe(before + 4)
})

describe('a token of an attacker is refused on every call, and no server hears of it (A15)', () => {
  const attacks: [string, () => Promise<string>, RegExp][] = [
    ['for another audience (R4A)', () => signed({ aud: 'https://elsewhere.example/mcp' }), /another resource/],
    ['for a sibling server (R5A)', () => signed({ aud: 'https://mcp.example.com/mcp/sibling' }), /another resource/],
    ['for the aggregate', () => signed({ aud: 'https://mcp.example.com/mcp' }), /another resource/],
    ['for nobody', () => signed({ aud: undefined }), /another resource/],
    ['alg none (R6A)', () => forged({ alg: 'none', typ: 'at+jwt' }, () => ''), /cannot be read|algorithm/],
    [
      'HS256 with the public key (R7A)',
      async () => {
        const [jwk] = issuer.published
        const pem = await exportSPKI((await importJWK(jwk as never, 'ES256')) as never)
        const hmac = (input: string) => createHmac('sha256', pem).update(input).digest('base64url')
        return forged({ alg: 'HS256', typ: 'at+jwt', kid: jwk?.kid }, hmac)
      },
      /algorithm/,
    ],
    ['expired (R8A)', () => signed({ iat: now() - 600, exp: now() - 10 }), /expired/],
    ['not valid yet (R9A)', () => signed({ nbf: now() + 60 }), /not valid yet/],
    ['issued in the future', () => signed({ iat: now() + 60, exp: now() + 120 }), /future/],
    ['an ID token (R10A)', () => signed({}, { typ: 'JWT' }), /no access token/],
    [
      'with keys of its own, jwk, jku and x5u (R11A)',
      async () => {
        const foreign = await other.sign(
          { iss: issuer.issuer, aud: resource },
          { jku: other.jwksUri, x5u: other.jwksUri, jwk: other.published[0] as never },
        )
        return foreign
      },
      /signature/,
    ],
    [
      'with an unknown crit (R12A)',
      () => forged({ alg: 'ES256', typ: 'at+jwt', crit: ['exp-2'], 'exp-2': 1 }, () => 'AAAA'),
      /cannot be read/,
    ],
    ['of more than 8 KB (R13A)', () => signed({ padding: 'x'.repeat(8_192) }), /more than 8192/],
    ['of an issuer that is not trusted', () => other.sign({ aud: resource }), /nobody who is trusted/],
    ['without an end', () => signed({ exp: undefined }), /claims/],
    ['without a subject', () => signed({ sub: undefined }), /claims/],
    ['without an id', () => signed({ jti: undefined }), /claims/],
    ['with a subject that no key can hold', () => signed({ sub: 'a\u0000b' }), /names no subject/],
    ['bound to a key, without a proof', () => signed({ cnf: { jkt: 'x' } }), /bound to a key/],
    ['bound in a way that nobody here knows', () => signed({ cnf: { kid: 'x' } }), /not known here/],
    ['bound to a certificate that was not shown', () => signed({ cnf: { 'x5t#S256': 'x' } }), /another certificate/],
    ['that is none', async () => 'a.b.c', /nobody who is trusted/],
    ['that is opaque', async () => 'opaque', /nobody who is trusted/],
  ]
  test.each(attacks)('%s', async (_what, make, reason) => {
    const token = await make()
    const before = upstream.seen.length
    for (const round of [1, 2]) {
      const answer = await call(`Bearer ${token}`)
      expect([round, answer.status]).toEqual([round, 401])
      const challenge = String(answer.headers['www-authenticate'])
      expect(challenge).toMatch(/^(Bearer|DPoP) error="invalid_(token|request)"/)
      expect(challenge).toMatch(reason)
      expect(challenge).toContain('resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp/up"')
      expect(answer.text).not.toContain(token.slice(0, 40))
    }
    expect(upstream.seen.length).toBe(before)
  })

  test('whoever waits for an answer to a token that was refused learns nothing of a good one beside it', async () => {
    const [good, bad] = [await signed(), await signed({ aud: 'https://elsewhere.example' })]
    const answers = await Promise.all([good, bad, good, bad].map((token) => call(`Bearer ${token}`)))
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 401])
  })
})

describe('a request that is wrong by itself is answered 400', () => {
  test('two Authorization headers (R14A), whatever they hold', async () => {
    const token = await signed()
    const status = await new Promise((resolve, reject) => {
      const req = request(`${gateway.base}/mcp/up`, { method: 'POST', setHost: true }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
      req.on('error', reject)
      req.setHeader('authorization', [`Bearer ${token}`, `Bearer ${token}`])
      req.end('{}')
    })
    expect(status).toBe(400)
  })

  test.each(['access_token', 'token', 'id_token'])(
    'a token in the address as %s (R21A), and the log and the answer do not repeat it',
    async (name) => {
      const token = await signed()
      const answer = await send(`${gateway.base}/mcp/up?a=b&${name}=${token}`, 'POST', '{}', {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(answer.status).toBe(400)
      expect(answer.text).not.toContain(token)
    },
  )

  test('another scheme than Bearer is no credential here', async () => {
    const answer = await call(`Basic ${Buffer.from('alice:secret').toString('base64')}`)
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_request"/)
  })
})

promise(['R28'], 'sessions, streams and state of one caller are nobody else’s, though the id is known (R20A)', async () => {
  const bearer = async (claims: Claims) => ({ authorization: `Bearer ${await signed(claims)}` })
  const alice = await bearer({ sub: 'alice' })
  const session = await openSession(gateway.base, { mount: '/up', headers: alice })
  const ping = async (headers: Record<string, string>) =>
    (await legacy(gateway.base, session, 'ping', {}, { mount: '/up', headers })).status
  expect(await ping(alice)).toBe(200)
  const strangers = [await bearer({ sub: 'bob' }), await bearer({ sub: 'Alice' }), await bearer({ sub: 'alice ' })]
  const before = upstream.seen.length
  for (const stranger of strangers) {
    expect(await ping(stranger)).toBe(404)
    for (const verb of ['GET', 'DELETE']) {
      const answer = await send(`${gateway.base}/mcp/up`, verb, undefined, { headers: { ...session, ...stranger, 'last-event-id': '1' } })
      expect([verb, answer.status]).toEqual([verb, 404])
    }
  }
  expect(upstream.seen.length).toBe(before)
  expect(await ping(alice)).toBe(200)
  expect((await legacy(gateway.base, session, 'ping', {}, { mount: '/up' })).status).toBe(401)
})

promise(
  ['R28'],
  'a session belongs to the address that it was opened at, whatever good token of its caller comes with it (R20A)',
  async () => {
    const at = async (mount: string) => ({ authorization: `Bearer ${await issuer.sign({ aud: `https://mcp.example.com/mcp${mount}` })}` })
    const session = await openSession(gateway.base, { mount: '/up', headers: await at('/up') })
    const ping = async (mount: string) => (await legacy(gateway.base, session, 'ping', {}, { mount, headers: await at(mount) })).status
    expect([await ping('/up'), await ping('/sibling'), await ping('')]).toEqual([200, 404, 404])
  },
)

promise(['R28'], 'a stream of HTTP+SSE takes no message of another caller (R20A)', async () => {
  const bearer = async (sub: string) => ({ authorization: `Bearer ${await issuer.sign({ sub, aud: 'https://mcp.example.com/mcp' })}` })
  let heard = ''
  const stop = new AbortController()
  const stream = send(`${gateway.base}/sse`, 'GET', undefined, {
    headers: { ...(await bearer('alice')), accept: 'text/event-stream' },
    signal: stop.signal,
    onText: (text) => {
      heard += text
    },
  }).catch(() => undefined)
  expect(await eventually(() => /data: \S+/.test(heard))).toBe(true)
  const path = /data: (\S+)/.exec(heard)?.[1] ?? ''
  const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const post = async (headers: Record<string, string>) => (await send(`${gateway.base}${path}`, 'POST', ping, { headers })).status
  expect([await post(await bearer('bob')), await post({}), await post(await bearer('alice'))]).toEqual([404, 401, 202])
  stop.abort()
  await stream
})

promise(
  ['R28', 'R14'],
  'a stream ends with the token that it was opened with, and a call with a token that has ended is answered 401',
  async () => {
    // Good until the clocks of two machines could not both be right.
    const token = await signed({ iat: now() - 60, exp: now() })
    const headers = { authorization: `Bearer ${token}` }
    const session = await openSession(gateway.base, { mount: '/up', headers })
    await send(`${gateway.base}/mcp/up`, 'GET', undefined, { headers: { ...headers, ...session } })
    expect((await call(headers.authorization)).status).toBe(401)
    const renewed = { authorization: `Bearer ${await signed()}` }
    expect((await legacy(gateway.base, session, 'ping', {}, { mount: '/up', headers: renewed })).status).toBe(200)
  },
)
