// Who is calling: from what a request shows to a principal, or to a refusal that says what to bring. The way is chosen by the form of the
// credential, and what that way refuses no other is asked.
import { decodeJwt } from 'jose'
import { anonymous, type Principal } from '../../core/call/principal.ts'
import { keepSubjectToken } from '../../core/call/subject-token.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Identified, Presented } from '../../core/ports/gateway.ts'
import { type ChallengeError, type ChallengeParts, challengeFor } from './challenge.ts'
import type { Checked, Good } from './checked.ts'
import type { CallersParts, MountScopes } from './parts.ts'
import { type PresentedToken, shownBy } from './presented-token.ts'
import { possession, proofAlgorithms } from './proof.ts'
import { Revocations } from './revocations.ts'
import type { CallerSettings } from './settings.ts'
import { createSignedHeader } from './signed-header.ts'
import type { TokenKind, TokenToCheck } from './token-kind.ts'
import { tokenKinds } from './token-kinds.ts'
import type { Trusted } from './trusted.ts'
import { createTrustedHeaders, type TrustedHeaders } from './trusted-header.ts'
import { digestOf, type Verdict, VerifiedCache } from './verified-cache.ts'

export interface Callers {
  /** At once where the credential was checked a moment ago, or there is none. Never throws, never rejects. */
  identify(presented: Presented): Identified | Promise<Identified>
  /** Reads what was revoked; to be awaited before callers come. */
  start(): Promise<void>
  close(): void
  /** The challenge of a caller whose credential lacks scopes: all that the operation needs. */
  challenge(mount: string, scopes: readonly string[]): string
  /** Issuers whose tokens are taken, for the metadata of the resource; empty where no tokens are. */
  authorizationServers(): readonly string[]
}

export function createCallers(parts: CallersParts): Callers {
  return new Identification(parts)
}

/** Where no rule names any. */
export const noScopes: MountScopes = { first: () => [], all: () => [] }

class Identification implements Callers {
  private readonly parts: CallersParts
  private readonly methods: ReadonlySet<string>
  private readonly kinds: readonly TokenKind[]
  private readonly cache: VerifiedCache
  private readonly trusted: TrustedHeaders | undefined
  private readonly revocations: Revocations
  private readonly noted = new WeakSet<Principal>()
  private readonly checking = new Map<string, Promise<Checked>>()
  private readonly nobody: Identified = { principal: anonymous }

  constructor(parts: CallersParts) {
    const { settings, profile, clock } = parts
    this.parts = parts
    this.methods = new Set(callerMethods(settings, profile, parts.local !== undefined))
    this.cache = new VerifiedCache(clock)
    this.kinds = tokenKinds(parts, this.methods)
    const forget = (of: (principal: Principal) => boolean): void => this.cache.forget(of)
    this.revocations = new Revocations({ store: parts.revocations, clock, report: parts.report, decisions: parts.decisions, forget })
    this.trusted = this.methods.has('trustedHeader') ? trustedHeaders(parts) : undefined
  }

  identify(presented: Presented): Identified | Promise<Identified> {
    if (this.trusted === undefined) return this.byToken(presented)
    const trusted = this.trusted.read(presented)
    return trusted instanceof Promise ? trusted.then((known) => this.byHeader(presented, known)) : this.byHeader(presented, trusted)
  }

  /** What a gateway in front says of its caller counts before what the caller says of itself. */
  private byHeader(presented: Presented, trusted: Trusted): Identified | Promise<Identified> {
    if (trusted === undefined) return this.byToken(presented)
    if ('principal' in trusted) {
      if (!this.noted.has(trusted.principal)) this.note(trusted.principal)
      return trusted
    }
    if ('malformed' in trusted) return { fault: fault('credential_malformed', { reason: `it ${trusted.malformed}` }) }
    if ('unavailable' in trusted) return { fault: fault('identity_unavailable', { reason: trusted.unavailable }, { retryAfterMs: 5_000 }) }
    return this.refused(presented.mount, `the signed header is refused: ${trusted.refused}`, presented, undefined)
  }

