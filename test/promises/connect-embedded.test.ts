// A user who signed in at the embedded authorization server links an account of a server: the page asks that very server who is there.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterEach, expect } from 'vitest'
import { Browser, type Shown } from '../peers/browser.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { startOAuthServer } from '../peers/oauth-server.mjs'
import { startProtected } from '../peers/protected.ts'
import { modern } from '../peers/raw.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const word = 'correct horse battery'

promise(['R22'], 'a link is for whoever signed in at the embedded server, and for nobody else', async () => {
  const issuer = await startOAuthServer({ ttlS: 300 })
  open.push(() => issuer.close())
  const { d: _, ...jwk } = issuer.privateJwk as { d: string }
  const keys = createLocalJWKSet({ keys: [jwk as never] })
  const server = await startProtected({
    issuer: issuer.issuer,
    scopes: ['tools:read'],
    check: async (token, _req, audience) => {
      if (token === 'lister') return undefined
      return jwtVerify(token, keys, { issuer: issuer.issuer, audience }).then(
        () => undefined,
        () => 'invalid_token',
      )
    },
  })
  open.push(() => server.close())
  const gateway = await startUnderTest({
    auth: { callers: ['oauth'] },
    servers: { up: { url: server.url, auth: { type: 'authorizationCode', discovery: { type: 'static', secret: 'lister' } } } },
  })
  open.push(gateway.stop)

  const browser = new Browser()
  await browser.submit(await browser.open(String(await gateway.running.setupLink())), { name: 'ada', password: word, again: word })

  /** Answers the pages of the embedded server until another one is shown. */
  const through = async (shown: Shown): Promise<Shown> => {
    let at = shown
    for (let step = 0; step < 4; step += 1) {
      if (at.text.includes('name="password"')) at = await browser.submit(at, { name: 'ada', password: word })
      else if (at.text.includes('name="answer" value="allow"')) at = await browser.submit(at, { answer: 'allow' })
      else break
    }
    return at
  }

  const redirect_uri = 'http://127.0.0.1:4999/client-callback'
  const registered = await fetch(`${gateway.base}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [redirect_uri], token_endpoint_auth_method: 'none' }),
  })
  const { client_id } = (await registered.json()) as { client_id: string }
  const verifier = 'v'.repeat(43)
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    resource: `${gateway.base}/mcp/up`,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  browser.stopAt = '/client-callback'
  const back = await through(await browser.open(`${gateway.base}/oauth/authorize?${query}`))
  const fields = {
    grant_type: 'authorization_code',
    client_id,
    redirect_uri,
    code_verifier: verifier,
    code: back.url.searchParams.get('code') ?? '',
  }
  const issued = await fetch(`${gateway.base}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) })
  const { access_token } = (await issued.json()) as { access_token: string }
  const call = () =>
    modern(
      gateway.base,
      'tools/call',
      { name: 'test_simple_text', arguments: {} },
      { mount: '/up', headers: { authorization: `Bearer ${access_token}` } },
    )

  const link = /http:\/\/[^\s"\\]+\/connect\/[\w-]{43}/.exec(JSON.stringify((await call()).message))?.[0] ?? ''
  expect(link).not.toBe('')
  // Somebody who is not signed in is asked to, and gets no further.
  expect((await new Browser().open(link)).text).toContain('name="password"')
  const approval = await through(await browser.open(link))
  expect(approval.text).toContain(new URL(issuer.issuer).host)
  expect((await browser.submit(approval)).text).toContain('is linked')
  expect((await call()).message.result?.isError ?? false).toBe(false)
  expect(server.tokens.join()).not.toContain(access_token)
})
