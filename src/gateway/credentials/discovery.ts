// Who gives tokens for a protected server: its metadata (RFC 9728) names issuers, and an issuer's own metadata (RFC 8414, OpenID Connect
// Discovery) names its endpoints. All of it is what a peer wrote: held against what it was asked for, and never opened by a shell or a file.
import type { ServerMetadata } from 'openid-client'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { FetchRefused } from '../../core/ports/guarded-fetch.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type BearerChallenge, bearerChallenge } from './challenge.ts'
import { CredentialFailure } from './failure.ts'

export interface ProtectedResource {
  readonly resource: string
  readonly issuers: readonly string[]
  /** Undefined where it says none. */
  readonly scopes: readonly string[] | undefined
  /** Scopes that the server named when it refused. */
  readonly challenged: readonly string[] | undefined
  readonly dpopRequired: boolean
}

/** How long what was found is used, in ms. */
const keptMs = 600_000

interface Found<T> {
  readonly at: number
  readonly value: Promise<T>
}

export class Discovery {
  private readonly fetch: GuardedFetch
  private readonly clock: Clock
  private readonly issuers = new Map<string, Found<ServerMetadata>>()
  private readonly resources = new Map<string, Found<ProtectedResource>>()

  constructor(fetch: GuardedFetch, clock: Clock) {
    this.fetch = fetch
    this.clock = clock
  }

  /** Rejects with `CredentialFailure`. `challenge`: of the refusal that asks for it anew. */
  resource(address: string, challenge?: BearerChallenge): Promise<ProtectedResource> {
    if (challenge !== undefined) this.resources.delete(address)
    return this.kept(this.resources, address, () => this.findResource(address, challenge))
  }

  /** Rejects with `CredentialFailure`. */
  issuer(issuer: string): Promise<ServerMetadata> {
    return this.kept(this.issuers, issuer, () => this.findIssuer(issuer))
  }

  private kept<T>(all: Map<string, Found<T>>, key: string, find: () => Promise<T>): Promise<T> {
    const have = all.get(key)
    if (have !== undefined && this.clock.mono() - have.at < keptMs) return have.value
    const found = { at: this.clock.mono(), value: find() }
    all.set(key, found)
    // What failed is looked for anew by the next who asks.
    found.value.catch(() => {
      if (all.get(key) === found) all.delete(key)
    })
    return found.value
  }

  private async findResource(address: string, given: BearerChallenge | undefined): Promise<ProtectedResource> {
    const challenge = given?.resourceMetadata === undefined ? ((await this.challengeOf(address)) ?? given) : given
    const challenged = scopesIn(challenge?.scope)
    const named = challenge?.resourceMetadata
    const places = named === undefined ? wellKnown(address, 'oauth-protected-resource') : [named]
    for (const place of places) {
      const document = await this.json(place, 'The metadata of the server')
      if (document === undefined) continue
      const found = protectedResource(document, address)
      return { ...found, challenged, dpopRequired: found.dpopRequired || challenge?.scheme === 'dpop' }
    }
    // Before RFC 9728 the server's own origin was its issuer (MCP 2025-03-26).
    return { resource: address, issuers: [new URL(address).origin], scopes: undefined, challenged, dpopRequired: false }
  }

