// The keys of one issuer: fetched when they are needed, again when a token names a key that is not known, and used beyond their age where
// they cannot be fetched. A flood of unknown keys asks the issuer no more often than the cooldown allows.
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
  type LocalJWKSet,
} from 'jose'
import type { Clock } from '../../core/ports/clock.ts'
import { type KeySet, KeysAway } from '../../core/ports/issuers.ts'
import type { Report } from '../../core/ports/report.ts'

export interface KeySetParts {
  /** For log and metrics; one that the configuration names. */
  readonly issuer: string
  /** Rejects where it cannot be had. */
  readonly load: () => Promise<JSONWebKeySet>
  readonly clock: Clock
  readonly report: Report
  /** Pause between two fetches that a token can cause, in ms. */
  readonly cooldownMs?: number
  /** How long a key set is used without being fetched again, in ms: so long a key may be good after its issuer took it back. */
  readonly maxAgeMs?: number
  /** How long it is used where it cannot be fetched, in ms. */
  readonly staleMs?: number
}

interface Held {
  readonly resolver: LocalJWKSet
  /** Monotonic ms. */
  readonly at: number
}

export class FetchedKeySet implements KeySet {
  private readonly parts: Required<KeySetParts>
  private held: Held | undefined
  private loading: Promise<Held> | undefined
  private attemptedAt = Number.NEGATIVE_INFINITY
  /** Whether the last attempt failed. */
  private failing = false

  constructor(parts: KeySetParts) {
    this.parts = { cooldownMs: 5_000, maxAgeMs: 600_000, staleMs: 3_600_000, ...parts }
  }

  async verify(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
    const held = await this.current()
    try {
      return await verifyBy(held.resolver, token, options)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = await this.newer(held)
      // The issuer may publish it by now, and a token that may be good is not called bad.
      if (newer === undefined && this.failing) throw new KeysAway('The keys cannot be fetched', { cause: error })
      if (newer === undefined) throw error
      return verifyBy(newer.resolver, token, options)
    }
  }

  private async current(): Promise<Held> {
    const { clock, maxAgeMs, staleMs, report, issuer } = this.parts
    const { held } = this
    const age = held === undefined ? Number.POSITIVE_INFINITY : clock.mono() - held.at
    if (held !== undefined && age < maxAgeMs) return held
    try {
      if (this.loading === undefined && this.cools()) throw new KeysAway('The keys could not be fetched a moment ago')
      return await this.load()
    } catch (error) {
      if (held === undefined || age >= staleMs) throw new KeysAway('The keys cannot be fetched', { cause: error })
      report.counters.add('identity_key_sets', { issuer, result: 'stale' })
      return held
    }
  }

  /** Undefined where there is nothing newer, or the cooldown forbids to look. */
  private async newer(than: Held): Promise<Held | undefined> {
    if (this.held !== undefined && this.held !== than) return this.held
    if (this.loading === undefined && this.cools()) return undefined
    return this.load().catch(() => undefined)
  }

  private cools(): boolean {
    return this.parts.clock.mono() - this.attemptedAt < this.parts.cooldownMs
  }

  private load(): Promise<Held> {
    this.loading ??= this.fetched().finally(() => {
      this.loading = undefined
    })
    return this.loading
  }

  private async fetched(): Promise<Held> {
    const { clock, issuer, report } = this.parts
    this.attemptedAt = clock.mono()
    try {
      const held = { resolver: createLocalJWKSet(publicOnly(await this.parts.load())), at: clock.mono() }
      this.held = held
      this.failing = false
      report.counters.add('identity_key_sets', { issuer, result: 'fetched' })
      return held
    } catch (error) {
      this.failing = true
      report.counters.add('identity_key_sets', { issuer, result: 'failed' })
      report.log('warn', 'The keys of an issuer cannot be fetched', {
        issuer,
        error: error instanceof Error ? error.message : String(error),
      })
      throw error
    }
  }
}

/** No symmetric key, whoever publishes one: with it anybody could sign. */
function publicOnly({ keys }: JSONWebKeySet): JSONWebKeySet {
  return { keys: keys.filter(({ kty }) => kty === 'RSA' || kty === 'EC' || kty === 'OKP') }
}

/** A token without `kid` may have been signed by any key of its kind. */
async function verifyBy(resolver: LocalJWKSet, token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, resolver, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
