// Which lists of tools callers have read last: by session where there is one, else by run. Bounded: of who has read long ago it is not known.
import { LRUCache } from 'lru-cache'
import type { Call } from '../../core/call/call.ts'
import { principalKey } from '../../core/call/principal.ts'
import { runKey } from '../../core/call/run.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'

const most = 20_000

export class Readers {
  private readonly epochs = new LRUCache<TenantKey, number>({ max: most })

  /** `first`: the list is read from its beginning; of later pages the beginning counts. */
  note(call: Call, first: boolean, epoch: number): void {
    const key = keyOf(call)
    if (first || !this.epochs.has(key)) this.epochs.set(key, epoch)
  }

  of(call: Call): number | undefined {
    return this.epochs.get(keyOf(call))
  }
}

function keyOf({ caller: { affinity, principal }, mount, run }: Call): TenantKey {
  return affinity === undefined
    ? tenantKey(principal.tenant, 'run', mount, runKey(principal, run))
    : tenantKey(principal.tenant, 'session', mount, principalKey(principal), affinity)
}