  /** What the server says to a request without a credential. */
  private async challengeOf(address: string): Promise<BearerChallenge | undefined> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    try {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'ping' })
      const answer = await this.fetch(address, { method: 'POST', headers, body })
      await answer.body?.cancel()
      return answer.status === 401 ? bearerChallenge(answer.headers.get('www-authenticate')) : undefined
    } catch {
      // That it cannot be reached shows where it is called.
      return undefined
    }
  }

  private async findIssuer(issuer: string): Promise<ServerMetadata> {
    if (webAddress(issuer) === undefined)
      throw new CredentialFailure('refused', 'the issuer that the server names is no address of the web')
    const { pathname } = new URL(issuer)
    const root = pathname === '/' || pathname === ''
    const places = [
      ...wellKnown(issuer, 'oauth-authorization-server').slice(0, 1),
      ...wellKnown(issuer, 'openid-configuration').slice(0, 1),
    ]
    if (!root) places.push(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    for (const place of places) {
      const document = await this.json(place, 'The metadata of the issuer')
      if (document !== undefined) return serverMetadata(document, issuer)
    }
    throw new CredentialFailure('refused', `the issuer ${issuer} publishes no metadata`)
  }

  /** Undefined where there is none at this address. */
  private async json(address: string, what: string): Promise<Record<string, unknown> | undefined> {
    const url = webAddress(address)
    if (url === undefined) throw new CredentialFailure('refused', `${what} is not at an address of the web`)
    let answer: Response
    try {
      answer = await this.fetch(url, { headers: { accept: 'application/json' } })
    } catch (error) {
      if (error instanceof FetchRefused) throw new CredentialFailure('refused', `${what} may not be fetched: ${error.message}`)
      throw new CredentialFailure('unavailable', `${what} cannot be fetched from ${url.origin}`)
    }
    if (answer.status >= 500 || answer.status === 429) {
      await answer.body?.cancel()
      throw new CredentialFailure('unavailable', `${what} cannot be fetched: ${url.origin} answered with HTTP ${answer.status}`)
    }
    if (answer.status !== 200) {
      await answer.body?.cancel()
      return undefined
    }
    const document: unknown = await answer.json().catch(() => undefined)
    // Servers that answer every path with a page have no metadata there.
    return isObject(document) ? document : undefined
  }
}

/** RFC 8414 §3.1, RFC 9728 §3.1: between host and path; then, for metadata of resources, at the root. */
function wellKnown(address: string, name: string): string[] {
  const { origin, pathname } = new URL(address)
  const path = pathname.replace(/\/$/, '')
  return [...new Set([`${origin}/.well-known/${name}${path}`, `${origin}/.well-known/${name}`])]
}

function protectedResource(document: Record<string, unknown>, address: string): Omit<ProtectedResource, 'challenged'> {
  const { resource } = document
  if (typeof resource !== 'string' || !isResourceOf(resource, address)) {
    throw new CredentialFailure('refused', `the metadata of ${new URL(address).host} is of another resource`)
  }
  const issuers = texts(document.authorization_servers) ?? []
  if (issuers.length === 0) throw new CredentialFailure('refused', `the metadata of ${new URL(address).host} names no authorization server`)
  return {
    resource,
    issuers,
    scopes: texts(document.scopes_supported),
    dpopRequired: document.dpop_bound_access_tokens_required === true,
  }
}

/** Its own address, or a path above it at the same origin. */
function isResourceOf(resource: string, address: string): boolean {
  const own = webAddress(resource)
  if (own === undefined || own.hash !== '') return false
  const server = new URL(address)
  const path = own.pathname.replace(/\/$/, '')
  return own.origin === server.origin && (server.pathname === path || server.pathname.startsWith(`${path}/`))
}

/** RFC 8414 §3.3: the issuer is the very text that it was asked for, or the document is another's. */
function serverMetadata(document: Record<string, unknown>, issuer: string): ServerMetadata {
  if (document.issuer !== issuer) throw new CredentialFailure('refused', `the metadata of the issuer ${issuer} is of another issuer`)
  for (const name of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'revocation_endpoint'] as const) {
    const address = document[name]
    if (address === undefined) continue
    if (typeof address !== 'string' || webAddress(address) === undefined || isDowngraded(address, issuer)) {
      throw new CredentialFailure('refused', `the metadata of the issuer ${issuer} names no address of the web as ${name}`)
    }
  }
  if (typeof document.token_endpoint !== 'string') throw new CredentialFailure('refused', `the issuer ${issuer} has no token endpoint`)
  return document as unknown as ServerMetadata
}

/** Clear text beyond this machine, where the issuer itself is not spoken to in it. */
function isDowngraded(address: string, issuer: string): boolean {
  const { protocol, hostname, origin } = new URL(address)
  if (protocol === 'https:' || origin === new URL(issuer).origin) return false
  return !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** http or https without a user in it; nothing that a browser or a shell would run. */
export function webAddress(text: string): URL | undefined {
  if (text.length > 2_048 || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '' ? url : undefined
}

export function scopesIn(text: string | undefined): readonly string[] | undefined {
  const scopes = text?.split(' ').filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
  return scopes === undefined || scopes.length === 0 ? undefined : scopes
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one !== '') : undefined
}
