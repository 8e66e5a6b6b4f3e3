// docs/identity-providers.md: tokens of the shape that each provider issues are taken with the settings of the page, as they stand, and refused
// without any one of them.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type IssuerPlace, startIssuer, type TestIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, list, statusOf } from '../peers/admitting.ts'
import type { UnderTest } from '../peers/gateway.ts'
import { plainTool, type Scripted, startScripted } from '../peers/scripted.ts'
import { promise } from '../promises/promise.ts'
import { blockAfter, blockOf, readPage } from './example.ts'
import {
  auth0Opaque,
  auth0Token,
  entraIdToken,
  entraToken,
  entraTokenV1,
  keycloakToken,
  oktaToken,
  type RecordedToken,
} from './recorded-tokens.ts'

const page = readPage('docs/identity-providers.md')
const closers: Closers = []
let notes: Scripted
beforeAll(async () => {
  notes = await startScripted({ tools: [plainTool('read')] })
})
afterAll(() => notes.close())
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface IssuerEntry {
  issuer: string
  audience?: string
  claims?: Record<string, string>
  requireTyp?: boolean
}
interface Documented {
  auth: { issuers: IssuerEntry[]; maxTokenLifetime?: string }
  access: unknown
}

/** The settings of the page. */
const documented = (heading: string): Documented => parse(blockOf(page, heading, 'yaml'))

interface Setting {
  readonly idp: TestIssuer
  /** A gateway with these settings, in the production profile. */
  start(change?: (entry: IssuerEntry, auth: Documented['auth']) => void): Promise<UnderTest>
  token(recorded: RecordedToken, change?: Record<string, unknown>, lifetimeS?: number): Promise<string>
}

/** An issuer that publishes where this one does, and the settings with its origin in place of the provider's. */
async function setting(settings: Documented): Promise<Setting> {
  const [entry] = settings.auth.issuers
  const { origin, pathname, href } = new URL(entry?.issuer ?? '')
  const path = href.slice(origin.length)
  const place: IssuerPlace = { path, metadata: `${pathname.replace(/\/$/, '')}/.well-known/openid-configuration` }
  const idp = await startIssuer('RS256', place)
  closers.push(idp.close)
  return {
    idp,
    start: (change = () => undefined) => {
      const { auth, access } = structuredClone(settings)
      for (const one of auth.issuers) {
        one.issuer = idp.issuer
        change(one, auth)
      }
      return admitting(closers, auth, { profile: 'production', access, servers: { notes: { url: notes.url, era: 'legacy' } } })
    },
    token: ({ header, claims, lifetimeS: usual }, change = {}, lifetimeS = usual) => {
      const exp = Math.floor(Date.now() / 1_000) + 300
      const iat = exp - lifetimeS
      const none = { sub: undefined, client_id: undefined, jti: undefined }
      const own = { ...claims, iss: `${new URL(idp.issuer).origin}${claims.iss}`, iat, exp, ...('nbf' in claims ? { nbf: iat } : {}) }
      return idp.sign({ ...none, ...own, ...change }, { typ: undefined, ...header })
    },
  }
}

const toolsOf = async (at: UnderTest, token: string): Promise<string[]> =>
  ((await list(at, { authorization: `Bearer ${token}` })).message?.result?.tools ?? []).map(({ name }: { name: string }) => name)

const cases: [string, () => Documented, RecordedToken, number, [string, (entry: IssuerEntry, auth: Documented['auth']) => void][]][] = [
  ['Keycloak', () => documented('Keycloak'), keycloakToken, 300, [['requireTyp', (entry) => delete entry.requireTyp]]],
  [
    'Entra ID',
    () => documented('Entra ID'),
    entraToken,
    5_700,
    [
      ['requireTyp', (entry) => delete entry.requireTyp],
      ['audience', (entry) => delete entry.audience],
      ['maxTokenLifetime', (_entry, auth) => delete auth.maxTokenLifetime],
    ],
  ],
  [
    'Entra ID, version 1',
    () => parse(blockAfter(page, 'tokens are of version 1')),
    entraTokenV1,
    5_700,
    [
      ['requireTyp', (entry) => delete entry.requireTyp],
      ['audience', (entry) => delete entry.audience],
      ['maxTokenLifetime', (_entry, auth) => delete auth.maxTokenLifetime],
    ],
  ],
  [
    'Okta',
    () => documented('Okta'),
    oktaToken,
    3_600,
    [
      ['requireTyp', (entry) => delete entry.requireTyp],
      ['audience', (entry) => delete entry.audience],
    ],
  ],
  ['Auth0', () => documented('Auth0'), auth0Token, 3_600, [['requireTyp', (entry) => delete entry.requireTyp]]],
]

