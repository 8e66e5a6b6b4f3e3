// The credential that a session lives on: every request shows one anew, and the newest counts. When it ends, so does what runs and what
// streams; the session itself waits for a request that brings another.
import { type Credential, Expiry } from '../../core/call/expiry.ts'
import { type Principal, sameRights } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'

export interface SessionCredentialParts {
  readonly clock: Clock
  readonly principal: Principal
  /** It has ended. */
  readonly expired: () => void
  /** A request brought another after it had ended. */
  readonly renewed: () => void
  /** A request brought one with other rights than the one before. */
  readonly rightsChanged: () => void
}

export class SessionCredential implements Credential {
  expiresAt: number | undefined
  private readonly parts: SessionCredentialParts
  private latest: Principal
  private expiry: Expiry | undefined
  private lapsed = false

  constructor(parts: SessionCredentialParts) {
    this.parts = parts
    this.latest = parts.principal
    this.expiresAt = parts.principal.expiresAt
    this.expiry = Expiry.of(parts.clock, this, () => this.expire())
  }

  /** The session's principal as its last request showed it. */
  get principal(): Principal {
    return this.latest
  }

  /** A request of the same principal came with this. */
  shown(principal: Principal): void {
    if (principal === this.latest) return
    const before = this.latest
    this.latest = principal
    this.prolonged(principal)
    if (!sameRights(before, principal)) this.parts.rightsChanged()
  }

  private prolonged({ expiresAt }: Principal): void {
    if (this.expiresAt === undefined || (expiresAt !== undefined && expiresAt <= this.expiresAt)) return
    this.expiresAt = expiresAt
    if (!this.lapsed) return
    this.lapsed = false
    this.expiry = Expiry.of(this.parts.clock, this, () => this.expire())
    this.parts.renewed()
  }

  close(): void {
    this.expiry?.close()
  }

  private expire(): void {
    this.lapsed = true
    // It may have been revoked: any that is good from now on is newer.
    const now = this.parts.clock.now()
    if (this.expiresAt === undefined || this.expiresAt > now) this.expiresAt = now
    this.parts.expired()
  }
}
