import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Rig, type RigOptions, redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'
import { testDurable } from '../../test/doubles/durable.ts'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { FetchRefused, type GuardedFetch } from '../core/ports/guarded-fetch.ts'
import { createGuardedFetch } from '../platform/net/guarded-fetch.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { createVault } from '../platform/vault/envelope.ts'
import { createClients, idleMs, unusedMs } from './clients.ts'
import { authorizationDomain } from './domain.ts'

let rig: Rig
afterEach(async () => {
  await rig?.close()
  rig = undefined as never
})

/** Without an operator, for what is refused before anybody signs in. */
async function bare(options: RigOptions = {}): Promise<void> {
  rig = await startRig({ scopes: { tracker: ['tickets:read', 'tickets:write'] }, ...options })
}

async function started(options: RigOptions = {}): Promise<void> {
  await bare(options)
  await rig.operator()
}

const tracker = () => ({ resource: `${rig.base}/mcp/tracker` })
const ours = { token_endpoint_auth_method: 'none', redirect_uris: [redirectUri] }

describe('clients that register by themselves can work', () => {
  it('may ask for more scopes later than they registered with (first shim)', async () => {
    await started()
    const client = await rig.client({ scope: 'tickets:read' })
    const first = await rig.tokens(client, { ...tracker(), scope: 'tickets:read' })
    expect(first.scope).toBe('mcp tickets:read')
    const more = await rig.tokens(client, { ...tracker(), scope: 'tickets:read tickets:write' })
    expect(more.scope).toBe('mcp tickets:read tickets:write')
  })

  it('get refresh tokens though they name no grant types and no `offline_access` (third shim)', async () => {
    await started()
    const client = await rig.client({})
    const tokens = await rig.tokens(client)
    expect((await rig.refresh(client, tokens.refresh)).status).toBe(200)
  })

  it('get none where they say that they want none', async () => {
    await started()
    const client = await rig.client({ grant_types: ['authorization_code'] })
    expect((await rig.tokens(client)).refresh).toBeUndefined()
  })

  it('may spell the resource with a slash at the end or a host in capitals, and need not name it at all (fourth shim)', async () => {
    await started()
    const client = await rig.client()
    const { port } = new URL(rig.base)
    const spellings = [`${rig.base}/mcp/tracker/`, `HTTP://127.0.0.1:${port}/mcp/tracker`]
    for (const resource of spellings) expect((await rig.tokens(client, { resource })).claims.aud).toBe(`${rig.base}/mcp/tracker`)
    expect((await rig.tokens(client)).claims.aud).toBe(`${rig.base}/mcp`)
    const later = await rig.tokens(client, { resource: `${rig.base}/mcp/files/` })
    expect((await rig.refresh(client, later.refresh, { resource: `${rig.base}/mcp/files/` })).status).toBe(200)
  })

  it('get all that may be had where they ask for no scope, since the older of them cannot ask again (fifth shim)', async () => {
    await started()
    const client = await rig.client()
    expect((await rig.tokens(client, tracker())).scope).toBe('mcp tickets:read tickets:write')
  })

  it('with a secret have to show it', async () => {
    await started()
    const { status, body } = await rig.register({ client_name: 'Probe', redirect_uris: [redirectUri] })
    expect(status).toBe(201)
    expect(body).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', client_secret: expect.any(String) })
    const client = String(body.client_id)
    const { code, verifier } = await rig.authorize({ client_id: client })
    const sent = { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirectUri }
    expect((await rig.token({ ...sent, client_id: client })).body.error).toBe('invalid_client')
    const basic = Buffer.from(`${client}:${String(body.client_secret)}`).toString('base64')
    expect((await rig.token(sent, { authorization: `Basic ${basic}` })).status).toBe(200)
  })

  it('of browsers are answered across origins', async () => {
    await bare()
    const preflight = await rig.send('/oauth/register', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    })
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    expect((await rig.register({ ...ours })).headers.get('access-control-allow-origin')).toBe('*')
    const token = await rig.form('/oauth/token', { grant_type: 'refresh_token' }, { origin: 'https://app.example' })
    expect(token.headers.get('access-control-allow-origin')).toBe('https://app.example')
  })

  it('are refused where registration is off, and the metadata does not offer it', async () => {
    await bare({ settings: { dynamicRegistration: false } })
    const answer = await rig.send('/oauth/register', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect(answer.status).toBe(404)
    expect(await (await rig.send('/.well-known/oauth-authorization-server')).json()).not.toHaveProperty('registration_endpoint')
  })
})

