// Signs a person in at a gateway as any client of MCP does (MCP 2026-07-28 §authorization): metadata of the resource, metadata of its
// authorization server, registration, code with PKCE in the browser, tokens. And renews what was got so.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { FetchRefused } from '../../core/ports/guarded-fetch.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { createGuardedFetch } from '../../platform/net/guarded-fetch.ts'
import { bareHost, isLoopback } from '../../platform/net/loopback.ts'
import { ClientProblem } from './client.ts'
import type { KeptToken } from './tokens.ts'

/** The library is loaded where somebody signs in. */
const library = () => import('openid-client')

type Fetch = ReturnType<typeof createGuardedFetch>

export interface SignIn {
  readonly url: string
  /** A client that is registered already, where the server registers none by itself. */
  readonly clientId?: string | undefined
  readonly scope?: string | undefined
  /** Shows the person where to go. */
  readonly show: (address: string) => void
  readonly signal: AbortSignal
}

/** Rejects with `ClientProblem`. */
export async function signIn({ url, clientId, scope, show, signal }: SignIn): Promise<KeptToken> {
  const fetching = fetchFor(url)
  const answer = await listenForAnswer()
  try {
    const { issuer, resource, scopes } = await protectionOf(fetching, url)
    const { randomPKCECodeVerifier, randomState, calculatePKCECodeChallenge, buildAuthorizationUrl, authorizationCodeGrant } =
      await library()
    const config = await configurationOf(fetching, issuer, clientId ?? '', clientId === undefined ? answer.redirectUri : undefined)
    const verifier = randomPKCECodeVerifier()
    const state = randomState()
    const wanted = scope ?? scopes.join(' ')
    const to = buildAuthorizationUrl(config, {
      redirect_uri: answer.redirectUri,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      resource,
      ...(wanted === '' ? {} : { scope: wanted }),
    })
    if (!/^https?:$/.test(to.protocol)) throw new ClientProblem(`${issuer} names no web page to sign in at`)
    show(to.href)
    const came = await answer.next(signal)
    const tokens = await authorizationCodeGrant(config, came, { pkceCodeVerifier: verifier, expectedState: state }, { resource })
    return keptOf(tokens, { issuer, resource, clientId: config.clientMetadata().client_id })
  } catch (error) {
    throw problemOf(error)
  } finally {
    await answer.close()
    await fetching.close()
  }
}

/** Rejects with `ClientProblem`, also where there is nothing to renew it with. */
export async function renew(url: string, kept: KeptToken): Promise<KeptToken> {
  const { refreshToken, issuer, clientId, resource } = kept
  if (refreshToken === undefined) throw new ClientProblem('the sign-in has ended')
  const fetching = fetchFor(url)
  try {
    const { refreshTokenGrant } = await library()
    const tokens = await refreshTokenGrant(await configurationOf(fetching, issuer, clientId, undefined), refreshToken, { resource })
    return { ...keptOf(tokens, kept), refreshToken: tokens.refresh_token ?? refreshToken }
  } catch (error) {
    throw problemOf(error)
  } finally {
    await fetching.close()
  }
}

/** Of a gateway on this machine what it names may be here too. */
function fetchFor(url: string): Fetch {
  return createGuardedFetch({ trusted: [url], loopback: isLoopback(bareHost(new URL(url).hostname)) })
}

