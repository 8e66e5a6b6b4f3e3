// Verdicts on credentials that are used again: the next call with the same credential costs one look-up, and no promise.
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Identified } from '../../core/ports/gateway.ts'
import type { Good } from './checked.ts'
import type { Confirmation } from './confirmation.ts'

/** Credentials whose verdict is kept. */
const most = 10_000
/** Header lines that are known whole. */
const mostLines = 2_048
/** Characters at the end of a line that tell it from others: a token ends in its signature. To hash a whole one costs more than to compare it. */
const tail = 32

export interface Verdict {
  /** The same object each time, so that whatever is kept by principal is found. */
  readonly identified: Identified & { readonly principal: Principal }
  readonly confirmation: Confirmation | undefined
  readonly good: Good
  /** Monotonic ms from which it is asked for anew. */
  readonly until: number
}

interface KnownLine {
  readonly mount: string
  readonly line: string
  readonly verdict: Verdict
}

/** By the digest of the credential and the mount that it was shown to: what is good for one address need not be for another. */
export class VerifiedCache {
  private readonly clock: Clock
  private readonly known = new LRUCache<string, Verdict>({ max: most })
  /** In memory alone, like the requests themselves. */
  private readonly lines = new Map<string, KnownLine>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  get(key: string): Verdict | undefined {
    const verdict = this.known.get(key)
    return verdict !== undefined && this.holds(verdict) ? verdict : undefined
  }

  /** The verdict on the credential of a line that was kept. */
  ofLine(mount: string, line: string): Verdict | undefined {
    const found = this.lines.get(mount + line.slice(-tail))
    return found !== undefined && found.line === line && found.mount === mount && this.holds(found.verdict) ? found.verdict : undefined
  }

  /** `line`: the whole value of `Authorization`, where it is enough by itself: nothing has to be shown with it. */
  keepLine(mount: string, line: string, verdict: Verdict): void {
    const [oldest] = this.lines.size < mostLines ? [] : this.lines.keys()
    if (oldest !== undefined) this.lines.delete(oldest)
    this.lines.set(mount + line.slice(-tail), { mount, line, verdict })
  }

  private holds({ until, identified }: Verdict): boolean {
    const { expiresAt } = identified.principal
    return this.clock.mono() < until && (expiresAt === undefined || this.clock.now() < expiresAt)
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
    this.lines.clear()
  }
}

export function digestOf(token: string): string {
  return hash('sha256', token, 'base64url')
}

function alike(a: Principal, b: Principal): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