  private byToken(presented: Presented): Identified | Promise<Identified> {
    if (this.kinds.length === 0) return this.withoutToken(presented)
    const line = onlyLine(presented)
    const seen = line === undefined ? undefined : this.cache.ofLine(presented.mount, line)
    if (seen !== undefined) return seen.identified
    const shown = shownBy(presented)
    if (shown === undefined) return this.withoutToken(presented)
    if ('malformed' in shown) return { fault: fault('credential_malformed', { reason: `it ${shown.malformed}` }) }
    const { mount } = presented
    if ('useless' in shown) return this.refused(mount, `the request ${shown.useless}`, presented, 'invalid_request')
    return this.verify(presented, shown, digestOf(shown.token))
  }

  async start(): Promise<void> {
    if (this.kinds.length > 0) await this.revocations.start()
  }

  close(): void {
    this.revocations.close()
  }

  challenge(mount: string, scopes: readonly string[]): string {
    return challengeFor(this.challengeParts(), mount, scopes, { error: 'insufficient_scope' })
  }

  authorizationServers(): readonly string[] {
    const { local, platform, settings } = this.parts
    const servers = new Set<string>()
    if (this.methods.has('oauth')) {
      if (local !== undefined) servers.add(local.issuer())
      for (const { issuer } of [...settings.issuers, ...settings.introspection]) servers.add(issuer)
    }
    if (platform !== undefined && (settings.platform?.exchange.length ?? 0) > 0) servers.add(platform.issuer())
    return [...servers]
  }

  private async verify(presented: Presented, shown: PresentedToken, digest: string): Promise<Identified> {
    const { mount } = presented
    const known = this.cache.get(mount + digest)
    if (known !== undefined) return this.admit(presented, shown, digest, known.good, known)
    const checked = await this.check({ token: shown.token, digest, mount, ...formOf(shown.token) })
    if (checked.kind === 'unavailable') {
      return { fault: fault('identity_unavailable', { reason: checked.reason }, { retryAfterMs: 5_000 }) }
    }
    if (checked.kind === 'refused') return this.refused(mount, `the access token is refused: ${checked.reason}`, presented, 'invalid_token')
    return this.admit(presented, shown, digest, checked, undefined)
  }

  /** What a token is bound to is shown with each request, however lately it was found to be good. */
  private async admit(
    presented: Presented,
    shown: PresentedToken,
    digest: string,
    good: Good,
    known: Verdict | undefined,
  ): Promise<Identified> {
    const { mount } = presented
    const { confirmation, mustBeBound } = good
    const shows = await possession(this.parts, { presented, shown, digest, confirmation, mustBeBound })
    if ('wrong' in shows) {
      const { wrong, reason } = shows
      const what = wrong === 'token' ? 'access token' : 'proof'
      const refused = this.refused(mount, `the ${what} is refused: ${reason}`, presented, errorOf[wrong])
      return wrong === 'nonce' ? { ...refused, dpopNonce: this.parts.nonces?.fresh() } : refused
    }
    // Looked at last: what is revoked in the meantime must not be known from here on.
    if (this.revocations.revoked(good.principal, good.issuedAtMs))
      return this.refused(mount, 'the access token is refused: it was revoked', presented, 'invalid_token')
    const verdict = known ?? this.cache.get(mount + digest) ?? this.cache.put(mount + digest, good)
    const { identified } = verdict
    const { principal } = identified
    const line = confirmation === undefined && shown.scheme === 'bearer' ? onlyLine(presented) : undefined
    if (line !== undefined) this.cache.keepLine(mount, line, verdict)
    // A key is good for this gateway alone: it is the subject of no exchange.
    if (principal.method !== 'apiKey') keepSubjectToken(principal, { value: shown.token, type: accessTokenType })
    if (!this.noted.has(principal)) this.note(principal)
    return shows.nonce === undefined ? identified : { ...identified, dpopNonce: shows.nonce }
  }

