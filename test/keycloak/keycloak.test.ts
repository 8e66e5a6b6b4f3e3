// examples/keycloak with a real Keycloak: its realm, its sign-in page, its tokens. `npm run keycloak` brings one.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { blockAfter, folderFor, readPage, replaced, startExample } from '../examples/example.ts'
import { keycloakToken } from '../examples/recorded-tokens.ts'
import { connectAs, finish, Person, toolsOf } from '../examples/sdk-client.ts'
import { type Closers, statusOf } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import { promise } from '../promises/promise.ts'
import { keycloakHome, startKeycloak } from './keycloak.ts'

if (keycloakHome === undefined) process.stdout.write('Not tried: Keycloak. `npm run keycloak` brings one and tries it.\n')

describe.skipIf(keycloakHome === undefined)('Keycloak', () => {
  const closers: Closers = []
  let issuer = ''
  let base = ''
  let federatedPort = 0

  beforeAll(async () => {
    const port = await freePort()
    base = `http://127.0.0.1:${port}`
    federatedPort = await freePort()
    const realm = replaced(readPage('examples/keycloak/realm.json'), {
      'https://mcp.example.com/oauth/login/callback': `http://127.0.0.1:${federatedPort}/oauth/login/callback`,
      'https://mcp.example.com': base,
    })
    issuer = await startKeycloak(closers, realm)
    await startExample(closers, configured(base), { listen: { host: '127.0.0.1', port } })
  }, 600_000)
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }, 60_000)

  const configured = (publicUrl: string, change: Record<string, string> = {}): string =>
    replaced(readPage('examples/keycloak/signalbox.yaml'), {
      'https://id.example.com/realms/team': issuer,
      'https://mcp.example.com': publicUrl,
      '/var/lib/signalbox': join(folderFor(closers), 'state'),
      ...change,
    })

  /** Somebody of the realm at its sign-in page, with a client that the realm knows. */
  const personOf = (username: string, clientId = 'mcp-client'): Person => {
    const person = new Person((browser, page) => browser.submit(page, { username, password: `${username}-of-the-example` }))
    person.saveClientInformation({ client_id: clientId, issuer })
    return person
  }

  promise(
    ['R30', 'R32', 'R13'],
    'signs people in, whose groups decide what they may use; a write asks for more scopes',
    async () => {
      const alice = personOf('alice')
      const client = await connectAs(alice, `${base}/mcp`)
      expect(alice.asked[0]?.searchParams.get('resource')).toBe(`${base}/mcp`)
      expect(alice.asked[0]?.searchParams.get('code_challenge_method')).toBe('S256')
      expect(await toolsOf(client)).toContain('memory__create_entities')
      expect((await client.callTool({ name: 'memory__read_graph', arguments: {} })).isError).not.toBe(true)
      const write = { name: 'memory__create_entities', arguments: { entities: [{ name: 'x', entityType: 'y', observations: [] }] } }
      await expect(client.callTool(write)).rejects.toThrow()
      await finish(client, alice)
      expect((await client.callTool(write)).isError).not.toBe(true)
      expect(decodeJwt(alice.current?.access_token ?? '')).toMatchObject({ aud: `${base}/mcp`, groups: ['support'] })
      await client.close()
      const bob = await connectAs(personOf('bob'), `${base}/mcp`)
      expect(await toolsOf(bob)).toEqual([])
      expect((await bob.callTool({ name: 'memory__read_graph', arguments: {} })).isError).toBe(true)
      await bob.close()
    },
    120_000,
  )

  promise(
    ['R32'],
    'and its tokens are of the recorded shape, refused without `requireTyp: false` and without the audience',
    async () => {
      const alice = personOf('alice')
      await (await connectAs(alice, `${base}/mcp`)).close()
      const token = alice.current?.access_token ?? ''
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: keycloakToken.header.alg, typ: keycloakToken.header.typ })
      const claims = decodeJwt(token)
      expect(Object.keys(claims).sort()).toEqual(Object.keys(keycloakToken.claims).sort())
      expect(claims).toMatchObject({ typ: keycloakToken.claims.typ, azp: keycloakToken.claims.azp, groups: keycloakToken.claims.groups })
      expect(await statusOf({ base }, token)).toBe(200)
      const strict = await startExample(closers, configured(base, { 'requireTyp: false': 'requireTyp: true' }))
      expect(await statusOf(strict, token)).toBe(401)
      const other = personOf('alice', 'other-client')
      await expect(connectAs(other, `${base}/mcp`)).rejects.toThrow()
      expect(decodeJwt(other.current?.access_token ?? '').aud).toBeUndefined()
      expect(await statusOf({ base }, other.current?.access_token ?? '')).toBe(401)
    },
    120_000,
  )

  promise(
    ['R30', 'R32'],
    'signs in people whose clients it does not know, by the authorization server of the gateway, with the settings of the page',
    async () => {
      const at = `http://127.0.0.1:${federatedPort}`
      const secretFile = join(folderFor(closers), 'client-secret')
      writeFileSync(secretFile, 'secret-of-the-example', { mode: 0o600 })
      const block = blockAfter(readPage('docs/identity-providers.md'), 'Clients that the realm does not know')
      const { auth } = parse(replaced(block, { 'https://id.example.com/realms/team': issuer, '/etc/signalbox/client-secret': secretFile }))
      const text = stringify({ ...parse(configured(at)), auth })
      await startExample(closers, text, { listen: { host: '127.0.0.1', port: federatedPort } })
      const signIn = (username: string) =>
        new Person((browser, page) => {
          const there = /<a class="button main" href="([^"]+)"/.exec(page.text)?.[1]
          if (there !== undefined) return browser.open(new URL(there, page.url).href)
          const fields = page.url.href.startsWith(issuer) ? { username, password: `${username}-of-the-example` } : { answer: 'allow' }
          return browser.submit(page, fields)
        })
      const alice = await connectAs(signIn('alice'), `${at}/mcp`)
      expect((await alice.callTool({ name: 'memory__read_graph', arguments: {} })).isError).not.toBe(true)
      await alice.close()
      const bob = await connectAs(signIn('bob'), `${at}/mcp`)
      expect(await toolsOf(bob)).toEqual([])
      await bob.close()
    },
    120_000,
  )

  promise(['R32'], 'and it registers nobody by itself: its policy refuses', async () => {
    const answer = await fetch(`${issuer}/clients-registrations/openid-connect`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'] }),
    })
    expect(answer.status).toBe(403)
    await expect(connectAs(new Person(), `${base}/mcp`)).rejects.toThrow(/regist|Trusted Hosts|scope/i)
  })
})
