// docs/oauth.md and examples/oauth-provider: a real authorization server beside the gateway, and a real client that finds it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { InvalidTarget } from 'oidc-provider/lib/helpers/errors.js'
import { afterEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { type Closers, statusOf } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import { type OAuthServerOptions, client as ownClient, startOAuthServer } from '../peers/oauth-server.mjs'
import { send } from '../peers/raw.ts'
import { promise } from '../promises/promise.ts'
import { blockOf, folderFor, readPage, replaced, startExample } from './example.ts'
import { connectAs, finish, Person, toolsOf } from './sdk-client.ts'

const page = readPage('docs/oauth.md')
const config = readPage('examples/oauth-provider/signalbox.yaml')

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startProvider(options: OAuthServerOptions = {}) {
  const idp = await startOAuthServer({ scopes: ['notes:read', 'notes:write'], ...options })
  closers.push(idp.close)
  return idp
}

interface Setting {
  readonly issuer: string
  /** In place of `auth` of the example. */
  readonly block?: string
  readonly port?: number
}

/** The example, with the addresses and folders of this machine. */
async function startWith({ issuer, block, port }: Setting) {
  const at = port ?? (await freePort())
  const base = `http://127.0.0.1:${at}`
  const folder = folderFor(closers)
  const text = replaced(config, {
    'https://id.example.com': issuer,
    'https://mcp.example.com': base,
    '/var/lib/signalbox': join(folder, 'state'),
  })
  if (block === undefined) return { base, gateway: await startExample(closers, text, { listen: { host: '127.0.0.1', port: at } }) }
  for (const [, name = ''] of block.matchAll(/\$\{file:\/etc\/signalbox\/([\w-]+)\}/g))
    writeFileSync(join(folder, name), ownClient.secret, { mode: 0o600 })
  const { auth } = parse(
    block
      .replaceAll('https://id.example.com', issuer)
      .replaceAll('/etc/signalbox', folder)
      .replace(/\bsignalbox\b(?=[,\n])/, ownClient.id),
  )
  return { base, gateway: await startExample(closers, stringify({ ...parse(text), auth }), { listen: { host: '127.0.0.1', port: at } }) }
}

const write = { name: 'create_entities', arguments: { entities: [{ name: 'canary', entityType: 'bird', observations: [] }] } }
const known = {
  client_id: 'desktop',
  redirect_uris: ['http://127.0.0.1/callback'],
  application_type: 'native',
  token_endpoint_auth_method: 'none',
}
const reads = ['open_nodes', 'read_graph', 'search_nodes']

test('what the page shows is in the example', () => {
  expect(parse(blockOf(page, 'With a provider that you have', 'yaml')).auth).toEqual(parse(config).auth)
})

promise(
  ['R30', 'R13', 'R32'],
  'a client finds the authorization server of the team, registers there, and uses what groups and scopes grant',
  async () => {
    const idp = await startProvider({ claims: { groups: ['support'] } })
    const { base } = await startWith({ issuer: idp.issuer })
    const person = new Person()
    const client = await connectAs(person, `${base}/mcp/memory`)
    closers.push(() => client.close())
    // The first challenge asks for what reading needs, and the token is for this one address.
    expect(idp.requests).toContain('POST /reg')
    expect(person.asked.map((address) => address.searchParams.get('scope'))).toEqual(['notes:read'])
    expect(decodeJwt(person.current?.access_token ?? '')).toMatchObject({ aud: `${base}/mcp/memory`, scope: 'notes:read' })
    expect(await statusOf({ base }, person.current?.access_token ?? '', '/memory')).toBe(200)
    expect(await statusOf({ base }, person.current?.access_token ?? '')).toBe(401)
    expect(await toolsOf(client)).toEqual(expect.arrayContaining(['create_entities', ...reads]))
    expect((await client.callTool({ name: 'read_graph', arguments: {} })).isError).not.toBe(true)
  },
  60_000,
)

promise(
  ['R30', 'R32', 'R27'],
  'the first write of a client that is known there asks its person for more, once, and is made',
  async () => {
    const idp = await startProvider({ claims: { groups: ['support'] }, clients: [known] })
    const { base } = await startWith({ issuer: idp.issuer })
    const person = new Person()
    person.saveClientInformation({ client_id: known.client_id, issuer: idp.issuer })
    const client = await connectAs(person, `${base}/mcp/memory`)
    closers.push(() => client.close())
    expect((await client.callTool({ name: 'read_graph', arguments: {} })).isError).not.toBe(true)
    await expect(client.callTool(write)).rejects.toThrow()
    expect(person.asked).toHaveLength(2)
    expect(person.asked[1]?.searchParams.get('scope')?.split(' ')).toContain('notes:write')
    await finish(client, person)
    expect((await client.callTool(write)).isError).not.toBe(true)
    expect(person.asked).toHaveLength(2)
  },
  60_000,
)

promise(['R30', 'R32'], 'a person of another group sees no tool', async () => {
  const idp = await startProvider({ claims: { groups: ['sales'] } })
  const { base } = await startWith({ issuer: idp.issuer })
  const client = await connectAs(new Person(), `${base}/mcp/memory`)
  closers.push(() => client.close())
  expect(await toolsOf(client)).toEqual([])
  expect((await client.callTool({ name: 'read_graph', arguments: {} })).isError).toBe(true)
})

promise(['R30'], 'opaque tokens are shown to the provider, as the page says', async () => {
  const idp = await startProvider({ format: 'opaque', claims: { groups: ['support'] } })
  const { base, gateway } = await startWith({ issuer: idp.issuer, block: blockOf(page, 'Tokens that say nothing by themselves', 'yaml') })
  const token = await idp.token({ resource: `${base}/mcp` })
  expect(token).not.toContain('.')
  expect(await statusOf(gateway, token)).toBe(200)
  expect(await statusOf(gateway, `${token}x`)).toBe(401)
  expect(idp.requests).toContain('POST /token/introspection')
})

promise(['R30'], 'without a provider the gateway is one itself, as the page says', async () => {
  const { base } = await startWith({ issuer: 'https://id.example.com', block: blockOf(page, 'Without a provider', 'yaml') })
  const metadata = JSON.parse((await send(`${base}/.well-known/oauth-authorization-server`, 'GET', undefined)).text)
  expect(metadata).toMatchObject({ issuer: base, registration_endpoint: `${base}/oauth/register` })
  const { status, headers } = await send(`${base}/mcp`, 'POST', '{}')
  expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining(`${base}/.well-known/oauth-protected-resource/mcp`)])
})

