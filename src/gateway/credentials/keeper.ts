// Keeps one grant usable: hands out its token at once while it is good, renews it before it ends, one request to the issuer however many
// calls and gateways want it, and never writes over what somebody else has renewed. No transaction of the store is held over a request.

import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { CredentialLease, RefusedCredential, RequestProof } from '../../core/ports/credentials.ts'
import { asFailure, CredentialFailure } from './failure.ts'
import { type Grant, type GrantChange, type GrantKey, type Grants, leaseMs } from './grants.ts'
import type { TokenSet } from './token-set.ts'

/** How a grant gets its next token. */
export interface TokenSource {
  /** Rejects with `CredentialFailure`. `grant`: what there is, if anything. */
  next(grant: Grant | undefined): Promise<GrantChange>
}

export interface KeeperParts {
  readonly key: GrantKey
  readonly grants: Grants
  readonly source: TokenSource
  readonly clock: Clock
  readonly random: Random
  /** Longest silence of a call in ms: a token that ends sooner is renewed before the call. */
  readonly callMs: number
  /** Of all its leases. */
  readonly id: string
  /** What carries the token. */
  carry(token: TokenSet): Carried
  /** Looks at what the server said; `final` where no other token of this source could be better. */
  refused(answer: RefusedCredential): 'renew' | 'final'
  /** What a call is answered with for which the token lacks these scopes; absent where nobody can be asked for them. */
  lacks?: ((scopes: readonly string[], found: Fault) => Promise<Fault>) | undefined
  /** Told of each end: the counter, the audit, the log. */
  readonly told: (event: KeeperEvent) => void
}

export interface Carried {
  readonly headers: Readonly<Record<string, string>>
  /** Of a token that is bound to a key. */
  readonly proof?: RequestProof | undefined
}

export type KeeperEvent =
  | { readonly kind: 'renewed'; readonly token: TokenSet; readonly scopes: ScopeChange }
  /** The token at hand says something else than the one before, whoever has renewed it. */
  | { readonly kind: 'rescoped'; readonly scopes: ScopeChange }
  | { readonly kind: 'failed'; readonly failure: CredentialFailure; readonly stillValidMs: number }

/** What a token may do in comparison with the one before; the first with what was asked for. */
export interface ScopeChange {
  readonly lost: readonly string[]
  readonly gained: readonly string[]
}

/** A token is renewed so long before its end, in ms, or halfway through a life that is shorter. */
const aheadMs = 30_000
/** By chance up to so long before that, in ms, so that gateways do not all renew at once. */
const jitterMs = 10_000
/** After a failure the next attempt waits, in ms, doubling. */
const pauseMs = { first: 1_000, longest: 30_000 }
/** How often it is looked whether another gateway has renewed, in ms, growing. */
const lookMs = { first: 25, longest: 250 }
/** A token that was got since the one before was refused, and is refused as well so soon, in ms, shows that tokens are not the matter. */
const hopelessMs = 60_000
/** Longest wait for a token, in ms: past the end of a lease whose holder is gone. */
const patienceMs = leaseMs + 10_000

interface Held {
  readonly token: TokenSet
  readonly version: number
  readonly lease: CredentialLease
  /** Wall ms from which a call waits for the next one. */
  readonly mustAt: number
  /** Wall ms at which it ends; infinite where nobody says. */
  readonly endsAt: number
}

export class Keeper {
  private readonly parts: KeeperParts
  private held: Held | undefined
  private carried: Carried = { headers: {} }
  /** Scopes that were asked for, and of the token that was at hand last; undefined where nobody says. */
  private asked: readonly string[] = []
  private granted: readonly string[] | undefined
  /** The version that the server refused: another is needed. */
  private refused: number | undefined
  /** The version that replaced a refused one. */
  private replacement: number | undefined
  private renewing: Promise<void> | undefined
  private ahead: Timer | undefined
  private used = false
  private failure: CredentialFailure | undefined
  private failures = 0
  private notBefore = Number.NEGATIVE_INFINITY
  private closed = false

  constructor(parts: KeeperParts) {
    this.parts = parts
  }

  get key(): GrantKey {
    return this.parts.key
  }

