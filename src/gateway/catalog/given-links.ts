// Whose the URIs are that results gave to a caller as links: of what no list shows, a URI does not tell its server. Kept by mount and
// principal, and by session where there is one, so that nobody's links lead anybody else; bounded, and forgotten with the process: what is
// not known here is asked of the servers in turn.
import { LRUCache } from 'lru-cache'
import type { Call, UpstreamId } from '../../core/call/call.ts'
import { principalKey } from '../../core/call/principal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'

/** A server and its own URI. */
export interface Given {
  readonly upstream: UpstreamId
  readonly own: string
}

/** Most characters of all keys; one takes some more. */
const mostCharacters = 4_194_304
const perEntry = 128
const longestUri = 4_096

type Asking = Pick<Call, 'mount' | 'caller'>

export class GivenLinks {
  private readonly known = new LRUCache<TenantKey, Given>({
    maxSize: mostCharacters,
    sizeCalculation: ({ own }, key) => key.length + own.length + perEntry,
  })

  /** The last server that gave a URI is the one that is meant; of the caller's own session, where that has it. */
  note(asking: Asking, visible: string, given: Given): void {
    if (visible.length > longestUri) return
    this.known.set(keyOf(asking, undefined, visible), given)
    const { affinity } = asking.caller
    if (affinity !== undefined) this.known.set(keyOf(asking, affinity, visible), given)
  }

  find(asking: Asking, visible: string): Given | undefined {
    const { affinity } = asking.caller
    const own = affinity === undefined ? undefined : this.known.get(keyOf(asking, affinity, visible))
    return own ?? this.known.get(keyOf(asking, undefined, visible))
  }
}

function keyOf({ mount, caller }: Asking, affinity: string | undefined, visible: string): TenantKey {
  const { principal } = caller
  return tenantKey(principal.tenant, principalKey(principal), mount, affinity ?? '', visible)
}
