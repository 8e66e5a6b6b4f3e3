// Opaque tokens: their issuer is asked, a real one and such as answer badly.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { admitting, type Closers, list, publicUrl, resource, statusOf } from '../peers/admitting.ts'
import { client, startOAuthServer } from '../peers/oauth-server.mjs'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

promise(
  ['R30', 'R32'],
  'an opaque token of a real issuer is good where its issuer vouches for it, for the address that it is for',
  async () => {
    const server = await startOAuthServer({ format: 'opaque' })
    closers.push(server.close)
    const entry = { issuer: server.issuer, endpoint: `${server.issuer}/token/introspection`, client }
    const at = await admitting(closers, { introspection: [entry] }, { servers: { up: { command: 'none' } } })
    const token = await server.token({ resource })
    expect(await Promise.all(Array.from({ length: 20 }, () => statusOf(at, token)))).toEqual(Array(20).fill(200))
    const asked = () => server.requests.filter((one) => one.endsWith('/introspection')).length
    expect(asked()).toBe(1)
    expect(await statusOf(at, token, '/up')).toBe(401)
    const before = asked()
    for (let i = 0; i < 5; i += 1) expect(await statusOf(at, 'garbage')).toBe(401)
    expect(asked()).toBe(before + 1)
    const challenge = String((await list(at, {})).headers['www-authenticate'])
    expect(challenge).toContain(`resource_metadata="${publicUrl}/.well-known/oauth-protected-resource/mcp"`)
  },
)

describe('what an issuer may answer about a token', () => {
  async function setting(answer: unknown, more: Record<string, unknown> = {}) {
    const heard: { authorization: string | undefined; body: string }[] = []
    const server = createServer((req, res) => {
      let body = ''
      req.on('data', (chunk) => {
        body += chunk
      })
      req.on('end', () => {
        heard.push({ authorization: req.headers.authorization, body })
        if (typeof answer === 'number') return void res.writeHead(answer).end('canary')
        if (answer === undefined) return void req.socket.destroy()
        res.writeHead(200, { 'content-type': 'application/json' }).end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(
      () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    )
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const entry = { issuer: 'https://idp.example', endpoint: `${url}/introspect`, client: { id: 'gate way', secret: 'a:b%c' }, ...more }
    return { heard, entry, at: await admitting(closers, { introspection: [entry] }) }
  }
  const soon = Math.floor(Date.now() / 1_000) + 300
  const good = { active: true, sub: 'alice', aud: resource, exp: soon, scope: 'a b', token_type: 'Bearer' }

  test('client id and secret are sent as RFC 6749 has it, the token in the body alone', async () => {
    const { heard, at } = await setting(good)
    expect(await statusOf(at, 'opaque-1')).toBe(200)
    expect(heard).toEqual([
      {
        authorization: `Basic ${Buffer.from('gate+way:a%3Ab%25c').toString('base64')}`,
        body: 'token=opaque-1&token_type_hint=access_token',
      },
    ])
  })

  const answers: [string, unknown, number][] = [
    ['good', good, 200],
    ['good, several audiences', { ...good, aud: ['x', resource] }, 200],
    ['not active', { active: false }, 401],
    ['active as text', { ...good, active: 'true' }, 401],
    ['for nobody', { ...good, aud: undefined }, 401],
    ['for another resource', { ...good, aud: 'https://elsewhere.example' }, 401],
    ['without an end', { ...good, exp: undefined }, 401],
    ['ended', { ...good, exp: 1 }, 401],
    ['not yet good', { ...good, nbf: soon }, 401],
    ['of another type', { ...good, token_type: 'refresh_token' }, 401],
    ['of another issuer', { ...good, iss: 'https://other.example' }, 401],
    ['of nobody', { ...good, sub: undefined }, 401],
    ['an error', 500, 503],
    ['that the gateway may not ask', 401, 503],
    ['a redirect', 302, 503],
    ['no JSON', '<html>canary</html>', 503],
    ['a list', [], 503],
    ['nothing', undefined, 503],
  ]
  test.each(answers)('%s', async (_what, answer, expected) => {
    const { at } = await setting(answer)
    const found = await list(at, { authorization: 'Bearer opaque-token-canary' })
    expect(found.status).toBe(expected)
    expect(`${found.text}${JSON.stringify(found.headers)}`).not.toContain('canary')
    if (expected === 503) expect(found.headers['retry-after']).toBe('5')
  })

  test('audience and claims: for issuers that know no resources, and several tenants', async () => {
    const answer = { ...good, aud: 'api://signalbox', org: 'acme' }
    expect(await statusOf((await setting(answer)).at, 't')).toBe(401)
    expect(await statusOf((await setting(answer, { audience: 'api://signalbox', claims: { tenant: 'org' } })).at, 't')).toBe(200)
    expect(
      await statusOf((await setting({ ...answer, org: undefined }, { audience: 'api://signalbox', claims: { tenant: 'org' } })).at, 't'),
    ).toBe(401)
  })

  test('prefix: of two issuers one alone sees a token', async () => {
    const [one, two] = [await setting(good, { prefix: 'one_' }), await setting(good)]
    const at = await admitting(closers, { introspection: [one.entry, { ...two.entry, issuer: 'https://two.example' }] })
    expect([await statusOf(at, 'one_token'), await statusOf(at, 'other')]).toEqual([200, 200])
    expect([one.heard.map(({ body }) => body.includes('one_token')), two.heard.map(({ body }) => body.includes('other'))]).toEqual([
      [true],
      [true],
    ])
    await expect(admitting(closers, { introspection: [two.entry, { ...two.entry, issuer: 'https://x.example' }] })).rejects.toThrow(
      'prefix',
    )
  })

  test('an API key is shown to no issuer', async () => {
    const { heard, at } = await setting(good)
    expect(await statusOf(at, `sbx_0123456789abcdef_${'x'.repeat(43)}`)).toBe(401)
    expect(heard).toEqual([])
  })
})