  /** At once while the token is good. */
  current(): CredentialLease | Promise<CredentialLease | CredentialFailure> {
    const { held } = this
    if (held !== undefined && this.parts.clock.now() < held.mustAt) {
      this.used = true
      return held.lease
    }
    return this.next()
  }

  /** Another gateway, or the command line, has changed the grant. */
  changed(version: number, usable: boolean): void {
    const { held } = this
    // It was read before what is held now was written.
    if (held !== undefined && version < held.version) return
    if (held === undefined ? this.failure === undefined : held.version === version && usable) return
    this.forget()
  }

  /** The next call reads the store. */
  forget(): void {
    this.ahead?.cancel()
    this.held = undefined
    this.failure = undefined
    this.failures = 0
    this.notBefore = Number.NEGATIVE_INFINITY
  }

  close(): void {
    this.closed = true
    this.ahead?.cancel()
  }

  private next(): CredentialLease | Promise<CredentialLease | CredentialFailure> {
    this.used = true
    const usable = this.usable()
    // While the issuer is away, what is still valid is used.
    if (this.parts.clock.mono() < this.notBefore) {
      if (usable !== undefined) return usable
      return Promise.resolve(this.failure ?? new CredentialFailure('unavailable', 'there is no token'))
    }
    return this.renew().then(() => this.usable() ?? this.failure ?? new CredentialFailure('unavailable', 'no token could be had in time'))
  }

  private usable(): CredentialLease | undefined {
    const { held } = this
    return held === undefined || held.version === this.refused || this.parts.clock.now() >= held.endsAt ? undefined : held.lease
  }

  /** One for all who wait. Never rejects. */
  private renew(): Promise<void> {
    this.renewing ??= this.attempt().finally(() => {
      this.renewing = undefined
    })
    return this.renewing
  }

  private async attempt(): Promise<void> {
    const { clock } = this.parts
    const from = clock.mono()
    try {
      for (let look: number = lookMs.first; clock.mono() - from < patienceMs; look = Math.min(lookMs.longest, look * 1.5)) {
        if (await this.once()) return
        await this.pause(look * (0.5 + this.parts.random.fraction()))
      }
      throw new CredentialFailure('unavailable', 'another gateway has been renewing the token for too long')
    } catch (error) {
      this.failed(asFailure(error, 'the renewal'))
    }
  }

  /** False where another gateway is at it. */
  private async once(): Promise<boolean> {
    const { grants, key, source } = this.parts
    const grant = await grants.read(key)
    if (grant !== undefined && grant.status === 'active' && this.isNews(grant)) {
      this.take(grant.token as TokenSet, grant.version)
      this.compare(grant.token as TokenSet, grant.scopes)
      return true
    }
    if (grant?.status === 'needs_consent' || grant?.status === 'revoked') {
      throw new CredentialFailure('consent', grant.reason ?? (grant.status === 'revoked' ? 'it was revoked' : 'it has ended'))
    }
    const lease = await grants.claim(key, grant?.version ?? 0)
    if (lease === undefined) return false
    let change: GrantChange
    try {
      change = await source.next(grant)
    } catch (error) {
      const failure = asFailure(error, 'the renewal')
      const ended = failure.kind === 'consent' && key.sub !== ''
      await grants.failed(key, lease, ended ? 'needs_consent' : undefined, failure.message)
      throw failure
    }
    // Whoever took over since has a newer one.
    if (!(await grants.renewed(key, lease, change))) return false
    if (grant?.token !== undefined) this.granted ??= scopesOf(grant.token, grant.scopes)
    this.take(change.token, lease.version + 1)
    const scopes = comparison(this.granted ?? change.scopes, scopesOf(change.token, change.scopes))
    this.parts.told({ kind: 'renewed', token: change.token, scopes })
    this.compare(change.token, change.scopes)
    return true
  }

  /** It is not what we have already, was not refused, and is not about to end. */
  private isNews({ token, version }: Grant): boolean {
    if (token === undefined || version === this.refused || version === this.held?.version) return false
    return this.parts.clock.now() < this.timesOf(token).mustAt
  }