describe('nobody can misuse registration (E4A)', () => {
  it.each([
    ['javascript:alert(1)'],
    ['data:text/html,x'],
    ['file:///etc/passwd'],
    ['http://client.example/callback'],
    ['http://192.168.1.2/callback'],
    ['https://user:secret@client.example/callback'],
    ['https://client.example/callback#fragment'],
    ['not a url'],
  ])('refuses the redirect address %s', async (uri) => {
    await bare()
    const { status, body } = await rig.register({ ...ours, redirect_uris: [redirectUri, uri] })
    expect(status).toBe(400)
    expect(body.error).toMatch(/^invalid_(redirect_uri|client_metadata)$/)
  })

  it.each([['logo_uri'], ['client_uri'], ['policy_uri'], ['tos_uri']])('refuses a %s that is a script', async (name) => {
    await bare()
    expect((await rig.register({ ...ours, [name]: 'javascript:alert(1)' })).status).toBe(400)
  })

  it('answers 429 to an address that registers one client after the other, and says when to come back', async () => {
    await bare()
    const answers = []
    for (let n = 0; n < 25; n += 1) answers.push(await rig.register({ ...ours }))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20)
    const last = answers.at(-1)
    expect(last?.status).toBe(429)
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('refuses what is too large or no JSON', async () => {
    await bare()
    const large = {
      method: 'POST',
      body: JSON.stringify({ client_name: 'x'.repeat(80_000) }),
      headers: { 'content-type': 'application/json' },
    }
    expect((await rig.send('/oauth/register', large)).status).toBe(413)
    for (const body of ['{', '[]', '"x"', '']) {
      expect((await rig.send('/oauth/register', { ...large, body })).status).toBe(400)
    }
  })

  it('keeps no more clients than the cap: the oldest that was never used goes, and none that was', async () => {
    const clock = new ManualClock()
    const report = { log: () => undefined, counters: { add: () => undefined } }
    const durable = testDurable({ domains: [authorizationDomain], clock, report })
    const clients = createClients(durable, createVault([Buffer.alloc(32, 1)], systemRandom), clock, 3)
    for (const id of ['a', 'b', 'c']) {
      expect(await clients.put(id, { client_id: id })).toBe(true)
      await clock.advance(1_000)
    }
    await clients.used('a')
    expect(await clients.put('d', { client_id: 'd' })).toBe(true)
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(async (id) => (await clients.find(id)) !== undefined))).toEqual([
      true,
      false,
      true,
      true,
    ])
    await Promise.all(['c', 'd'].map((id) => clients.used(id)))
    expect(await clients.put('e', { client_id: 'e' })).toBe(false)
    await durable.close()
  })

  it('removes clients that never got a token after a day, and the others long after their last', async () => {
    const clock = new ManualClock()
    const report = { log: () => undefined, counters: { add: () => undefined } }
    const durable = testDurable({ domains: [authorizationDomain], clock, report })
    const clients = createClients(durable, createVault([Buffer.alloc(32, 1)], systemRandom), clock, 10)
    await clients.put('unused', {})
    await clients.put('used', {})
    await clients.used('used')
    await clock.advance(unusedMs - 1)
    expect(await clients.sweep()).toBe(0)
    await clock.advance(1)
    expect(await clients.sweep()).toBe(1)
    expect(await clients.count()).toBe(1)
    await clock.advance(idleMs)
    expect(await clients.sweep()).toBe(1)
    await durable.close()
  })
})

