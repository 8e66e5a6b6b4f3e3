// Who gives tokens for a protected server: its metadata (RFC 9728) names issuers, and an issuer's own metadata name its endpoints. All of it is
// what a peer wrote: held against what it was asked for, and never opened by a shell or a file.
import type { ServerMetadata } from 'openid-client'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { FetchRefused } from '../../core/ports/guarded-fetch.ts'
import { type IssuerMetadata, type Issuers, MetadataFailure } from '../../core/ports/issuers.ts'
import { type BearerChallenge, bearerChallenge, scopesIn } from '../../core/protocol/bearer-challenge.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { webAddress } from '../../core/text/web-address.ts'
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

/** How long what a server said is used, in ms. */
const keptMs = 600_000

interface Found {
  readonly at: number
  readonly value: Promise<ProtectedResource>
}

export class Discovery {
  private readonly fetch: GuardedFetch
  private readonly issuers: Issuers
  private readonly clock: Clock
  private readonly resources = new Map<string, Found>()

  constructor(fetch: GuardedFetch, issuers: Issuers, clock: Clock) {
    this.fetch = fetch
    this.issuers = issuers
    this.clock = clock
  }

  /** Rejects with `CredentialFailure`. `address`: of a server of the configuration. `challenge`: of the refusal that asks for it anew. */
  resource(address: string, challenge?: BearerChallenge): Promise<ProtectedResource> {
    const have = this.resources.get(address)
    if (challenge === undefined && have !== undefined && this.clock.mono() - have.at < keptMs) return have.value
    const found = { at: this.clock.mono(), value: this.findResource(address, challenge) }
    this.resources.set(address, found)
    // What failed is looked for anew by the next who asks.
    found.value.catch(() => {
      if (this.resources.get(address) === found) this.resources.delete(address)
    })
    return found.value
  }

  /** Rejects with `CredentialFailure`. */
  async issuer(issuer: string): Promise<ServerMetadata> {
    try {
      return serverMetadata(await this.issuers.metadata(issuer))
    } catch (error) {
      throw error instanceof MetadataFailure ? new CredentialFailure(error.kind, error.message) : error
    }
  }

  private async findResource(address: string, given: BearerChallenge | undefined): Promise<ProtectedResource> {
    const challenge = given?.resourceMetadata === undefined ? ((await this.challengeOf(address)) ?? given) : given
    const challenged = scopesIn(challenge?.scope)
    const named = challenge?.resourceMetadata
    const places = named === undefined ? wellKnown(address) : [named]
    for (const place of places) {
      const document = await this.json(place)
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

  /** Undefined where there is none at this address. */
  private async json(address: string): Promise<Record<string, unknown> | undefined> {
    const what = 'The metadata of the server'
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

/** RFC 9728 §3.1: between host and path; then at the root. */
function wellKnown(address: string): string[] {
  const { origin, pathname } = new URL(address)
  const path = pathname.replace(/\/$/, '')
  const name = '/.well-known/oauth-protected-resource'
  return [...new Set([`${origin}${name}${path}`, `${origin}${name}`])]
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

/** What credentials and their users are sent to has to be an address of the web. */
function serverMetadata(document: IssuerMetadata): ServerMetadata {
  const { issuer } = document
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

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string' && one !== '') : undefined
}
