import { afterEach, describe, expect, it } from 'vitest'
import { type IdentityProvider, startIdentityProvider } from '../../test/doubles/authorization/identity-provider.ts'
import { password, type Rig, type RigOptions, redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'

import { systemClock } from '../platform/clock/system-clock.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { operatorLink } from './index.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function started(options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig({ scopes: { tracker: ['tickets:read', 'tickets:write'] }, ...options })
  closing.push(() => rig.close())
  return rig
}

/** An authorization request of the client. */
function authorizing(client: string): string {
  const query = { response_type: 'code', redirect_uri: redirectUri, code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
  return `/oauth/authorize?${new URLSearchParams({ ...query, client_id: client })}`
}

async function provider(): Promise<IdentityProvider> {
  const idp = await startIdentityProvider()
  closing.push(() => idp.close())
  return idp
}

describe('the first operator is made by a link that works once (E6)', () => {
  it('lets nobody in before: there is no default account, and the page says what to do', async () => {
    const rig = await started()
    const client = await rig.client()
    const { at } = await rig.authorize({ client_id: client })
    expect(at.status).toBe(200)
    expect(at.text).toContain('Nobody has an account yet')
    expect(at.text).not.toContain('name="password"')
  })

  it('works once, and not for a second operator', async () => {
    const rig = await started()
    const link = await rig.server.setupLink()
    const other = await rig.server.setupLink()
    expect(link).toMatch(new RegExp(`^${rig.base}/oauth/setup/[\\w-]{43}$`))
    const path = new URL(String(link)).pathname
    const browser = rig.browser()
    const page = await browser.open(path)
    const fields = { name: 'Ada', password, again: password }
    expect((await browser.submit(page, fields)).text).toContain('The operator is there')
    expect((await browser.submit(page, fields)).status).toBe(404)
    for (const used of [link, other]) expect((await rig.browser().open(new URL(String(used)).pathname)).status).toBe(404)
    expect(await rig.server.setupLink()).toBeUndefined()
  })

  it('refuses a link that was made up, a short password, two that differ, and a form of another page', async () => {
    const rig = await started()
    expect((await rig.browser().open('/oauth/setup/AAAA')).status).toBe(404)
    const path = new URL(String(await rig.server.setupLink())).pathname
    const browser = rig.browser()
    const page = await browser.open(path)
    expect((await browser.submit(page, { name: 'ada', password: 'short', again: 'short' })).text).toContain('at least 12 characters')
    expect((await browser.submit(page, { name: 'ada', password, again: `${password}x` })).text).toContain('The two passwords differ')
    expect((await browser.submit(page, { name: '', password, again: password })).status).toBe(422)
    expect((await browser.submit(page, { name: 'ada', password, again: password, form_token: 'x' })).status).toBe(422)
    expect((await browser.submit(page, { name: 'ada', password, again: password }, { origin: 'https://evil.example' })).status).toBe(422)
    // Another browser does not have the cookie that the form belongs to.
    expect((await rig.browser().submit(page, { name: 'ada', password, again: password })).status).toBe(422)
    expect((await browser.submit(page, { name: 'ada', password, again: password })).status).toBe(200)
  })

  it('gives the page of one more operator, or of another password, to whoever may read the store', async () => {
    const rig = await started()
    await rig.operator()
    const link = new URL(await operatorLink(rig.durable, systemClock, systemRandom, rig.base)).pathname
    const browser = rig.browser()
    const page = await browser.open(link)
    expect(page.text).toContain('<h1>Set a password</h1>')
    expect((await browser.submit(page, { name: 'ADA', password: 'another word entirely', again: 'another word entirely' })).status).toBe(
      200,
    )
    expect((await browser.open(link)).status).toBe(404)
    const client = await rig.client()
    const signIn = await browser.open(authorizing(client))
    expect((await browser.submit(signIn, { name: 'ada', password })).status).toBe(401)
    expect((await browser.submit(signIn, { name: 'ada', password: 'another word entirely' })).text).toContain('value="allow"')
    const names = await rig.durable.read((reader) => reader.all('SELECT name FROM authorization_accounts'))
    expect(names.ok && names.value).toEqual([{ name: 'ada' }])
  })

  it('keeps the password hashed, and neither it nor the link is in the log', async () => {
    const rig = await started()
    await rig.operator()
    const rows = await rig.durable.read((reader) => reader.all('SELECT * FROM authorization_accounts'))
    expect(rows.ok && rows.value).toMatchObject([{ name: 'ada', password: expect.stringMatching(/^scrypt\$32768\$8\$1\$/) }])
    expect(JSON.stringify([rig.logged, rig.decisions])).not.toContain(password)
  })
})

describe('a person signs in with a password', () => {
  it('is told no more than that name or password is wrong, and slowed down', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client()
    const browser = rig.browser()
    let page = await browser.open(authorizing(client))
    const wrong = await browser.submit(page, { name: 'ada', password: 'wrong' })
    const nobody = await browser.submit(page, { name: 'nobody', password: 'wrong' })
    expect([wrong.status, nobody.status]).toEqual([401, 401])
    expect(wrong.text).toContain('The user name or the password is wrong.')
    expect(nobody.text).toContain('The user name or the password is wrong.')
    for (let n = 0; n < 9; n += 1) page = await browser.submit(page, { name: 'ada', password: 'wrong' })
    const slowed = await browser.submit(page, { name: 'ada', password })
    expect(slowed.text).toContain('Too many attempts')
    expect(rig.decisions.filter(({ about, allowed }) => about === 'authenticate' && !allowed).length).toBeGreaterThan(8)
  })

  it('in another browser cannot take over a sign-in that was begun', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client()
    const victims = await rig.browser().open(authorizing(client))
    const stranger = await rig.browser().open(victims.url)
    expect(stranger.status).toBe(400)
    expect(stranger.text).toContain('This sign-in is over')
    expect((await rig.browser().submit(victims, { name: 'ada', password })).status).toBe(400)
  })
})