describe.each(cases)('%s', (_name, settings, recorded, lifetimeS, needed) => {
  promise(['R32'], 'its tokens are taken with the settings of the page, and its groups and scopes grant', async () => {
    const { idp, start, token } = await setting(settings())
    const at = await start()
    expect(await toolsOf(at, await token(recorded, {}, lifetimeS))).toEqual(['notes__read'])
    expect(idp.fetches()).toBe(1)
    expect(await statusOf(at, await token(recorded, { aud: 'https://another.example' }, lifetimeS))).toBe(401)
    expect(await statusOf(at, await token(recorded, { aud: undefined }, lifetimeS))).toBe(401)
    expect(await statusOf(at, await token(recorded, { iss: 'https://another.example' }, lifetimeS))).toBe(401)
  })

  test.each(needed)('but not without `%s`', async (_key, change) => {
    const { start, token } = await setting(settings())
    expect(await statusOf(await start(change), await token(recorded, {}, lifetimeS))).toBe(401)
  })
})

describe('Keycloak', () => {
  test('the roles of the realm can be the groups', async () => {
    const { start, token } = await setting(documented('Keycloak'))
    const at = await start((entry) => {
      entry.claims = { groups: 'realm_access.roles' }
    })
    const made = await token(keycloakToken, { groups: undefined, realm_access: { roles: ['support'] } })
    expect(await toolsOf(at, made)).toEqual(['notes__read'])
    expect(await toolsOf(at, await token(keycloakToken))).toEqual([])
  })

  test('its ID tokens and refresh tokens are none, though they are for us', async () => {
    const { start, token } = await setting(documented('Keycloak'))
    const at = await start()
    for (const typ of ['ID', 'Refresh', 'Offline', 'Logout'])
      expect([typ, await statusOf(at, await token(keycloakToken, { typ }))]).toEqual([typ, 401])
  })
})

describe('Entra ID', () => {
  test('an ID token is no access token, though its audience is the application and it has roles and no nonce', async () => {
    const { start, token } = await setting(documented('Entra ID'))
    expect(await statusOf(await start(), await token(entraIdToken))).toBe(401)
  })

  test('roles are groups only where the settings say so, and too many groups are none', async () => {
    const { start, token } = await setting(documented('Entra ID'))
    const plain = await start((entry) => delete entry.claims)
    expect(await toolsOf(plain, await token(entraToken))).toEqual([])
    const overage = { roles: undefined, _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } }
    expect(await toolsOf(plain, await token(entraToken, overage))).toEqual([])
    expect(await toolsOf(plain, await token(entraToken, { groups: ['support'] }))).toEqual(['notes__read'])
  })

  test('tokens of version 1 are refused with the settings of version 2', async () => {
    const { start, token } = await setting(documented('Entra ID'))
    expect(await statusOf(await start(), await token(entraTokenV1))).toBe(401)
  })
})

describe('Okta', () => {
  test('a server whose audience is the gateway needs no `audience`; tokens of the org server are refused', async () => {
    const { idp, start, token } = await setting(documented('Okta'))
    const at = await start((entry) => delete entry.audience)
    expect(await toolsOf(at, await token(oktaToken, { aud: 'https://mcp.example.com/mcp' }))).toEqual(['notes__read'])
    const { origin } = new URL(idp.issuer)
    expect(await statusOf(await start(), await token(oktaToken, { iss: origin, aud: origin }))).toBe(401)
  })
})

describe('Auth0', () => {
  test('a lifetime of a day is refused in production, and so is the token of a client that names no audience', async () => {
    const { start, token } = await setting(documented('Auth0'))
    const at = await start()
    expect(await statusOf(at, await token(auth0Token))).toBe(401)
    expect(await statusOf(at, auth0Opaque)).toBe(401)
  })

  test('groups are in a claim with a namespace, permissions can be scopes, and the RFC 9068 profile needs no exception', async () => {
    const { start, token } = await setting(documented('Auth0'))
    expect(await toolsOf(await start((entry) => delete entry.claims), await token(auth0Token, {}, 3_600))).toEqual([])
    const byPermissions = await start((entry) => {
      entry.claims = { ...entry.claims, scopes: 'permissions' }
    })
    expect(await toolsOf(byPermissions, await token(auth0Token, { permissions: ['notes:read'], scope: 'openid' }, 3_600))).toEqual([
      'notes__read',
    ])
    const strict = await start((entry) => delete entry.requireTyp)
    const profile = { ...auth0Token, header: { alg: 'RS256', typ: 'at+jwt' } }
    expect(await toolsOf(strict, await token(profile, { client_id: 'my_client_id', jti: 'x' }, 3_600))).toEqual(['notes__read'])
  })
})
