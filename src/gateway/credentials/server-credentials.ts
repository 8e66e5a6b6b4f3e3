// The credentials of one server, by its `auth`: one for all callers, or one for each, and one for what the gateway asks by itself.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { anonymous, type Principal, principalKey, samePrincipal } from '../../core/call/principal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { CredentialLease, Credentials, Issued, Leased } from '../../core/ports/credentials.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Issuers } from '../../core/ports/issuers.ts'
import type { Report } from '../../core/ports/report.ts'
import { lackedScopes } from '../../core/protocol/bearer-challenge.ts'
import { lackingScopes, noCredential, type SignInAgain, signInNeeded } from './caller-faults.ts'
import { callerHeaders } from './caller-headers.ts'
import type { Clients } from './clients.ts'
import { type CloudKind, cloudIdentity } from './cloud.ts'
import type { Discovery } from './discovery.ts'
import { proofOf } from './dpop.ts'
import { asFailure, CredentialFailure } from './failure.ts'
import type { Grant, GrantKey, Grants } from './grants.ts'
import { type Carried, Keeper, type ScopeChange, type TokenSource } from './keeper.ts'
import { memoryGrants } from './memory-grants.ts'
import { logScopes, tellRenewal } from './renewal-reports.ts'
import type { DiscoveryAuth, UpstreamAuth } from './settings.ts'
import { exchangeSource, idJagSource, refreshSource, type SourceParts, serviceSource } from './sources.ts'
import { type Replaceable, ReplaceableSecret, userSecret } from './static.ts'
import { carrier, Targets, withHeaders } from './target.ts'
import type { TokenSet } from './token-set.ts'

export interface CredentialsParts {
  readonly grants: Grants
  readonly clients: Clients
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly clock: Clock
  readonly random: Random
  readonly decisions: Decisions
  readonly report: Report
  readonly issued: Issued
  /** A link at which this user links an account of the server; rejects where none can be made. */
  link(server: string, principal: Principal, scopes: readonly string[]): Promise<string>
  /** Told where what fills a catalogue has come, or may do more or less than before: its server is worth another look at once. */
  readonly discoverable: (server: string) => void
  /** Told where the credential of a caller may do more or less than before: what its sessions see of the server may have changed. */
  readonly rescoped: (server: string, principal: Principal) => void
  readText(file: string): Promise<string>
  /** A grant is used no more, which its issuer does not know. */
  readonly abandoned: (grant: Grant, because: string) => void
  /** A file that is read anew when it changes. */
  replaceable(file: string): Replaceable
}

export interface ServerOfCredentials {
  readonly id: string
  /** Where it is called, the first of several. */
  readonly address: string
  /** `headers` of its configuration. */
  readonly headers: Readonly<Record<string, string>>
  readonly auth: UpstreamAuth
  /** Longest silence of a call in ms. */
  readonly callMs: number
}

/** Users whose tokens are at hand, for each server. */
const mostUsers = 10_000

/** A token that is kept by a keeper. */
interface KeptToken {
  readonly key: GrantKey
  readonly source: TokenSource
  readonly id: string
  /** Where it is kept; absent: in the store. */
  readonly grants?: Grants
  /** Whose it is; absent: the gateway's. */
  readonly principal?: () => Principal
  readonly lacks?: (scopes: readonly string[], found: Fault) => Promise<Fault>
  readonly targets?: Pick<Targets, 'refused'>
  /** Absent: as a bearer token, or with a proof. */
  readonly carry?: ((token: TokenSet) => Carried) | undefined
  /** What of it opens something; absent: the tokens. */
  readonly secretsOf?: ((token: TokenSet) => readonly string[]) | undefined
}

/** What carries a lease of one caller: the keeper of a token, or a value. */
interface Kept {
  current(): CredentialLease | Promise<CredentialLease | CredentialFailure> | CredentialFailure
  readonly keeper: Keeper | undefined
}

export class ServerCredentials implements Credentials {
  private readonly parts: CredentialsParts
  private readonly server: ServerOfCredentials
  private readonly sources: SourceParts
  private readonly targets: Targets
  private readonly fixed: Readonly<Record<string, string>>
  private readonly perCaller: ((principal: Principal) => Readonly<Record<string, string>>) | undefined
  /** Of all callers. */
  private readonly common: Kept | undefined
  private readonly own: Kept | undefined
  /** The user whose grant fills the catalogue; where tokens are exchanged as they came last, since theirs is exchanged. */
  private discoverer: Principal | undefined
  private readonly users: LRUCache<TenantKey, Kept>
  private readonly opening = new Map<TenantKey, Promise<Kept | CredentialFailure>>()
  private readonly principals = new LRUCache<TenantKey, Principal>({ max: mostUsers })
  private readonly leases = new WeakMap<CredentialLease, WeakMap<Principal, CredentialLease>>()

