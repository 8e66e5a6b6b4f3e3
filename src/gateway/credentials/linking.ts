// Links an account of a user at a server (authorization code with PKCE): makes the link, sends the browser to the issuer once its user has
// approved, and takes the issuer's answer. Pages and cookies are the door's; who the browser's user is, it has found out.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import { webAddress } from '../../core/text/web-address.ts'
import type { Begun, ConnectRequest, ConnectRequests } from './connect-requests.ts'
import { hashOf } from './connect-requests.ts'
import { CredentialFailure } from './failure.ts'
import type { Grant, GrantKey, Grants } from './grants.ts'
import type { UpstreamAuth } from './settings.ts'
import { endpointAt, type SourceParts } from './sources.ts'
import { Targets } from './target.ts'

export interface LinkableServer {
  readonly address: string
  readonly auth: UpstreamAuth
}

export interface LinkingParts {
  readonly requests: ConnectRequests
  readonly grants: Grants
  readonly sources: Omit<SourceParts, 'server'>
  /** Undefined where the server is not served, or nobody links accounts at it. */
  serverOf(name: string): LinkableServer | undefined
  readonly clock: Clock
  readonly random: Random
  readonly publicUrl: () => string
  /** A grant was given. */
  readonly given: (key: GrantKey, scopes: GivenScopes) => void
  /** Another grant is in its place for good: its issuer has not heard of that. */
  readonly replaced: (before: Grant) => void
}

export interface GivenScopes {
  readonly given: readonly string[]
  /** Asked for in vain. */
  readonly refused: readonly string[]
}

/** What a page shows before its user approves. */
export interface Approval {
  readonly server: string
  readonly issuer: string
  readonly resource: string
  readonly scopes: readonly string[]
}

/** Scopes that say how a token is given and not what it may do: many issuers leave them out of what they say of it. */
const unsaid: ReadonlySet<string> = new Set(['offline_access', 'openid'])

/** A link is handed out again for so long, in ms, to the same user. */
const sameLinkMs = 120_000

export class Linking {
  private readonly parts: LinkingParts
  private readonly links = new LRUCache<TenantKey, { readonly id: string; readonly at: number; readonly scopes: string }>({ max: 10_000 })

  constructor(parts: LinkingParts) {
    this.parts = parts
  }

  async link(server: string, principal: Principal, scopes: readonly string[]): Promise<string> {
    const { clock, requests } = this.parts
    const { tenant, iss, sub } = principal
    const key = tenantKey(tenant, principalKey(principal), server)
    const known = this.links.get(key)
    const wanted = scopes.join(' ')
    if (known !== undefined && known.scopes === wanted && clock.mono() - known.at < sameLinkMs) return this.urlOf(known.id)
    const id = await requests.create({ tenant, server, iss, sub, scopes })
    this.links.set(key, { id, at: clock.mono(), scopes: wanted })
    return this.urlOf(id)
  }

  private urlOf(id: string): string {
    return `${this.parts.publicUrl()}/connect/${id}`
  }

  find(id: string): Promise<ConnectRequest | undefined> {
    return this.parts.requests.find(id)
  }

  /** Rejects with `CredentialFailure`. */
  async approval(request: ConnectRequest): Promise<Approval> {
    const { issuer, resource, scopes } = await this.target(request)
    return { server: request.server, issuer, resource, scopes: scopes ?? [] }
  }