  /** Once for each credential: what is done with it has rows of its own. */
  private note(principal: Principal): void {
    this.noted.add(principal)
    this.parts.seen?.(principal)
    const { clock, decisions } = this.parts
    decisions.note({
      id: '',
      atMs: clock.now(),
      about: 'authenticate',
      allowed: true,
      principal,
      method: undefined,
      upstream: undefined,
      item: undefined,
      rule: principal.method,
      credential: principal.credential,
      reason: undefined,
    })
  }

  /** Callers that bring the same credential at once wait for one check. */
  private check(token: TokenToCheck): Promise<Checked> {
    const key = token.mount + token.digest
    let running = this.checking.get(key)
    if (running === undefined) {
      const kind = this.kinds.find((one) => one.takes(token))
      if (kind === undefined) return Promise.resolve({ kind: 'refused', reason: 'nobody who is trusted here issued it' })
      running = kind.check(token).finally(() => this.checking.delete(key))
      this.checking.set(key, running)
    }
    return running
  }

  private withoutToken(presented: Presented): Identified {
    // Over a pipe the caller is whoever started us.
    if (presented.transport === 'stdio') return this.nobody
    if (this.methods.has('anonymous') && (this.methods.size === 1 || isHere(presented.remoteAddress))) return this.nobody
    return this.refused(presented.mount, 'the request shows none', presented, undefined)
  }

  private refused(mount: string, reason: string, presented: Presented, error: ChallengeError['error'] | undefined): Identified {
    const { scopes } = this.parts
    const wanted = presented.stepsUp ? scopes.first(mount) : scopes.all(mount)
    const wrong = error === undefined ? undefined : { error, description: reason }
    return { fault: fault('unauthenticated', { reason }, { challenge: challengeFor(this.challengeParts(), mount, wanted, wrong) }) }
  }

  private challengeParts(): ChallengeParts {
    const { address, settings } = this.parts
    const bound = settings.issuers.map(({ dpop }) => dpop)
    return {
      address,
      hasMetadata: this.authorizationServers().length > 0,
      dpop: this.parts.local === undefined && bound.length > 0 && bound.every((one) => one === 'required') ? 'required' : 'optional',
      dpopAlgorithms: proofAlgorithms,
    }
  }
}

const errorOf = { token: 'invalid_token', proof: 'invalid_dpop_proof', nonce: 'use_dpop_nonce' } as const

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

function trustedHeaders({ settings: { trustedHeader }, issuers, clock }: CallersParts): TrustedHeaders | undefined {
  if (trustedHeader === undefined) return undefined
  const { jwt } = trustedHeader.proof
  if (jwt === undefined) return createTrustedHeaders({ settings: trustedHeader, signed: undefined })
  const keys = issuers.keys(jwt.issuer, jwt.jwksUri)
  return createTrustedHeaders({ settings: trustedHeader, signed: createSignedHeader({ settings: jwt, keys, clock }) })
}

/** What is configured, unless it is said. */
export function callerMethods(settings: CallerSettings, profile: 'dev' | 'production', embedded: boolean): readonly string[] {
  if (settings.callers !== undefined) return settings.callers
  const methods: string[] = settings.issuers.length > 0 || settings.introspection.length > 0 || embedded ? ['oauth'] : []
  if (settings.platform !== undefined) methods.push('platform')
  if (settings.trustedHeader !== undefined) methods.push('trustedHeader')
  if (settings.apiKeys !== undefined && profile === 'dev') methods.push('apiKey')
  return methods.length === 0 && profile === 'dev' ? ['anonymous'] : methods
}

/** The one line of `Authorization`, of a request that has nothing in its address. */
function onlyLine({ query, headers }: Presented): string | undefined {
  const lines = query === undefined ? headers.get('authorization') : undefined
  return lines?.length === 1 ? lines[0] : undefined
}

/** Whether the other end of the connection is this machine. */
function isHere(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address)
}

function formOf(token: string): Pick<TokenToCheck, 'issuer' | 'isJwt'> {
  if (token.split('.').length !== 3) return { issuer: undefined, isJwt: false }
  try {
    const { iss } = decodeJwt(token)
    return { issuer: typeof iss === 'string' ? iss : undefined, isJwt: true }
  } catch {
    return { issuer: undefined, isJwt: false }
  }
}