  constructor(parts: CredentialsParts, discovery: Discovery, server: ServerOfCredentials, fixed: Credentials) {
    this.parts = parts
    this.server = server
    const { auth, id } = server
    const { clients, fetch, clock } = parts
    this.sources = { server: id, discovery, clients, fetch, clock, readText: (file) => parts.readText(file), abandoned: parts.abandoned }
    this.targets = new Targets(discovery, server.address, auth)
    this.fixed = (fixed.forDiscovery() as CredentialLease).headers()
    this.perCaller = Object.keys(auth.headers).length === 0 ? undefined : callerHeaders(auth.headers)
    this.users = new LRUCache<TenantKey, Kept>({ max: mostUsers, dispose: (kept) => kept.keeper?.close() })
    this.common = this.commonOf(auth)
    this.own = this.ownOf(auth.discovery)
    const { type, iss = anonymous.iss, sub = anonymous.sub } = auth.discovery ?? {}
    this.discoverer = type === 'principal' ? { ...anonymous, iss, sub } : undefined
  }

  forCaller(principal: Principal): Leased | Promise<Leased> {
    const kept = this.common ?? this.users.get(this.keyOf(principal))
    if (kept === undefined)
      return this.open(principal).then((opened) => this.leased(opened instanceof CredentialFailure ? opened : opened.current(), principal))
    if (this.common === undefined) this.seen(principal)
    return this.leased(kept.current(), principal)
  }

  forDiscovery(): Leased | Promise<Leased> {
    if (this.discoverer !== undefined) return this.forCaller(this.discoverer)
    const kept = this.own ?? this.common
    return kept === undefined ? fixedLease(this.fixed) : this.leased(kept.current(), undefined)
  }

  /** A caller was let in with a credential for the first time: where theirs is exchanged to fill the catalogue, it can be filled. */
  callerSeen(principal: Principal): void {
    if (!this.exchanges || !this.isDiscoverer(principal)) return
    this.discoverer = principal
    this.parts.discoverable(this.server.id)
  }

  changed(key: GrantKey, now: { readonly version: number; readonly usable: boolean } | undefined): void {
    if (key.server !== this.server.id) return
    const kept = key.sub === '' ? [this.common, this.own] : [this.users.get(userKey(key))]
    for (const one of kept) {
      const keeper = one?.keeper
      if (keeper === undefined) continue
      const same = keeper.key.issuer === key.issuer && keeper.key.resource === key.resource
      if (!same && key.sub !== '') this.users.delete(userKey(key))
      else if (same && now === undefined) keeper.forget()
      else if (same && now !== undefined) keeper.changed(now.version, now.usable)
    }
    if (now !== undefined) return
    if (this.discoverer?.sub === key.sub) this.parts.discoverable(this.server.id)
    else this.parts.rescoped(this.server.id, { ...anonymous, tenant: key.tenant, iss: key.iss, sub: key.sub })
  }

  close(): void {
    this.common?.keeper?.close()
    this.own?.keeper?.close()
    this.users.clear()
  }

  /** Whether it fills the catalogue: then it is operators who see what becomes of it. */
  private isDiscoverer(principal: Principal): boolean {
    return this.discoverer !== undefined && samePrincipal(principal, this.discoverer)
  }

  private get exchanges(): boolean {
    const { type } = this.server.auth
    return type === 'tokenExchange' || type === 'idJag'
  }

  /** What is said of a caller is the key of what is got for it: of a token its client, scopes and actors too, since they bound what is got. */
  private keyOf(principal: Principal): TenantKey {
    if (!this.exchanges) return principalKey(principal)
    const { tenant, clientId, scopes, actors } = principal
    return tenantKey(tenant, principalKey(principal), clientId ?? '', scopes.join(' '), actors.join(' '))
  }

  /** An exchange takes the token that came last. */
  private seen(principal: Principal): void {
    if (this.exchanges) this.principals.set(this.keyOf(principal), principal)
  }