  /** Where the browser goes; undefined where the link was used meanwhile. `browser`: what only this browser can show again. */
  async begin(request: ConnectRequest, browser: string): Promise<URL | undefined> {
    const { sources, requests, random } = this.parts
    const { auth } = this.server(request.server)
    const target = await this.target(request)
    const metadata = await sources.discovery.issuer(target.issuer)
    const { authorization_endpoint: endpoint, code_challenge_methods_supported: methods } = metadata
    if (endpoint === undefined || webAddress(endpoint) === undefined)
      throw new CredentialFailure('refused', `${target.issuer} has no page to sign in at`)
    if (methods?.includes('S256') !== true) throw new CredentialFailure('refused', `${target.issuer} does not support PKCE with S256`)
    // Where the issuer gives lasting grants for a scope alone, it is asked for it.
    const lasting = metadata.scopes_supported?.includes('offline_access') === true ? ['offline_access'] : []
    const scopes = [...new Set([...(await this.scopesBefore(request, target.issuer)), ...(target.scopes ?? []), ...lasting])]
    const identity = await sources.clients.at(request.server, metadata, auth, scopes)
    const secret = (): string => Buffer.from(random.bytes(32)).toString('base64url')
    const begun: Begun = {
      issuer: target.issuer,
      resource: target.resource,
      clientId: identity.clientId,
      verifier: secret(),
      state: secret(),
      scopes,
      bind: target.bind,
      browserHash: hashOf(browser),
    }
    if (!(await requests.begin(request, begun))) return undefined
    this.links.clear()
    const url = new URL(endpoint)
    const own = {
      response_type: 'code',
      client_id: begun.clientId,
      redirect_uri: sources.clients.redirectUrl,
      state: begun.state,
      code_challenge: createHash('sha256').update(begun.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: begun.resource,
      ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    }
    for (const [name, value] of Object.entries({ ...auth.parameters, ...own })) url.searchParams.set(name, value)
    return url
  }

  /** The issuer's answer: gives the grant to whose request it was. Rejects with `CredentialFailure`; nothing of the answer is shown. */
  async finish(query: URLSearchParams, browser: string | undefined): Promise<ConnectRequest> {
    const { requests, sources, grants, given } = this.parts
    const taken = await requests.take(query.get('state') ?? '')
    if (taken === undefined)
      throw new CredentialFailure('refused', 'this answer belongs to no request that waits: it was used, or took too long')
    const { request, begun } = taken
    if (browser === undefined || hashOf(browser) !== begun.browserHash) {
      throw new CredentialFailure('refused', 'the answer came to another browser than the one that asked')
    }
    const { auth } = this.server(request.server)
    const identity = await sources.clients.known(request.server, begun.issuer, auth, begun.clientId)
    const endpoint = await endpointAt({ ...sources, server: request.server }, begun.issuer, identity)
    const answer = new URL(`${sources.clients.redirectUrl}?${query}`)
    const token = await endpoint.code(answer, { verifier: begun.verifier, state: begun.state }, { resource: begun.resource }, begun.bind)
    const { tenant, server, iss, sub } = request
    const key: GrantKey = { tenant, server, iss, sub, issuer: begun.issuer, resource: begun.resource }
    const scopes = token.scopes ?? begun.scopes
    const before = await grants.find({ tenant, server, iss, sub })
    await grants.given(key, { token: { ...token, scopes }, clientId: begun.clientId, scopes: begun.scopes })
    if (before !== undefined && isAnother(before, key, begun.clientId)) {
      if (!sameKey(before.key, key)) await grants.ended(before.key, replacedReason)
      if (before.token !== undefined) this.parts.replaced(before)
    }
    given(key, { given: scopes, refused: begun.scopes.filter((scope) => !scopes.includes(scope) && !unsaid.has(scope)) })
    return request
  }

  /** Where a server asks for more, what was asked for before is asked for again: issuers give what a request names, and no more. */
  private async scopesBefore({ tenant, server, iss, sub, scopes }: ConnectRequest, issuer: string): Promise<readonly string[]> {
    if (scopes.length === 0) return []
    const before = await this.parts.grants.find({ tenant, server, iss, sub })
    return before?.key.issuer === issuer ? before.scopes : []
  }

  private async target({ server, scopes }: ConnectRequest) {
    const { address, auth } = this.server(server)
    const found = await new Targets(this.parts.sources.discovery, address, auth).find()
    return { ...found, scopes: scopes.length === 0 ? found.scopes : [...new Set([...(found.scopes ?? []), ...scopes])] }
  }

  private server(name: string): LinkableServer {
    const found = this.parts.serverOf(name)
    if (found === undefined) throw new CredentialFailure('refused', 'the server is served no longer')
    return found
  }
}

/** Why a grant is over whose server went to another issuer, or at whose issuer the gateway is another client. */
export const replacedReason = 'another grant is in its place'

function sameKey(a: GrantKey, b: GrantKey): boolean {
  return a.issuer === b.issuer && a.resource === b.resource
}

/**
 * Of the same client at the same issuer the grant before is not taken back: for many issuers both are one grant, and what ends the tokens of
 * the one ends those of the other.
 */
function isAnother({ key, clientId }: Grant, now: GrantKey, client: string): boolean {
  return key.issuer !== now.issuer || clientId !== client
}