interface Protection {
  readonly issuer: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** RFC 9728: by the challenge of the gateway, else at the well-known address. */
async function protectionOf({ fetch: ask }: Fetch, url: string): Promise<Protection> {
  const refused = await ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: '{}',
  })
  await refused.body?.cancel()
  if (refused.status !== 401) throw new ClientProblem(`${url} asks nobody to sign in (HTTP ${refused.status})`)
  const named = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '')?.[1]
  const { origin, pathname } = new URL(url)
  const answer = await ask(named ?? `${origin}/.well-known/oauth-protected-resource${pathname}`)
  const metadata: unknown = answer.status === 200 ? await answer.json() : undefined
  const servers = isObject(metadata) && Array.isArray(metadata.authorization_servers) ? metadata.authorization_servers : []
  const [issuer] = servers
  if (!isObject(metadata) || typeof issuer !== 'string' || typeof metadata.resource !== 'string') {
    throw new ClientProblem(`${url} does not say where to sign in; give a token with --token`)
  }
  // Anything else would send the token of another resource here, or of this one elsewhere.
  if (metadata.resource.replace(/\/$/, '') !== url.replace(/\/$/, '')) {
    throw new ClientProblem(`${url} says that it is ${metadata.resource}; use that address`)
  }
  const scopes = Array.isArray(metadata.scopes_supported)
    ? metadata.scopes_supported.filter((one): one is string => typeof one === 'string')
    : []
  return { issuer, resource: metadata.resource, scopes }
}

/** `redirectUri`: registers a client for it. */
async function configurationOf(
  { fetch }: Fetch,
  issuer: string,
  clientId: string,
  redirectUri: string | undefined,
): Promise<Configuration> {
  const { allowInsecureRequests, customFetch, discovery, dynamicClientRegistration, None } = await library()
  const here = new URL(issuer).protocol === 'http:' ? [allowInsecureRequests] : []
  const metadata = {
    client_name: 'Signalbox command line',
    redirect_uris: [redirectUri ?? ''],
    token_endpoint_auth_method: 'none' as const,
  }
  const native = { ...metadata, application_type: 'native', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
  for (const algorithm of ['oauth2', 'oidc'] as const) {
    const options = { algorithm, execute: here, [customFetch]: fetch as never }
    try {
      return redirectUri === undefined
        ? await discovery(new URL(issuer), clientId, undefined, None(), options)
        : await dynamicClientRegistration(new URL(issuer), native, None(), options)
    } catch (error) {
      // Its metadata may stand at the other address alone.
      if (algorithm === 'oidc') throw error
    }
  }
  throw new ClientProblem(`${issuer} has no metadata`)
}

function keptOf(
  tokens: TokenEndpointResponse & TokenEndpointResponseHelpers,
  of: Pick<KeptToken, 'issuer' | 'resource' | 'clientId'>,
): KeptToken {
  const { access_token: accessToken, refresh_token: refreshToken } = tokens
  const seconds = tokens.expiresIn()
  return {
    accessToken,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(seconds === undefined ? {} : { expiresAt: systemClock.now() + seconds * 1_000 }),
    issuer: of.issuer,
    resource: of.resource,
    clientId: of.clientId,
  }
}

interface Answer {
  readonly redirectUri: string
  /** The address at which the browser came back. */
  next(signal: AbortSignal): Promise<URL>
  close(): Promise<void>
}

/** On loopback, for one answer (RFC 8252 §7.3). */
async function listenForAnswer(): Promise<Answer> {
  let came: (url: URL) => void = () => undefined
  const first = new Promise<URL>((resolve) => {
    came = resolve
  })
  const server: Server = createServer((req, res) => {
    const url = URL.canParse(req.url ?? '/', redirectUri) ? new URL(req.url ?? '/', redirectUri) : undefined
    if (url === undefined || req.method !== 'GET' || url.pathname !== '/callback') return void res.writeHead(404).end()
    res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end('Signed in. You can close this page.\n')
    came(url)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
  return {
    redirectUri,
    next: (signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ClientProblem('cancelled')), { once: true })
        void first.then(resolve)
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Messages of the library may hold what the server said; its error code is for people. */
function problemOf(error: unknown): ClientProblem {
  if (error instanceof ClientProblem) return error
  if (error instanceof Error && error.cause instanceof FetchRefused) return new ClientProblem(`the sign-in failed: ${error.cause.message}`)
  const { error: code, message } = error as { readonly error?: unknown; readonly message?: unknown }
  return new ClientProblem(`the sign-in failed: ${typeof code === 'string' ? code : String(message)}`)
}
