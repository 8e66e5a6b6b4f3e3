// The one place that knows how oidc-provider is set up: what is on, how long things live, whom it asks. It is made anew when the signing keys
// or the issuer change; all that it must remember is in the store.
import type { Context, Provider } from 'oidc-provider/lib/provider.js'
import type { Random } from '../core/ports/clock.ts'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import type { Log } from '../core/ports/report.ts'
import type { SigningKey } from '../core/ports/signing-keys.ts'
import { isObject } from '../core/protocol/is-object.ts'
import type { Accounts } from './accounts.ts'
import { createAdapter } from './adapter.ts'
import { normalizeMetadata } from './client-metadata.ts'
import type { RegisteredClients } from './clients.ts'
import { type Consents, redirectHost } from './consents.ts'
import type { Journal } from './journal.ts'
import type { Library } from './library.ts'
import { addressOf, type Limits } from './limits.ts'
import type { AuthorizationObjects } from './objects.ts'
import { showError } from './pages/errors.ts'
import { isSignIn, oidcScopes, type Resources } from './resources.ts'

export interface ProviderParts {
  readonly library: Library
  readonly issuer: string
  /** The one that signs first. */
  readonly keys: readonly [SigningKey, ...SigningKey[]]
  readonly cookieKey: string
  /** 32 bytes that all gateways of one store have, where proofs need a nonce. */
  readonly nonceSecret: Buffer | undefined
  readonly fetch: GuardedFetch
  readonly log: Log
  readonly objects: AuthorizationObjects
  readonly clients: RegisteredClients
  readonly accounts: Accounts
  readonly consents: Consents
  readonly resources: Resources
  readonly limits: Limits
  readonly journal: Journal
  readonly dynamicRegistration: boolean
  readonly random: Random
  /** Whether identity assertions of other issuers are taken. */
  readonly assertions: boolean
}

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** In seconds. What is signed cannot be called back, so it lives shortly. */
export const lifetimes = {
  AccessToken: 300,
  AuthorizationCode: 60,
  ClientCredentials: 300,
  Grant: 30 * 24 * 3_600,
  IdToken: 300,
  Interaction: 900,
  RefreshToken: 30 * 24 * 3_600,
  Session: 12 * 3_600,
} as const

export const routes = {
  authorization: '/oauth/authorize',
  jwks: '/oauth/jwks',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  token: '/oauth/token',
  end_session: '/oauth/logout',
} as const

/** Names of cookies: where the connection is encrypted a browser then takes them from this host alone. */
export function cookieNames(issuer: string): Record<'session' | 'interaction' | 'resume' | 'form', string> {
  const [host, secure] = issuer.startsWith('https:') ? ['__Host-', '__Secure-'] : ['', '']
  return {
    session: `${host}signalbox_session`,
    // These two are of one sign-in, and so of its path.
    interaction: `${secure}signalbox_interaction`,
    resume: `${secure}signalbox_resume`,
    form: `${host}signalbox_form`,
  }
}

