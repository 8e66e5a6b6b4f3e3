// Takes note of what was taken back, on every gateway of the store within some seconds: it is let in no more, and what runs or streams with it
// ends.
import { Expiry } from '../../core/call/expiry.ts'
import type { Principal } from '../../core/call/principal.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import { names, type Revocation, type RevocationStore } from './revocation-store.ts'

export interface RevocationsParts {
  readonly store: RevocationStore
  readonly clock: Clock
  readonly report: Report
  readonly decisions: Decisions
  /** What is remembered of these is to be forgotten. */
  readonly forget: (of: (principal: Principal) => boolean) => void
}

/** How often the store is read, in ms. */
const pollMs = 4_000

export class Revocations {
  private readonly parts: RevocationsParts
  private known: readonly Revocation[] = []
  private timer: Timer | undefined
  private lost = false
  private closed = false

  constructor(parts: RevocationsParts) {
    this.parts = parts
  }

  /** Resolves once the store was read, or could not be. */
  async start(): Promise<void> {
    await this.read()
    this.next()
  }

  close(): void {
    this.closed = true
    this.timer?.cancel()
  }

  /** `issuedAtMs`: what was issued to a subject or client after it was revoked is good; 0 where nobody knows. */
  revoked(principal: Principal, issuedAtMs: number): boolean {
    // Seconds are the finest that tokens say.
    return this.known.some((one) => names(one, principal) && (one.kind === 'token' || issuedAtMs < Math.floor(one.madeMs / 1_000) * 1_000))
  }

  private next(): void {
    if (this.closed) return
    this.timer = this.parts.clock.timer(pollMs, () =>
      inBackground(
        this.parts.report,
        'store',
        this.read().then(() => this.next()),
      ),
    )
  }

  private async read(): Promise<void> {
    const { store, report, clock, forget } = this.parts
    let found: readonly Revocation[]
    try {
      found = await store.list()
    } catch (error) {
      if (!this.lost) report.log('error', 'Revocations cannot be read; those that are known hold on', { error: (error as Error).message })
      this.lost = true
      return
    }
    this.lost = false
    const before = new Set(this.known.map(keyOf))
    const fresh = found.filter((one) => !before.has(keyOf(one)))
    this.known = found
    if (fresh.length === 0) return
    const isFresh = (principal: Principal): boolean => fresh.some((one) => names(one, principal))
    forget(isFresh)
    Expiry.endWhere(clock, isFresh)
    for (const one of fresh) this.note(one)
  }

  private note({ kind, value }: Revocation): void {
    this.parts.report.log('info', 'Credentials were revoked', { kind, value })
    this.parts.decisions.note({
      id: '',
      atMs: this.parts.clock.now(),
      about: 'token',
      allowed: false,
      principal: undefined,
      method: undefined,
      upstream: undefined,
      item: undefined,
      rule: 'revoked',
      credential: kind === 'token' ? value : '',
      reason: `${kind} ${value} was revoked`,
    })
  }
}

function keyOf({ kind, issuer, value, madeMs }: Revocation): string {
  return JSON.stringify([kind, issuer, value, madeMs])
}
