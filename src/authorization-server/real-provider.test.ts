import { expect, it } from 'vitest'
import { redirectUri, startRig } from '../../test/doubles/authorization/rig.ts'
import { startOAuthServer } from '../../test/peers/oauth-server.mjs'

it('people sign in at a real OpenID provider, and are the same person the next time', async () => {
  const idp = await startOAuthServer({
    accountId: 'alice',
    clients: [
      {
        client_id: 'gateway',
        client_secret: 'gateway-secret-of-the-test',
        redirect_uris: ['http://127.0.0.1/oauth/login/callback'],
        application_type: 'native',
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
  })
  const oidc = { issuer: idp.issuer, clientId: 'gateway', clientSecret: 'gateway-secret-of-the-test', scopes: ['openid'] }
  const rig = await startRig({ settings: { login: { oidc } } })
  const client = await rig.client()

  /** What a browser does at the provider: cookies and redirects, until it is sent back. */
  const through = async (address: URL): Promise<URL> => {
    const cookies = new Map<string, string>()
    let url = address
    for (let hops = 0; hops < 10 && url.origin === idp.issuer; hops += 1) {
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') } })
      for (const line of answer.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s)
        cookies.set(name, value)
      }
      const to = answer.headers.get('location')
      if (to === null) throw new Error(`The provider stopped: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
      url = new URL(to, url)
    }
    return url
  }

  const subjects: unknown[] = []
  for (let n = 0; n < 2; n += 1) {
    const browser = rig.browser()
    const query = {
      response_type: 'code',
      client_id: client,
      redirect_uri: redirectUri,
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    }
    const page = await browser.open(`/oauth/authorize?${new URLSearchParams(query)}`)
    if (page.status !== 0) {
      const href = /<a class="button main" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const back = await through((await browser.open(href)).url)
      expect(back.origin).toBe(rig.base)
      const consent = await browser.open(back)
      if (consent.status !== 0) await browser.submit(consent, { answer: 'allow' })
    }
    subjects.push((await rig.tokens(client, {}, browser)).claims.sub)
  }
  expect(new Set(subjects).size).toBe(1)
  expect(rig.bugs).toEqual([])
  await rig.close()
  await idp.close()
})