  private open(principal: Principal): Promise<Kept | CredentialFailure> {
    const key = this.keyOf(principal)
    let opening = this.opening.get(key)
    if (opening === undefined) {
      this.seen(principal)
      opening = this.openFor(principal, key)
        .catch((error: unknown) => asFailure(error, 'a look into the store of grants'))
        .finally(() => this.opening.delete(key))
      this.opening.set(key, opening)
    }
    return opening
  }

  private async openFor(principal: Principal, key: TenantKey): Promise<Kept | CredentialFailure> {
    const { auth, id } = this.server
    const { tenant, iss, sub } = principal
    let kept: Kept | undefined
    switch (auth.type) {
      case 'static': {
        const found = userSecret(auth.users, principal)
        if (found === undefined) return new CredentialFailure('refused', 'there is no value for this caller (`users`)')
        const lease = new ReplaceableSecret(`user ${found.index}`, { value: found.secret, look: () => undefined }, this.carry())
        kept = { current: () => lease.current() ?? noValue, keeper: undefined }
        break
      }
      case 'authorizationCode': {
        const grant = await this.parts.grants.find({ tenant, server: id, iss, sub })
        if (grant === undefined) return new CredentialFailure('consent', 'no account of it is linked yet')
        kept = this.keep({
          key: grant.key,
          source: refreshSource(this.sources, auth, this.targets),
          id: `grant ${digestOf(principalKey(principal))}`,
          principal: () => principal,
          lacks: (scopes, found) => lackingScopes(this.again(principal, this.isDiscoverer(principal)), scopes, found),
        })
        break
      }
      default: {
        const caller = (): Principal => this.principals.get(key) ?? principal
        const make = auth.type === 'idJag' ? idJagSource : exchangeSource
        const source = make(this.sources, auth, this.targets, caller)
        kept = this.keep({
          key: { tenant, server: id, iss, sub, issuer: auth.issuer ?? '', resource: '' },
          grants: memoryGrants(),
          source,
          id: `exchanged ${digestOf(key)}`,
          principal: caller,
        })
      }
    }
    this.users.set(key, kept)
    return kept
  }

  private commonOf(auth: UpstreamAuth): Kept | undefined {
    const { id } = this.server
    switch (auth.type) {
      case 'static':
        return auth.users.length > 0 ? undefined : this.secret(auth, 'static')
      case 'clientCredentials':
      case 'privateKeyJwt':
      case 'jwtBearer':
        return this.keep({
          key: serviceKey(id, auth, ''),
          source: serviceSource(this.sources, auth.type, auth, this.targets),
          id: `client ${auth.clientId ?? auth.type}`,
        })
      case 'aws':
      case 'google':
      case 'azure':
        return this.cloud(auth.type, auth)
      default:
        return undefined
    }
  }

  /** Each gateway has an identity of its own in the cloud, and gets it within the machine: there is nothing to share by the store. */
  private cloud(kind: CloudKind, auth: UpstreamAuth): Kept {
    const { source, carry, secretsOf } = cloudIdentity(kind, auth, this.fixed, this.parts.clock)
    const key = serviceKey(this.server.id, {}, kind)
    return this.keep({ key, grants: memoryGrants(), source, id: kind, targets: withoutMetadata, carry, secretsOf })
  }

  private ownOf(auth: DiscoveryAuth | undefined): Kept | undefined {
    const { address, id } = this.server
    switch (auth?.type) {
      case 'static':
        return this.secret(auth, 'discovery')
      case 'clientCredentials':
      case 'privateKeyJwt':
      case 'jwtBearer': {
        const targets = new Targets(this.sources.discovery, address, auth)
        return this.keep({
          key: serviceKey(id, auth, 'discovery'),
          source: serviceSource(this.sources, auth.type, auth, targets),
          id: `client ${auth.clientId ?? auth.type}`,
          targets,
        })
      }
      default:
        return undefined
    }
  }

  private secret(auth: { readonly secret?: string | undefined; readonly secretFile?: string | undefined }, id: string): Kept {
    const { secret, secretFile } = auth
    const source: Replaceable = secretFile === undefined ? { value: secret, look: () => undefined } : this.parts.replaceable(secretFile)
    const carry = this.carry()
    const one = new ReplaceableSecret(id, source, (value) => {
      if (secretFile !== undefined) this.parts.issued(this.server.id, [value])
      return carry(value)
    })
    return { current: () => one.current() ?? noValue, keeper: undefined }
  }

  private carry(): (value: string) => Readonly<Record<string, string>> {
    const carry = carrier(this.server.auth)
    return (value) => ({ ...this.fixed, ...carry(value) })
  }