  private take(token: TokenSet, version: number): void {
    const { clock, random } = this.parts
    const { mustAt, endsAt } = this.timesOf(token)
    this.carried = this.parts.carry(token)
    if (this.refused !== undefined) this.replacement = version
    this.refused = undefined
    this.held = { token, version, lease: this.leaseOf(version), mustAt, endsAt }
    this.failure = undefined
    this.failures = 0
    this.notBefore = Number.NEGATIVE_INFINITY
    this.ahead?.cancel()
    this.ahead = undefined
    this.used = false
    if (!Number.isFinite(mustAt)) return
    const jitter = random.fraction() * Math.min(jitterMs, (endsAt - token.issuedAt) / 8)
    this.renewAt(Math.max(0, mustAt - clock.now() - jitter))
  }

  /** After it is at hand: those who are told ask with it. */
  private compare(token: TokenSet, asked: readonly string[]): void {
    const before = this.granted
    this.asked = asked
    this.granted = scopesOf(token, asked) ?? before
    const scopes = comparison(before, this.granted)
    if (scopes.lost.length + scopes.gained.length > 0) this.parts.told({ kind: 'rescoped', scopes })
  }

  /** Undefined where a grant anew would not bring them. */
  private lacks(scopes: readonly string[], found: Fault): Promise<Fault> | undefined {
    const { granted, asked } = this
    const missing = (scopes.length === 0 ? asked : scopes).filter((scope) => granted?.includes(scope) !== true)
    return missing.length === 0 ? undefined : this.parts.lacks?.(missing, found)
  }

  private renewAt(ms: number): void {
    if (this.closed) return
    this.ahead?.cancel()
    // A timer that is longer than this runs at once.
    this.ahead = this.parts.clock.timer(Math.min(ms, 2_147_483_647), () => {
      // Nobody has called since: the next who does waits for it.
      if (this.used) void this.renew()
    })
  }

  private timesOf({ expiresAt, issuedAt }: TokenSet): { readonly mustAt: number; readonly endsAt: number } {
    if (expiresAt === undefined) return { mustAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY }
    const ahead = Math.min(Math.max(aheadMs, this.parts.callMs), (expiresAt - issuedAt) / 2)
    return { mustAt: expiresAt - ahead, endsAt: expiresAt }
  }

  private failed(failure: CredentialFailure): void {
    const { clock } = this.parts
    this.failures += 1
    this.failure = failure
    const pause = Math.min(pauseMs.longest, pauseMs.first * 2 ** (this.failures - 1))
    this.notBefore = clock.mono() + pause
    // What the issuer has taken back is used no more, whatever its end.
    if (failure.kind === 'consent') this.held = undefined
    const stillValidMs = this.usable() === undefined ? 0 : (this.held?.endsAt ?? 0) - clock.now()
    if (stillValidMs > 0) this.renewAt(pause)
    this.parts.told({ kind: 'failed', failure, stillValidMs })
  }

  private leaseOf(version: number): CredentialLease {
    const keeper = this
    return {
      id: this.parts.id,
      // Connections outlive tokens.
      headers: () => this.carried.headers,
      get proof() {
        return keeper.carried.proof
      },
      reject: (answer) => this.reject(version, answer),
      ...(this.parts.lacks === undefined ? {} : { lacks: (scopes: readonly string[], found: Fault) => this.lacks(scopes, found) }),
    }
  }

  /** The server refused the token of this version: true where the next acquisition brings something else. */
  private reject(version: number, answer: RefusedCredential): boolean {
    const { held } = this
    // Another is here already.
    if (held === undefined || held.version !== version || this.refused === version) return true
    if (this.parts.refused(answer) === 'final') return false
    const { clock } = this.parts
    if (version === this.replacement && clock.now() - held.token.issuedAt < hopelessMs) return false
    this.refused = version
    this.held = { ...held, mustAt: Number.NEGATIVE_INFINITY }
    this.notBefore = Number.NEGATIVE_INFINITY
    return true
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.timer(ms, resolve))
  }
}

/** Undefined where the issuer does not say and nothing in particular was asked for. */
function scopesOf({ scopes }: TokenSet, asked: readonly string[]): readonly string[] | undefined {
  return scopes ?? (asked.length === 0 ? undefined : asked)
}

function comparison(before: readonly string[] | undefined, now: readonly string[] | undefined): ScopeChange {
  if (before === undefined || now === undefined) return { lost: [], gained: [] }
  return { lost: before.filter((scope) => !now.includes(scope)), gained: now.filter((scope) => !before.includes(scope)) }
}