describe('a person allows a client what it asks for, and only that (E5A)', () => {
  it('sees who asks, where the answer goes, for which tools and scopes', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client({ client_name: '<b>Desk</b>\u202e' })
    const { pages } = await rig.authorize({ client_id: client, resource: `${rig.base}/mcp/tracker`, scope: 'tickets:read made:up' })
    const text = pages.at(-1)?.text ?? ''
    expect(text).toContain('Allow &lt;b&gt;Desk&lt;/b&gt; ?')
    expect(text).not.toMatch(/<b>|\u202e|<script|onclick|style="/)
    expect(text).toContain('<code>client.example</code>')
    expect(text).toContain(`<code>${rig.base}/mcp/tracker</code>`)
    expect(text).toContain('<code>tickets:read</code>')
    expect(text).not.toContain('made:up')
    expect(text).toContain('nobody has checked it')
    expect(text).not.toContain('on your own computer')
  })

  it('is warned where a program of their own machine gets the answer', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client({ redirect_uris: ['http://localhost:7777/callback'] })
    const { pages } = await rig.authorize({ client_id: client, redirect_uri: 'http://localhost:7777/callback' })
    expect(pages.at(-1)?.text).toContain('The answer goes to a program on your own computer')
  })

  it('is asked once for a client, its host and its scopes; and again for more, and always for a program of their machine', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client({ redirect_uris: [redirectUri, 'https://other.example/callback'] })
    const asked = { client_id: client, resource: `${rig.base}/mcp/tracker`, scope: 'tickets:read' }
    const { browser, pages } = await rig.authorize(asked)
    expect(pages).toHaveLength(2)
    expect((await rig.authorize(asked, browser)).pages).toHaveLength(0)
    expect((await rig.authorize({ ...asked, scope: 'tickets:read tickets:write' }, browser)).pages).toHaveLength(1)
    expect((await rig.authorize({ ...asked, resource: `${rig.base}/mcp/files` }, browser)).pages).toHaveLength(1)
    expect((await rig.authorize({ ...asked, redirect_uri: 'https://other.example/callback' }, browser)).pages).toHaveLength(1)
    expect((await rig.authorize({ ...asked, client_id: await rig.client() }, browser)).pages).toHaveLength(1)
    const native = await rig.client({ redirect_uris: ['http://127.0.0.1/cb'] })
    for (let n = 0; n < 2; n += 1) {
      expect((await rig.authorize({ ...asked, client_id: native, redirect_uri: 'http://127.0.0.1:5000/cb' }, browser)).pages).toHaveLength(
        1,
      )
    }
  })

  it('can say no, and the client hears it', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client()
    const browser = rig.browser()
    const consent = await browser.submit(await browser.open(authorizing(client)), { name: 'ada', password })
    const answer = await browser.submit(consent, { answer: 'deny' })
    expect(answer.url.searchParams.get('error')).toBe('access_denied')
    expect(answer.url.searchParams.get('iss')).toBe(rig.base)
    expect(rig.decisions.filter(({ about }) => about === 'consent')).toMatchObject([{ allowed: false }, { allowed: false }])
  })

  it('cannot be made to allow by another site: the form has a token, the origin counts, and no frame shows the page', async () => {
    const rig = await started()
    await rig.operator()
    const client = await rig.client()
    const browser = rig.browser()
    const consent = await browser.submit(await browser.open(authorizing(client)), { name: 'ada', password })
    const policy = consent.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("form-action 'self' https://client.example")
    expect(policy).not.toContain('unsafe')
    expect(consent.headers.get('x-frame-options')).toBe('DENY')
    expect(consent.headers.get('cache-control')).toBe('no-store')
    expect((await browser.submit(consent, { answer: 'allow', form_token: 'x' })).status).toBe(400)
    for (const origin of ['https://evil.example', 'null']) {
      expect((await browser.submit(consent, { answer: 'allow' }, { origin })).status).toBe(400)
    }
    expect(await browser.submit(consent, { answer: 'allow' }).then(({ status }) => status)).toBe(0)
  })

  it('has cookies that a browser takes from this host alone, encrypted, and shows to no script', async () => {
    const rig = await started({ publicUrl: 'https://mcp.example.com/gateway' })
    const link = String(await rig.server.setupLink())
    expect(link).toContain('https://mcp.example.com/gateway/oauth/setup/')
    const answer = await rig.send(new URL(link).pathname.replace('/gateway', ''))
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-signalbox_form=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
    ])
    const client = await rig.client()
    const begun = await rig.send(authorizing(client), {
      headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    })
    expect(begun.headers.get('location')).toMatch(/^\/gateway\/oauth\/interaction\//)
    const cookies = begun.headers.getSetCookie().filter((cookie) => !cookie.includes('.sig='))
    expect(cookies.length).toBeGreaterThanOrEqual(2)
    for (const cookie of cookies) expect(cookie).toMatch(/^__(Secure|Host)-signalbox_\w+=.*; path=\/.*secure; httponly$/i)
  })
})

