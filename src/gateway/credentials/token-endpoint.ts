// The token endpoint of one issuer, as one client of it: how the client shows who it is, and what becomes of an answer. Errors of a peer
// become `CredentialFailure`, in words of our own.
import { type CryptoKey, generateKeyPair } from 'jose'
import type { ClientAuth, Configuration, ServerMetadata, TokenEndpointResponse } from 'openid-client'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { scopesIn } from '../../core/protocol/bearer-challenge.ts'
import { withKnownForms } from './answer-forms.ts'
import { asFailure, CredentialFailure, type FailureKind } from './failure.ts'
import type { TokenSet } from './token-set.ts'

export type ClientAuthMethod = 'basic' | 'post' | 'none' | 'privateKeyJwt'

/** A key to sign assertions with. */
export interface AssertionKey {
  readonly key: CryptoKey
  readonly kid: string | undefined
}

export interface ClientIdentity {
  readonly clientId: string
  readonly secret: string | undefined
  /** Undefined: what the metadata of the issuer allows. */
  readonly method: ClientAuthMethod | undefined
  readonly assertionAudience: 'issuer' | 'tokenEndpoint'
  /** Asked for where the method needs it. */
  assertionKey(): Promise<AssertionKey>
}

/** The library is loaded with the first token that is asked for. */
const library = () => import('openid-client')

/** Shorter than a lease of a grant, in seconds: who holds one is done before another takes over. */
const timeoutSec = 8

export interface EndpointParts {
  readonly metadata: ServerMetadata
  readonly identity: ClientIdentity
  readonly fetch: GuardedFetch
  readonly clock: Clock
}

export type Parameters = Readonly<Record<string, string>>

export class TokenEndpoint {
  private readonly parts: EndpointParts
  private config: Configuration | undefined

  constructor(parts: EndpointParts) {
    this.parts = parts
  }

  get issuer(): string {
    return this.parts.metadata.issuer
  }

  /** A grant of any type. Rejects with `CredentialFailure`. `boundTo`: the key to bind the token to, made where `bind` wants one. */
  async grant(type: string, parameters: Parameters, bind = false): Promise<TokenSet> {
    return this.ask(bind, undefined, undefined, async (client, config, options) =>
      client.genericGrantRequest(config, type, parameters, options),
    )
  }

  /** The refresh token stays where the answer brings no new one (RFC 6749 §6). */
  refresh(before: TokenSet, parameters: Parameters): Promise<TokenSet> {
    return this.ask(before.boundTo !== undefined, before.boundTo, before, async (client, config, options) =>
      client.refreshTokenGrant(config, before.refresh ?? '', parameters, options),
    )
  }

  /** `answer`: the redirect as it came, at the very redirect URI. Holds `state` and `iss` (RFC 9207) against what was recorded. */
  code(
    answer: URL,
    checks: { readonly verifier: string; readonly state: string },
    parameters: Parameters,
    bind = false,
  ): Promise<TokenSet> {
    const expected = { pkceCodeVerifier: checks.verifier, expectedState: checks.state }
    return this.ask(bind, undefined, undefined, async (client, config, options) =>
      client.authorizationCodeGrant(config, answer, expected, parameters, options),
    )
  }

  /** RFC 7009. Rejects with `CredentialFailure`. */
  async revoke(token: string, hint: 'refresh_token' | 'access_token'): Promise<void> {
    try {
      const { client, config } = await this.ready()
      await client.tokenRevocation(config, token, { token_type_hint: hint })
    } catch (error) {
      throw failureOf(error, this.issuer)
    }
  }

  private async ask(
    bind: boolean,
    boundTo: TokenSet['boundTo'],
    before: TokenSet | undefined,
    request: (
      client: typeof import('openid-client'),
      config: Configuration,
      options: { DPoP?: ReturnType<typeof import('openid-client').getDPoPHandle> },
    ) => Promise<TokenEndpointResponse>,
  ): Promise<TokenSet> {
    const { clock } = this.parts
    const askedAt = clock.now()
    try {
      const { client, config } = await this.ready()
      const pair = bind ? await proofKey(boundTo) : undefined
      const options = pair === undefined ? {} : { DPoP: client.getDPoPHandle(config, pair.pair) }
      const answer = await request(client, config, options)
      return {
        access: answer.access_token,
        refresh: answer.refresh_token ?? before?.refresh,
        // What was on its way is not valid for longer.
        expiresAt: answer.expires_in === undefined ? undefined : askedAt + answer.expires_in * 1_000,
        issuedAt: askedAt,
        scopes: scopesIn(answer.scope) ?? before?.scopes,
        boundTo: pair !== undefined && answer.token_type === 'dpop' ? pair.jwk : undefined,
      }
    } catch (error) {
      throw failureOf(error, this.issuer)
    }
  }

