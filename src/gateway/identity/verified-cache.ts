// Verdicts on credentials that are used again: the next call with the same credential costs two look-ups, and no promise.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Identified } from '../../core/ports/gateway.ts'
import type { Good } from './checked.ts'
import type { Confirmation } from './confirmation.ts'

/** Credentials whose verdict is kept. */
const most = 10_000

export interface Verdict {
  /** The same object each time, so that whatever is kept by principal is found. */
  readonly identified: Identified & { readonly principal: Principal }
  readonly confirmation: Confirmation | undefined
  readonly good: Good
  /** Monotonic ms from which it is asked for anew. */
  readonly until: number
}

/** By the digest of the credential and the mount that it was shown to: what is good for one address need not be for another. */
export class VerifiedCache {
  private readonly clock: Clock
  private readonly known = new LRUCache<string, Verdict>({ max: most })

  constructor(clock: Clock) {
    this.clock = clock
  }

  get(key: string): Verdict | undefined {
    const verdict = this.known.get(key)
    if (verdict === undefined) return undefined
    const { expiresAt } = verdict.identified.principal
    return this.clock.mono() < verdict.until && (expiresAt === undefined || this.clock.now() < expiresAt) ? verdict : undefined
  }

  put(key: string, good: Good): Verdict {
    const { principal, confirmation, holdsMs } = good
    const before = this.known.get(key)?.identified
    const verdict = {
      identified: before !== undefined && alike(before.principal, principal) ? before : { principal },
      confirmation,
      good,
      until: this.clock.mono() + holdsMs,
    }
    this.known.set(key, verdict)
    return verdict
  }

  /** Those of whom it is true are asked for anew. */
  forget(of: (principal: Principal) => boolean): void {
    for (const [key, { identified }] of this.known.entries()) if (of(identified.principal)) this.known.delete(key)
  }
}

/** Credentials whose digest is kept. */
const mostDigests = 1_024

/** Digests of the credentials that were shown last: to find one costs a fifth of making it. In memory alone, like the requests themselves. */
export class Digests {
  private readonly known = new LRUCache<string, string>({ max: mostDigests })

  of(token: string): string {
    let digest = this.known.get(token)
    if (digest === undefined) {
      digest = digestOf(token)
      this.known.set(token, digest)
    }
    return digest
  }
}

export function digestOf(token: string): string {
  return hash('sha256', token, 'base64url')
}

function alike(a: Principal, b: Principal): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
