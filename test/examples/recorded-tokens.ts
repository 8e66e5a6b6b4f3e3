// Access tokens as identity providers issue them, claim by claim: Keycloak's as a real one does (test/keycloak compares), those of Entra ID, Okta
// and Auth0 by what they publish of theirs. Times, names and the issuer's host are a test's; `iss` is the path below it.

export interface RecordedToken {
  readonly header: Readonly<Record<string, unknown>>
  /** `iss` is the path of the issuer; `exp` and `iat` come from the lifetime. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly lifetimeS: number
}

const unknownTimes = { exp: 0, iat: 0 }

export const keycloakToken = {
  header: { alg: 'RS256', typ: 'JWT' },
  claims: {
    ...unknownTimes,
    jti: 'onrtac:92abd8ba-95da-be74-a7f3-4559cf8bc69f',
    iss: '/realms/team',
    aud: 'https://mcp.example.com/mcp',
    sub: '9a23f0e7-d4f1-48dc-b58c-ddf56ac04d0a',
    typ: 'Bearer',
    azp: 'mcp-client',
    sid: 'a_UPDoXNhDZ5RlP7JCxvAoGb',
    scope: 'notes:read',
    groups: ['support'],
  },
  lifetimeS: 300,
} satisfies RecordedToken

const tenant = 'aaaabbbb-0000-cccc-1111-dddd2222eeee'
const api = '00001111-aaaa-2222-bbbb-3333cccc4444'

export const entraToken = {
  header: { alg: 'RS256', typ: 'JWT' },
  claims: {
    ...unknownTimes,
    aud: api,
    iss: `/${tenant}/v2.0`,
    nbf: 0,
    aio: 'AXQAi/8IAAAAZQ==',
    azp: '11112222-bbbb-3333-cccc-4444dddd5555',
    azpacr: '0',
    name: 'Alice Adams',
    oid: '22223333-cccc-4444-dddd-5555eeee6666',
    preferred_username: 'alice@example.com',
    rh: '0.AXkAuN',
    roles: ['support'],
    scp: 'notes.read',
    sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
    tid: tenant,
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
  // Between 60 and 90 minutes, and `iat` is five minutes back.
  lifetimeS: 5_700,
} satisfies RecordedToken

/** Of an API whose manifest does not say `requestedAccessTokenVersion: 2`. */
export const entraTokenV1 = {
  header: { alg: 'RS256', typ: 'JWT' },
  claims: {
    ...unknownTimes,
    aud: `api://${api}`,
    iss: `/${tenant}/`,
    nbf: 0,
    acr: '1',
    aio: 'AXQAi/8IAAAAZQ==',
    amr: ['pwd'],
    appid: '11112222-bbbb-3333-cccc-4444dddd5555',
    appidacr: '0',
    name: 'Alice Adams',
    oid: '22223333-cccc-4444-dddd-5555eeee6666',
    rh: '0.AXkAuN',
    roles: ['support'],
    scp: 'notes.read',
    sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
    tid: tenant,
    unique_name: 'alice@example.com',
    upn: 'alice@example.com',
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '1.0',
  },
  lifetimeS: 5_700,
} satisfies RecordedToken

/** Of the application that is the API as well, as its sign-in without a nonce gives it. */
export const entraIdToken = {
  header: { alg: 'RS256', typ: 'JWT' },
  claims: {
    ...unknownTimes,
    aud: api,
    iss: `/${tenant}/v2.0`,
    nbf: 0,
    name: 'Alice Adams',
    oid: '22223333-cccc-4444-dddd-5555eeee6666',
    preferred_username: 'alice@example.com',
    rh: '0.AXkAuN',
    roles: ['support'],
    sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
    tid: tenant,
    uti: 'fqiBqXLPj0eQa82S-IYFAA',
    ver: '2.0',
  },
  lifetimeS: 3_600,
} satisfies RecordedToken

/** Of a custom authorization server. There is no `typ`. */
export const oktaToken = {
  header: { alg: 'RS256' },
  claims: {
    ...unknownTimes,
    ver: 1,
    jti: 'AT.MNAoEQ_jbKqoinrQo1D0XKjMX28U5d7ZszBceot7',
    iss: '/oauth2/default',
    aud: 'api://default',
    cid: '0oa1b2c3d4e5f6g7h8i9',
    uid: '00u1b2c3d4e5f6g7h8i9',
    scp: ['openid', 'notes:read'],
    auth_time: 1_795_966_419,
    sub: 'alice@example.com',
    groups: ['Everyone', 'support'],
  },
  lifetimeS: 3_600,
} satisfies RecordedToken

export const auth0Token = {
  header: { alg: 'RS256', typ: 'JWT' },
  claims: {
    ...unknownTimes,
    'https://mcp.example.com/groups': ['support'],
    iss: '/',
    sub: 'auth0|507f1f77bcf86cd799439020',
    aud: ['https://mcp.example.com/mcp', 'https://example.eu.auth0.com/userinfo'],
    scope: 'openid notes:read',
    azp: 'my_client_id',
  },
  // What an API has where nobody changed it.
  lifetimeS: 86_400,
} satisfies RecordedToken

/** What a client gets that names no audience: encrypted, for Auth0 itself. */
export const auth0Opaque =
  'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiaXNzIjoiaHR0cHM6Ly9leGFtcGxlLmV1LmF1dGgwLmNvbS8ifQ..8FDxIHeFZHPvrJhT.Zm9v.YmFyYmFyYmFyYmFy'
