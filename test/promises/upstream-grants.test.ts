// A user links an account at a server, and the gateway keeps that access alive: a real authorization server (oidc-provider), a real MCP server
// behind bearer tokens, and a browser that does what a person does.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { Browser, type Shown } from '../peers/browser.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { type OAuthServer, type OAuthServerOptions, startOAuthServer } from '../peers/oauth-server.mjs'
import { eventually } from '../peers/processes.ts'
import { type Protected, startProtected } from '../peers/protected.ts'
import { type Answer, modern, upstreamsOf } from '../peers/raw.ts'
import { startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

interface World {
  readonly issuer: OAuthServer
  readonly server: Protected
  readonly gateway: UnderTest
  /** The issuer ends every grant. */
  takeBack(): Promise<void>
}

/** Checks a token as RFC 9068 has it, for this very resource. */
async function checks(issuer: OAuthServer, token: string, resource: string): Promise<string | undefined> {
  const { d: _, ...jwk } = issuer.privateJwk as { d: string }
  const keys = createLocalJWKSet({ keys: [jwk as never] })
  return jwtVerify(token, keys, { issuer: issuer.issuer, audience: resource, typ: 'at+jwt' }).then(
    () => undefined,
    () => 'invalid_token',
  )
}

async function world(auth: Record<string, unknown> = {}, options: OAuthServerOptions = {}): Promise<World> {
  const issuer = await startOAuthServer({ ttlS: 300, ...options })
  const given = new Set<string>()
  issuer.provider.on('refresh_token.saved', ({ grantId }: { grantId: string }) => given.add(grantId))
  open.push(() => issuer.close())
  const server = await startProtected({
    issuer: issuer.issuer,
    scopes: ['tools:read'],
    check: (token, _req, resource) => checks(issuer, token, resource),
  })
  open.push(() => server.close())
  const other = await startScripted({})
  open.push(() => other.close())
  const gateway = await startUnderTest({
    servers: {
      up: { url: server.url, auth: { type: 'authorizationCode', discovery: { type: 'principal' }, ...auth } },
      other: { url: other.url, era: 'legacy' },
    },
  })
  open.push(gateway.stop)
  const takeBack = async (): Promise<void> => {
    for (const grant of given) await issuer.provider.RefreshToken.revokeByGrantId(grant)
  }
  return { issuer, server, gateway, takeBack }
}

const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']
const call = ({ gateway }: World): Promise<Answer> =>
  modern(gateway.base, 'tools/call', { name: 'test_simple_text', arguments: {} }, { mount: '/up' })
const linkIn = (text: string): string => /http:\/\/[^\s"]+:[1-9]\d*\/connect\/[A-Za-z0-9_-]{43}/.exec(text)?.[0] ?? ''
const reasonOf = async ({ gateway }: World): Promise<string> =>
  (await upstreamsOf(gateway.admin)).find(({ name }) => name === 'up')?.reason ?? ''

/** The link of the user whose grant fills the catalogue, from what operators are told. */
async function firstLink(made: World): Promise<string> {
  await eventually(async () => linkIn(await reasonOf(made)) !== '')
  return linkIn(await reasonOf(made))
}

async function connect(made: World, browser = new Browser(), link?: string): Promise<Shown> {
  const page = await browser.open(link ?? (await firstLink(made)))
  return browser.submit(page)
}

async function listed({ gateway }: World): Promise<boolean> {
  return eventually(async () => (await modern(gateway.base, 'tools/list', {}, { mount: '/up' })).message.result?.tools?.length > 0)
}

promise(['R22', 'R28'], 'a user links an account by a page and calls with a token of their own; the caller’s goes nowhere', async () => {
  const made = await world()
  const link = await firstLink(made)
  const browser = new Browser()
  const page = await browser.open(link)
  expect(page.status).toBe(200)
  expect(page.text).toContain(new URL(made.issuer.issuer).host)
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  // Nothing was asked of the issuer's pages before the click.
  expect(made.issuer.requests.filter((one) => one.includes('/auth'))).toEqual([])
  const done = await browser.submit(page)
  expect(done.text).toContain('is linked')
  expect(await listed(made)).toBe(true)
  const answer = await modern(
    made.gateway.base,
    'tools/call',
    { name: 'test_simple_text', arguments: {} },
    {
      mount: '/up',
      headers: { authorization: 'Bearer canary-of-the-caller' },
    },
  )
  expect(answer.message.result.isError ?? false).toBe(false)
  expect(made.server.tokens.length).toBeGreaterThan(0)
  expect(made.server.tokens.join()).not.toContain('canary')
  expect(made.server.seen.some((req) => JSON.stringify(req.headers).includes('canary-of'))).toBe(false)
  // The link is used: nobody else can come by it (U6A).
  expect((await new Browser().open(link)).status).toBe(404)
  // Registered once, with PKCE, state and the resource in the request.
  expect(made.issuer.requests.filter((one) => one === 'POST /reg')).toHaveLength(1)
  const asked = browser.visited.map((url) => new URL(url)).find(({ pathname }) => pathname === '/auth')?.searchParams
  expect(Object.fromEntries(asked ?? [])).toMatchObject({ resource: made.server.url, code_challenge_method: 'S256', response_type: 'code' })
})

promise(['R21', 'R100'], 'without a grant the tools stay listed and answer with the link, and other servers go on', async () => {
  const made = await world()
  await connect(made)
  expect(await listed(made)).toBe(true)
  expect((await call(made)).message.result.isError ?? false).toBe(false)
  const names = async () => (await modern(made.gateway.base, 'tools/list', {}, { mount: '/up' })).message.result.tools.length
  const before = await names()
  // Taken back at the issuer: the token is refused, and so is its renewal.
  for (const token of made.server.tokens) made.server.revoked.add(token)
  await made.takeBack()
  const fault = faultOf(await call(made))
  expect(fault).toMatchObject({ kind: 'reauth_required', retryable: false, side_effect: 'none' })
  expect(fault.tell_user).toContain(linkIn(fault.detail.link))
  expect(await names()).toBe(before)
  const other = await modern(made.gateway.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/other' })
  expect(other.message.result).toBeDefined()
  // With the link the same call works again.
  expect((await connect(made, new Browser(), linkIn(fault.detail.link))).text).toContain('is linked')
  expect((await call(made)).message.result.isError ?? false).toBe(false)
})

promise(['R21'], 'a token that is revoked early is renewed once, and the call is sent again unseen', async () => {
  const made = await world()
  await connect(made)
  expect(await listed(made)).toBe(true)
  await call(made)
  const first = made.server.tokens.at(-1) as string
  made.server.revoked.add(first)
  expect((await call(made)).message.result.isError ?? false).toBe(false)
  expect(made.server.tokens.at(-1)).not.toBe(first)
  expect(made.issuer.requests.filter((one) => one === 'POST /token')).toHaveLength(2)
})

describe('the answer of an issuer is held against what was recorded (U3A)', () => {
  const answers: [string, (answer: URL) => void][] = [
    ['another issuer', (answer) => answer.searchParams.set('iss', 'https://evil.example')],
    ['no issuer, though it says that it names itself', (answer) => answer.searchParams.delete('iss')],
    ['another state', (answer) => answer.searchParams.set('state', 'x'.repeat(43))],
    [
      'an error of another issuer',
      (answer) => {
        answer.searchParams.delete('code')
        answer.searchParams.set('iss', 'https://evil.example')
        answer.searchParams.set('error', 'access_denied')
        answer.searchParams.set('error_description', 'call +1-555-EVIL')
      },
    ],
  ]
  test.each(answers)('%s: no token is asked for, and none of its words is shown', async (_what, change) => {
    const made = await world()
    const browser = new Browser()
    const page = await browser.open(await firstLink(made))
    browser.stopAt = '/connect/callback'
    const answer = (await browser.submit(page)).url
    browser.stopAt = undefined
    const tokens = () => made.issuer.requests.filter((one) => one === 'POST /token').length
    change(answer)
    const shown = await browser.open(answer.href)
    expect(shown.status).toBe(400)
    expect(shown.text).not.toMatch(/EVIL|evil/)
    expect(tokens()).toBe(0)
  })

  test('in another browser than the one that asked, or twice, it links nothing', async () => {
    const made = await world()
    const browser = new Browser()
    const page = await browser.open(await firstLink(made))
    browser.stopAt = '/connect/callback'
    const { url } = await browser.submit(page)
    expect((await new Browser().open(url)).status).toBe(400)
    browser.stopAt = undefined
    // It was taken by the attempt of the other browser.
    expect((await browser.open(url)).status).toBe(400)
    expect(made.issuer.requests.filter((one) => one === 'POST /token')).toEqual([])
  })
})

test('a form that another site sends links nothing', async () => {
  const made = await world()
  const browser = new Browser()
  const page = await browser.open(await firstLink(made))
  expect((await browser.submit(page, {}, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await browser.submit(page, { token: 'x' })).status).toBe(403)
  expect((await new Browser().submit(page)).status).toBe(403)
  expect((await browser.submit(page)).text).toContain('is linked')
})

test('parameters of the configuration go with the request, and never over those of the protocol', async () => {
  const made = await world({ parameters: { access_type: 'offline', state: 'mine', prompt: 'consent' } })
  const browser = new Browser()
  await connect(made, browser)
  const asked = browser.visited.map((url) => new URL(url)).find(({ pathname }) => pathname === '/auth')?.searchParams
  expect(asked?.get('access_type')).toBe('offline')
  expect(asked?.get('state')).not.toBe('mine')
})

test('registration says how the gateway becomes a client, and clientId is the one that an operator registered', async () => {
  const own = {
    client_id: 'by-hand',
    client_secret: 'hand-secret',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/connect/callback'],
  }
  const made = await world({ clientId: 'by-hand', clientSecret: 'hand-secret', registration: ['static'] }, { clients: [own] })
  expect((await connect(made)).text).toContain('is linked')
  expect(made.issuer.requests).not.toContain('POST /reg')
  const none = await world({ registration: ['static'] })
  expect((await connect(none)).text).toContain('ways to become its client')
})

describe('whose link it is (U6A)', () => {
  /** Callers come with tokens of the issuer, and sign in at it in the browser. */
  async function signedIn(accountId: string) {
    const idp = await startOAuthServer({ accountId, clients: [{ ...signInClient }] })
    open.push(() => idp.close())
    const own = await startOAuthServer({})
    open.push(() => own.close())
    const server = await startProtected({
      issuer: own.issuer,
      scopes: ['tools:read'],
      check: (token, _req, resource) => checks(own, token, resource),
    })
    open.push(() => server.close())
    const gateway = await startUnderTest({
      auth: { issuers: [{ issuer: idp.issuer }] },
      connect: { clients: [{ issuer: idp.issuer, clientId: signInClient.client_id, clientSecret: signInClient.client_secret }] },
      servers: {
        up: { url: server.url, auth: { type: 'authorizationCode', discovery: { type: 'principal', iss: idp.issuer, sub: 'alice' } } },
      },
    })
    open.push(gateway.stop)
    return { issuer: own, server, gateway, takeBack: () => Promise.resolve() }
  }
  const signInClient = {
    client_id: 'gateway-sign-in',
    client_secret: 'sign-in-secret',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/connect/signed-in'],
  }

  test('the user that it was made for signs in, by the client of connect.clients, and links', async () => {
    const made = await signedIn('alice')
    const browser = new Browser()
    const page = await browser.open(await firstLink(made))
    expect(page.text).toContain('Link an account')
    expect((await browser.submit(page)).text).toContain('is linked')
  })

  test('another user who opens it is told so, and nothing is linked', async () => {
    const made = await signedIn('bob')
    const link = await firstLink(made)
    const shown = await new Browser().open(link)
    expect(shown.status).toBe(403)
    expect(shown.text).toContain('another user')
    expect(made.issuer.requests).toEqual([])
  })
})

describe('a client that can open pages', () => {
  const capabilities = { elicitation: { url: {} } }
  const calling = ({ gateway }: World, more: Record<string, unknown> = {}): Promise<Answer> =>
    modern(gateway.base, 'tools/call', { name: 'test_simple_text', arguments: {}, ...more }, { mount: '/up', capabilities })

  promise(['R21'], 'is asked to, and its call goes on once the account is linked', async () => {
    const made = await world()
    await connect(made)
    expect(await listed(made)).toBe(true)
    for (const token of made.server.tokens) made.server.revoked.add(token)
    await made.takeBack()
    const first = (await calling(made)).message.result
    expect(first.resultType).toBe('input_required')
    const [[key, question]] = Object.entries(first.inputRequests) as [[string, Result]]
    expect(question).toMatchObject({ method: 'elicitation/create', params: { mode: 'url', elicitationId: expect.any(String) } })
    const next = (action: string) => calling(made, { requestState: first.requestState, inputResponses: { [key]: { action } } })
    // It says that it did, and did not: it is asked again.
    expect((await next('accept')).message.result.resultType).toBe('input_required')
    expect(faultOf(await next('decline'))).toMatchObject({ kind: 'reauth_required' })
    expect((await connect(made, new Browser(), linkIn(question.params.url))).text).toContain('is linked')
    const done = (await next('accept')).message.result
    expect(done.isError ?? false).toBe(false)
    expect(done.resultType ?? 'complete').toBe('complete')
  })

  test('and has a session is told so in its own way', async () => {
    const made = await world()
    await connect(made)
    expect(await listed(made)).toBe(true)
    for (const token of made.server.tokens) made.server.revoked.add(token)
    await made.takeBack()
    const client = new Client({ name: 'opens pages', version: '1' }, { capabilities: { elicitation: { url: {} } } })
    const asked: string[] = []
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      const { url } = params as { url: string }
      asked.push(url)
      await connect(made, new Browser(), url)
      return { action: 'accept' }
    })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${made.gateway.base}/mcp/up`)))
    const result = await client.callTool({ name: 'test_simple_text', arguments: {} })
    await client.close()
    expect(asked).toHaveLength(1)
    expect(result.isError ?? false).toBe(false)
  })
})