describe('the public address alone decides what is said (publicUrl)', () => {
  it('stands in all metadata, below its path, whatever host or forwarded header a request has', async () => {
    const rig = await started({ publicUrl: 'https://mcp.example.com/gateway' })
    for (const path of [
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server/gateway',
      '/.well-known/openid-configuration',
    ]) {
      const answer = await rig.send(path, {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', forwarded: 'host=evil.example' },
      })
      expect(await answer.json()).toMatchObject({
        issuer: 'https://mcp.example.com/gateway',
        token_endpoint: 'https://mcp.example.com/gateway/oauth/token',
        jwks_uri: 'https://mcp.example.com/gateway/oauth/jwks',
      })
    }
    expect((await rig.send('/.well-known/oauth-authorization-server/other')).status).toBe(404)
  })
})

describe('people sign in at the identity provider of the team (auth.embedded.login.oidc)', () => {
  async function federated(settings: Record<string, unknown> = {}) {
    const idp = await provider()
    const rig = await started({
      settings: { login: { oidc: { issuer: idp.issuer, clientId: 'gateway', clientSecret: 'idp-secret-canary', ...settings } } },
    })
    const client = await rig.client()
    const browser = rig.browser()
    const page = await browser.open(authorizing(client))
    const href = /<a class="button main" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
    return { idp, rig, browser, page, address: (await browser.open(href)).url, client }
  }

  it('goes there with PKCE, state and nonce, and takes the groups of the ID token', async () => {
    const { idp, rig, browser, page, address, client } = await federated({ groups: 'realm_access.roles' })
    expect(page.text).not.toContain('name="password"')
    expect(await rig.server.setupLink()).toBeUndefined()
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      client_id: 'gateway',
      redirect_uri: `${rig.base}/oauth/login/callback`,
      response_type: 'code',
      scope: 'openid profile',
      code_challenge_method: 'S256',
      state: expect.any(String),
      nonce: expect.any(String),
    })
    idp.claims = { preferred_username: 'alice@team', realm_access: { roles: ['support', 'dev'] } }
    const consent = await browser.open(await idp.signIn(address))
    expect(consent.text).toContain('<strong>alice@team</strong>')
    expect(idp.tokenRequests[0]?.get('client_secret')).toBe('idp-secret-canary')
    expect(idp.tokenRequests[0]?.get('code_verifier')).toMatch(/^[\w-]{43}$/)
    await browser.submit(consent, { answer: 'allow' })
    const tokens = await rig.tokens(client, {}, browser)
    expect(tokens.claims.groups).toEqual(['support', 'dev'])
    expect(tokens.claims.sub).not.toBe('alice')
    expect(JSON.stringify([rig.logged, rig.decisions])).not.toMatch(/canary/)
  })

  it.each([
    ['the answer names another issuer (mix-up)', (query: URLSearchParams) => query.set('iss', 'https://evil.example'), undefined],
    ['the answer names no issuer', (query: URLSearchParams) => query.delete('iss'), undefined],
    ['there is no state', (query: URLSearchParams) => query.delete('state'), undefined],
    ['the state is made up', (query: URLSearchParams) => query.set('state', 'x'), undefined],
    ['the provider says no', (query: URLSearchParams) => query.set('error_description', 'error-text-canary'), undefined],
    ['the nonce is another', undefined, (claims: Record<string, unknown>) => Object.assign(claims, { nonce: 'x' })],
    [
      'the ID token is of another issuer',
      undefined,
      (claims: Record<string, unknown>) => Object.assign(claims, { iss: 'https://evil.example' }),
    ],
  ])('lets nobody in where %s', async (_what, answer, idToken) => {
    const { idp, rig, browser, address } = await federated()
    idp.twist = {
      ...(answer === undefined
        ? {}
        : {
            answer: (query) => {
              answer(query)
              if (query.has('error_description')) {
                query.set('error', 'access_denied')
                query.delete('code')
              }
            },
          }),
      ...(idToken === undefined ? {} : { idToken }),
    }
    const at = await browser.open(await idp.signIn(address))
    expect(at.status).toBe(400)
    expect(at.text).not.toContain('canary')
    if (answer !== undefined) expect(idp.tokenRequests).toHaveLength(0)
    expect(rig.decisions.some(({ about, allowed }) => about === 'authenticate' && !allowed)).toBe(true)
    expect(rig.bugs).toEqual([])
  })

  it('asks for the scopes that are configured', async () => {
    const { address } = await federated({ scopes: ['openid', 'groups'] })
    expect(address.searchParams.get('scope')).toBe('openid groups')
  })

  it('does not take the answer in another browser, nor twice', async () => {
    const { idp, rig, browser, address } = await federated()
    const back = await idp.signIn(address)
    expect((await rig.browser().open(back)).status).toBe(400)
    const stranger = rig.browser()
    await stranger.open(new URL(String(back)).pathname)
    expect((await stranger.open(back)).status).toBe(400)
    const again = await federated()
    const good = await again.idp.signIn(again.address)
    expect((await again.browser.open(good)).text).toContain('value="allow"')
    expect((await again.browser.open(good)).status).toBe(400)
    expect(browser).toBeDefined()
  })

  it('says so where the provider cannot be reached, and goes on later', async () => {
    const rig = await started({ settings: { login: { oidc: { issuer: 'http://127.0.0.1:9', clientId: 'gateway' } } } })
    const client = await rig.client()
    const browser = rig.browser()
    const page = await browser.open(authorizing(client))
    const href = /<a class="button main" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
    expect((await browser.open(href)).text).toContain('127.0.0.1:9 cannot be reached now')
  })
})