  private async ready(): Promise<{ readonly client: typeof import('openid-client'); readonly config: Configuration }> {
    const client = await library()
    if (this.config !== undefined) return { client, config: this.config }
    const { metadata, identity } = this.parts
    const config = new client.Configuration(metadata, identity.clientId, {}, await authentication(client, metadata, identity))
    config.timeout = timeoutSec
    config[client.customFetch] = withKnownForms(this.parts.fetch) as never
    // What may be asked in clear text is decided by the fetch.
    client.allowInsecureRequests(config)
    // The key of the gateway changes with time.
    if (methodOf(metadata, identity) !== 'privateKeyJwt') this.config = config
    return { client, config }
  }
}

async function authentication(
  client: typeof import('openid-client'),
  metadata: ServerMetadata,
  identity: ClientIdentity,
): Promise<ClientAuth> {
  switch (methodOf(metadata, identity)) {
    case 'basic':
      return basic(identity.clientId, identity.secret ?? '')
    case 'post':
      return client.ClientSecretPost(identity.secret)
    case 'none':
      return client.None()
    case 'privateKeyJwt': {
      const { key, kid } = await identity.assertionKey()
      const audience = identity.assertionAudience === 'tokenEndpoint' ? metadata.token_endpoint : metadata.issuer
      const change = (_header: Record<string, unknown>, payload: Record<string, unknown>): void => {
        payload.aud = audience
      }
      return client.PrivateKeyJwt(kid === undefined ? key : { key, kid }, { [client.modifyAssertion]: change as never })
    }
  }
}

/** RFC 6749 §2.3.1 with the encoding of forms, which leaves `-`, `.` and `_` as they are: issuers that do not decode take most secrets so. */
function basic(clientId: string, secret: string): ClientAuth {
  const form = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
  const value = Buffer.from(`${form(clientId)}:${form(secret)}`).toString('base64')
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${value}`)
}

/** RFC 8414 §2: an issuer that names no methods takes `client_secret_basic`. */
function methodOf(metadata: ServerMetadata, { secret, method }: ClientIdentity): ClientAuthMethod {
  if (method !== undefined) return method
  if (secret === undefined) return 'none'
  const known = metadata.token_endpoint_auth_methods_supported
  return known === undefined || known.includes('client_secret_basic') || !known.includes('client_secret_post') ? 'basic' : 'post'
}

interface ProofKey {
  readonly pair: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }
  readonly jwk: Readonly<Record<string, unknown>>
}

async function proofKey(jwk: TokenSet['boundTo']): Promise<ProofKey> {
  const { subtle } = globalThis.crypto
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  if (jwk === undefined) {
    const made = await generateKeyPair('ES256', { extractable: true })
    return { pair: made, jwk: { ...(await subtle.exportKey('jwk', made.privateKey)) } }
  }
  const { d: _, key_ops: __, ...publicPart } = jwk
  const privateKey = await subtle.importKey('jwk', { ...jwk, key_ops: ['sign'] }, algorithm, false, ['sign'])
  const publicKey = await subtle.importKey('jwk', { ...publicPart, key_ops: ['verify'] }, algorithm, true, ['verify'])
  return { pair: { privateKey, publicKey }, jwk }
}

/** Codes of OAuth that say "later". */
const passing = new Set(['temporarily_unavailable', 'server_error', 'slow_down', 'rate_limited', 'ratelimited'])

function failureOf(error: unknown, issuer: string): CredentialFailure {
  if (error instanceof CredentialFailure) return error
  const { error: code, status, cause } = error as { readonly error?: unknown; readonly status?: unknown; readonly cause?: unknown }
  const http = typeof status === 'number' ? status : (cause as { readonly status?: unknown } | undefined)?.status
  const host = new URL(issuer).host
  if (typeof code === 'string' && /^[a-z_]{3,40}$/.test(code)) {
    const later = passing.has(code) || (typeof http === 'number' && http >= 500)
    return new CredentialFailure(later ? 'unavailable' : kindOf(code), `${host} answered ${code}`)
  }
  if (typeof http === 'number' && http >= 400) {
    const refused = http < 500 && http !== 408 && http !== 429
    return new CredentialFailure(refused ? 'refused' : 'unavailable', `${host} answered with HTTP ${http}`)
  }
  return asFailure(error, `a request to ${host}`)
}

function kindOf(code: string): FailureKind {
  return code === 'invalid_grant' || code === 'interaction_required' || code === 'login_required' || code === 'consent_required'
    ? 'consent'
    : 'refused'
}