promise(
  ['R30', 'R32'],
  'a provider that registers nobody and refuses `resource` lets its people in by the authorization server of the gateway',
  async () => {
    const port = await freePort()
    const callback = `http://127.0.0.1:${port}/oauth/login/callback`
    const idp = await startProvider({
      features: { registration: { enabled: false }, resourceIndicators: { enabled: true, getResourceServerInfo: refuse } },
      configuration: { claims: { openid: ['sub', 'groups'] }, findAccount: accountOf(['support']), conformIdTokenClaims: false },
      clients: [
        {
          client_id: 'gateway',
          client_secret: ownClient.secret,
          redirect_uris: [callback],
          application_type: 'native',
          token_endpoint_auth_method: 'client_secret_post',
        },
        known,
      ],
    })
    const block = blockOf(page, 'With a provider whose clients cannot register', 'yaml')
    const { base } = await startWith({ issuer: idp.issuer, block: block.replace('clientId: signalbox', 'clientId: gateway'), port })
    const person = new Person(async (browser, shown) => {
      const there = /<a class="button main" href="([^"]+)"/.exec(shown.text)?.[1]
      return there === undefined ? browser.submit(shown, { answer: 'allow' }) : browser.open(new URL(there, shown.url).href)
    })
    const client = await connectAs(person, `${base}/mcp/memory`)
    closers.push(() => client.close())
    expect(await toolsOf(client)).toEqual(expect.arrayContaining(reads))
    expect((await client.callTool({ name: 'read_graph', arguments: {} })).isError).not.toBe(true)
    // Not without it: neither a client that would register there, nor one that is known.
    const direct = await startWith({ issuer: idp.issuer })
    await expect(connectAs(new Person(), `${direct.base}/mcp/memory`)).rejects.toThrow(/regist/i)
    const other = new Person()
    other.saveClientInformation({ client_id: known.client_id, issuer: idp.issuer })
    await expect(connectAs(other, `${direct.base}/mcp/memory`)).rejects.toThrow(/invalid_target|the resource is not known/)
  },
  60_000,
)

function refuse(): never {
  throw new InvalidTarget('the resource is not known')
}

const accountOf = (groups: readonly string[]) => (_ctx: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, groups }) })