export function createProvider(parts: ProviderParts): Provider {
  const { library, issuer, keys, accounts, resources, journal, nonceSecret } = parts
  const secure = issuer.startsWith('https:')
  const { session, interaction, resume } = cookieNames(issuer)
  const cookies = { httpOnly: true, sameSite: 'lax', secure, signed: true }

  const provider: Provider = new library.Provider(issuer, {
    adapter: createAdapter({
      ...parts,
      reused: (model) => journal.note({ about: 'token', allowed: false, rule: 'reuse', reason: `A ${model} was used twice at one moment` }),
    }),
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) },
    enabledJWA: { idTokenSigningAlgValues: [keys[0].alg], clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    cookies: { keys: [parts.cookieKey], names: { session, interaction, resume }, long: cookies, short: cookies },
    routes,
    ttl: lifetimes,
    scopes: oidcScopes,
    responseTypes: ['code'],
    claims: { openid: ['sub'] },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: keys[0].alg,
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
    pkce: { required: () => true },
    // A client that may refresh gets the means to, whatever scope it asked for: those of older revisions do not know of `offline_access`.
    issueRefreshToken: (_ctx: Context, client: { grantTypeAllowed(type: string): boolean }) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    rotateRefreshToken: () => true,
    // Clients of browsers prove themselves as others do, and no cookie counts at these addresses.
    clientBasedCORS: () => true,
    discovery: {
      ...(parts.assertions ? { authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] } : {}),
    },
    interactions: {
      url: (_ctx: Context, { uid }: { uid: string }) => `${new URL(issuer).pathname.replace(/\/+$/, '')}/oauth/interaction/${uid}`,
    },
    findAccount: async (_ctx: Context, subject: string) => {
      const account = await accounts.find(subject)
      return account === undefined ? undefined : { accountId: account.subject, claims: () => ({ sub: account.subject }) }
    },
    extraTokenClaims: async (_ctx: Context, { accountId }: { accountId?: string }) =>
      accountId === undefined ? undefined : { groups: (await accounts.find(accountId))?.groups ?? [] },
    loadExistingGrant: (ctx: Context) => grantOf(provider, ctx, parts),
    renderError: (ctx: Context, out: Record<string, unknown>) => {
      ctx.type = 'text/html'
      ctx.body = showError(ctx.res, out, new URL(issuer).pathname.replace(/\/+$/, ''))
    },
    fetch: (url: string | URL, init: RequestInit) => fetchDocument(parts, url, init),
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true, ...(nonceSecret === undefined ? {} : { nonceSecret, requireNonce: () => true }) },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      registration: { enabled: parts.dynamicRegistration, issueRegistrationAccessToken: false, idFactory: () => newClientId(parts.random) },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx: Context, client: { clientId: string }, token: { clientId?: string }) => client.clientId === token.clientId,
      },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        allowFetch: async (ctx: Context) => (await parts.limits.wait('document', addressOf(ctx.req.socket.remoteAddress))) === 0,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: ({ oidc }: Context, _client: unknown, several: readonly string[] | undefined) =>
          several?.[0] ?? (isSignIn(scopesIn(oidc.params.scope)) ? undefined : resources.fallback),
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx: Context, sent: string) => {
          const resource = resources.canonical(sent)
          if (resource === undefined) throw new library.errors.InvalidTarget('the resource is none of this gateway')
          return resourceServer(resource, resources, keys[0])
        },
      },
    },
  })
  provider.proxy = true
  watch(provider, parts)
  return provider
}

export function resourceServer(resource: string, resources: Resources, { alg, kid }: SigningKey) {
  return {
    scope: resources.scopes(resource).join(' '),
    audience: resource,
    accessTokenTTL: lifetimes.AccessToken,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg, kid } },
  }
}

/** Each authorization has a grant of its own: a refresh token that was stolen takes down what came of it, and nothing else. */
async function grantOf(provider: Provider, ctx: Context, { consents, resources }: ProviderParts) {
  const fresh = ctx.oidc.result?.consent?.grantId
  if (fresh !== undefined) return provider.Grant.find(fresh)
  const { client, account, params } = ctx.oidc
  const { redirect_uri: uri, resource, scope } = params
  if (account === undefined || typeof uri !== 'string' || typeof resource === 'object') return undefined
  const given = await consents.find({
    subject: account.accountId,
    clientId: client.clientId,
    redirectHost: redirectHost(uri),
    resource: resource ?? '',
  })
  const known = resource === undefined ? [] : resources.scopes(resource)
  const asked = scopesIn(scope).filter((one) => oidcScopes.includes(one) || known.includes(one))
  if (given === undefined || !asked.every((one) => given.has(one))) return undefined
  return newGrant(provider, account.accountId, client.clientId, resource, asked)
}

/** `resource`: undefined of a sign-in alone. */
export async function newGrant(
  provider: Provider,
  accountId: string,
  clientId: string,
  resource: string | undefined,
  scopes: readonly string[],
) {
  const grant = new provider.Grant({ accountId, clientId })
  const oidc = scopes.filter((scope) => oidcScopes.includes(scope))
  if (oidc.length > 0) grant.addOIDCScope(oidc.join(' '))
  if (resource !== undefined) grant.addResourceScope(resource, scopes.filter((scope) => !oidcScopes.includes(scope)).join(' '))
  await grant.save()
  return grant
}