describe('clients that name a metadata document', () => {
  const documentUrl = 'https://app.example/client.json'
  const document = {
    client_id: documentUrl,
    client_name: 'Desk',
    redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  }

  function serving(answer: (url: string) => Response | Promise<Response>, asked: string[] = []): GuardedFetch {
    return async (url) => {
      asked.push(String(url))
      return answer(String(url))
    }
  }

  it('need no registration, and take their answer at any port (second shim); the document is fetched once', async () => {
    const asked: string[] = []
    await started({ fetch: serving(() => Response.json(document), asked) })
    const { at, pages } = await rig.authorize({
      client_id: documentUrl,
      redirect_uri: 'http://localhost:49152/callback',
      ...tracker(),
      scope: 'tickets:read',
    })
    expect(at.url.href).toMatch(/^http:\/\/localhost:49152\/callback\?code=/)
    expect(pages.at(-1)?.text).toContain('Named by <code>app.example</code>')
    const redirect_uri = 'http://127.0.0.1:49153/callback'
    const tokens = await rig.tokens(documentUrl, { redirect_uri, ...tracker(), scope: 'tickets:read' })
    expect(tokens.claims).toMatchObject({ client_id: documentUrl, aud: `${rig.base}/mcp/tracker` })
    expect((await rig.refresh(documentUrl, tokens.refresh)).status).toBe(200)
    const more = await rig.tokens(documentUrl, { redirect_uri, ...tracker(), scope: 'tickets:read tickets:write' })
    expect(more.scope).toBe('mcp tickets:read tickets:write')
    expect(asked).toEqual([documentUrl])
  })

  it.each([
    ['of another client', () => Response.json({ ...document, client_id: 'https://other.example/client.json' })],
    ['with a redirect address without encryption', () => Response.json({ ...document, redirect_uris: ['http://evil.example/x'] })],
    ['with a script as redirect address', () => Response.json({ ...document, redirect_uris: ['javascript:alert(1)'] })],
    ['with a shared secret', () => Response.json({ ...document, client_secret: 'x', token_endpoint_auth_method: 'client_secret_basic' })],
    ['that is too large', () => Response.json({ ...document, padding: 'x'.repeat(6_000) })],
    ['with a logo that is a script', () => Response.json({ ...document, logo_uri: 'javascript:alert(1)' })],
    ['that leads elsewhere', () => new Response(null, { status: 302, headers: { location: 'http://169.254.169.254/' } })],
    ['that is no JSON', () => new Response('<html>')],
  ])('are refused with a document %s, by a page and no redirect (E3A)', async (_what, answer) => {
    await bare({ fetch: serving(answer) })
    const { at } = await rig.authorize({ client_id: documentUrl, redirect_uri: 'http://localhost:49152/callback' })
    expect(at.status).toBe(400)
    expect(at.headers.get('location')).toBeNull()
    expect(at.text).toContain('invalid_client')
    expect(rig.bugs).toEqual([])
  })

  it('cannot lead the gateway into a network that is not public (E3A)', async () => {
    const inside: string[] = []
    const victim = createServer((req, res) => {
      inside.push(req.url ?? '')
      res.end('{}')
    })
    await new Promise<void>((resolve) => victim.listen(0, '127.0.0.1', resolve))
    const { port } = victim.address() as AddressInfo
    const refused: unknown[] = []
    const guarded = createGuardedFetch({
      trusted: [],
      loopback: false,
      lookup: (_host, options, done) =>
        options.all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
    })
    const watched: GuardedFetch = async (url, init) =>
      guarded.fetch(url, init).catch((error: unknown) => {
        refused.push(error)
        throw error
      })
    await bare({ fetch: watched })
    for (const id of [
      `https://127.0.0.1:${port}/c`,
      `https://[::1]:${port}/c`,
      `https://rebound.example:${port}/c`,
      'https://169.254.169.254/c',
      `http://127.0.0.1:${port}/c`,
    ]) {
      const { at } = await rig.authorize({ client_id: id, redirect_uri: 'http://localhost:1/callback' })
      expect(at.status).toBe(400)
      expect(at.text).not.toMatch(/169\.254|loopback|private|rebound/)
    }
    expect(inside).toEqual([])
    // What is no https is refused before anything is fetched.
    expect(refused.length).toBeGreaterThanOrEqual(4)
    expect(refused.every((error) => error instanceof FetchRefused)).toBe(true)
    await guarded.close()
    await new Promise((resolve) => victim.close(resolve))
  })

  it('cannot make the gateway fetch without end', async () => {
    const asked: string[] = []
    await bare({ fetch: serving(() => new Response(null, { status: 404 }), asked) })
    for (let n = 0; n < 30; n += 1) await rig.authorize({ client_id: `https://app.example/${n}` })
    expect(asked).toHaveLength(20)
  })
})