  private keep({ key, source, id, principal, lacks, ...other }: KeptToken): Kept {
    const { clock, random } = this.parts
    const { grants = this.parts.grants, targets = this.targets } = other
    const { auth, callMs } = this.server
    const asBearer = (token: TokenSet): Carried => {
      const headers = { ...this.fixed, ...carrier(auth, token.boundTo !== undefined)(token.access) }
      return token.boundTo === undefined ? { headers } : { headers, proof: proofOf(token.boundTo, token.access, clock, random) }
    }
    const { carry = asBearer, secretsOf = tokensOf } = other
    const keeper = new Keeper({
      key,
      grants,
      source,
      clock,
      random,
      callMs,
      id,
      carry: (token) => {
        this.parts.issued(this.server.id, secretsOf(token))
        return carry(token)
      },
      refused: (answer) => {
        const next = targets.refused(answer)
        // A refresh token brings no more than its user has consented to (RFC 6749 §6).
        return lacks !== undefined && lackedScopes(answer.challenge) !== undefined ? 'final' : next
      },
      lacks,
      told: (event) => {
        const of = principal?.()
        if (event.kind === 'rescoped') this.rescoped(event.scopes, id, of)
        else tellRenewal(this.parts, { upstream: this.server.id, credential: id, principal: of }, event)
      },
    })
    return { current: () => keeper.current(), keeper }
  }

  /** What the server lists may depend on what the credential may do: whoever sees a list that was got with it gets it anew. */
  private rescoped(scopes: ScopeChange, credential: string, principal: Principal | undefined): void {
    const { report, discoverable, rescoped } = this.parts
    const upstream = this.server.id
    logScopes(report, { upstream, credential }, scopes)
    if (principal === undefined || this.isDiscoverer(principal)) discoverable(upstream)
    else rescoped(upstream, principal)
  }

  private leased(got: ReturnType<Kept['current']>, principal: Principal | undefined): Leased | Promise<Leased> {
    if (got instanceof Promise) return got.then((later) => this.leased(later, principal))
    if (got instanceof CredentialFailure) return this.faultOf(got, principal)
    return principal === undefined || this.perCaller === undefined ? got : this.named(got, principal)
  }

  /** With the headers of the caller; made once for each pair. */
  private named(lease: CredentialLease, principal: Principal): CredentialLease {
    let of = this.leases.get(lease)
    if (of === undefined) {
      of = new WeakMap()
      this.leases.set(lease, of)
    }
    let named = of.get(principal)
    if (named === undefined) {
      const base = withHeaders(lease, this.perCaller?.(principal) ?? {})
      named = { ...base, id: `${lease.id} ${digestOf(principalKey(principal))}`, headers: base.headers, reject: base.reject }
      of.set(principal, named)
    }
    return named
  }

  private faultOf(failure: CredentialFailure, principal: Principal | undefined): Fault | Promise<Fault> {
    // While an issuer is away and nothing valid is left, the user cannot be served either before they have signed in again.
    if (principal !== undefined && this.server.auth.type === 'authorizationCode' && failure.kind !== 'refused')
      return signInNeeded(this.again(principal, principal === this.discoverer), this.targets.more, failure)
    return noCredential(this.server.id, failure)
  }

  private again(principal: Principal, forOperators: boolean): SignInAgain {
    const upstream = this.server.id
    return { upstream, forOperators, link: (scopes) => this.parts.link(upstream, principal, scopes) }
  }
}

function tokensOf({ access, refresh }: TokenSet): readonly string[] {
  return refresh === undefined ? [access] : [access, refresh]
}

/** Nobody says what a cloud's token should be for but the configuration. */
const withoutMetadata: Pick<Targets, 'refused'> = {
  refused: ({ challenge }) => (lackedScopes(challenge) === undefined ? 'renew' : 'final'),
}

const noValue = new CredentialFailure('unavailable', 'the file with its value cannot be read')

function serviceKey(
  server: string,
  { issuer, clientId }: { readonly issuer?: string | undefined; readonly clientId?: string | undefined },
  purpose: string,
): GrantKey {
  return { tenant: '', server, iss: purpose, sub: '', issuer: issuer ?? '', resource: clientId ?? '' }
}

function fixedLease(headers: Readonly<Record<string, string>>): CredentialLease {
  return { id: Object.keys(headers).length === 0 ? '' : 'static', headers: () => headers, reject: () => false }
}

function userKey({ tenant, iss, sub }: GrantKey): TenantKey {
  return tenantKey(tenant, iss, sub)
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16)
}