function scopesIn(scope: unknown): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ') : []
}

/** What clients name may lead anywhere: only the guarded fetch goes there. */
async function fetchDocument(
  { fetch: guarded, log }: ProviderParts,
  url: string | URL,
  { method, headers, signal }: RequestInit,
): Promise<Response> {
  const answer = await guarded(url, {
    ...(method === undefined ? {} : { method }),
    ...(headers === undefined ? {} : { headers }),
    ...(signal ? { signal } : {}),
  })
  if (answer.status !== 200) return answer
  const text = await answer.text()
  const kept = ['cache-control', 'expires'].flatMap((name) => {
    const value = answer.headers.get(name)
    return value === null ? [] : [[name, value] as [string, string]]
  })
  const document = parsed(text)
  if (!isObject(document) || document.client_id !== String(url)) return new Response(text, { headers: kept })
  const checked = normalizeMetadata(document)
  if ('metadata' in checked) return new Response(text.length > documentBytes ? text : JSON.stringify(checked.metadata), { headers: kept })
  log('info', 'The metadata document of a client was refused', { client: String(url), reason: checked.refused })
  return new Response(null, { status: 422 })
}

/** The most that a metadata document may have, in bytes; beyond it the library refuses it. */
const documentBytes = 5_120

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Who got what, and why somebody did not. The answers to clients say less. */
function watch(provider: Provider, { journal, clients, log, library }: ProviderParts): void {
  const detail = (error: Error): string =>
    error instanceof library.errors.OIDCProviderError ? (error.error_detail ?? error.error_description ?? error.error) : error.name
  const failed = (about: 'token' | 'consent') => (ctx: Context, error: Error) => {
    const { client, entities } = ctx.oidc
    const token = entities.RefreshToken ?? entities.AuthorizationCode
    const reason = detail(error)
    const rule = /already (used|consumed)|used twice/.test(reason)
      ? 'reuse'
      : error instanceof library.errors.OIDCProviderError
        ? error.error
        : 'error'
    journal.note({ about, allowed: false, rule, reason, clientId: client?.clientId, subject: token?.accountId, credential: token?.grantId })
  }
  provider.on('grant.error', failed('token'))
  provider.on('authorization.error', failed('consent'))
  provider.on('registration_create.error', (_ctx: Context, error: Error) =>
    log('info', 'A client was not registered', { reason: detail(error) }),
  )
  provider.on('grant.success', (ctx: Context) => {
    const { client, account, entities } = ctx.oidc
    const { AccessToken: token } = entities
    journal.note({
      about: 'token',
      allowed: true,
      rule: token?.gty ?? 'grant',
      clientId: client.clientId,
      subject: account?.accountId ?? token?.accountId,
      scopes: token?.scope,
      credential: token?.jti,
    })
    clients.used(client.clientId).catch((error: unknown) => log('warn', 'The use of a client was not kept', { error: String(error) }))
  })
  provider.on('grant.revoked', (ctx: Context, grantId: string) => {
    const { client, entities } = ctx.oidc
    const token = entities.RefreshToken ?? entities.AuthorizationCode
    journal.note({
      about: 'grant',
      allowed: false,
      rule: 'revoked',
      clientId: client?.clientId,
      subject: token?.accountId,
      credential: grantId,
    })
  })
  provider.on('server_error', (_ctx: Context, error: Error) =>
    log('error', 'The authorization server failed', { error: error.stack ?? String(error) }),
  )
  provider.on('error', (error: Error) => log('error', 'The authorization server failed', { error: error.stack ?? String(error) }))
}

/** The first character is a letter, since operators name clients on a command line, where a dash begins an option. */
function newClientId(random: Random): string {
  return `c${Buffer.from(random.bytes(16)).toString('base64url')}`
}
