// When each caller last called something at a server that may have changed what it holds: what the caller was told before is not told again.
import type { TargetedCall } from '../../core/call/call.ts'
import { principalKey } from '../../core/call/principal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'

/** Callers, each at one server. Of those beyond it is known only that all of their writes were before some time. */
export const mostWriters = 10_000

export class Writes {
  /** Monotonic ms, the one that wrote longest ago first. */
  private readonly last = new Map<TenantKey, number>()
  private forgotten = Number.NEGATIVE_INFINITY

  note(call: TargetedCall, atMs: number): void {
    const key = keyOf(call)
    this.last.delete(key)
    this.last.set(key, atMs)
    if (this.last.size <= mostWriters) return
    for (const [oldest, at] of this.last) {
      this.last.delete(oldest)
      this.forgotten = at
      break
    }
  }

  /** No write of this caller at this server was after that. */
  lastOf(call: TargetedCall): number {
    return this.last.get(keyOf(call)) ?? this.forgotten
  }
}

function keyOf({ caller, upstream }: TargetedCall): TenantKey {
  const { principal } = caller
  return tenantKey(principal.tenant, principalKey(principal), upstream)
}
