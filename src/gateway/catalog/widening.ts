// A server may have more for clients with sessions. It is asked for that once such a client is here, and not before, since it may cost another
// process; until its lists have that too, the lists of these clients wait a moment.
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds } from '../../core/call/item-kinds.ts'
import type { Upstream } from '../../core/ports/upstream.ts'

export class Widening {
  private readonly upstream: Upstream
  private readonly awaited = new Set<ItemKind>()
  private wide = false

  constructor(upstream: Upstream) {
    this.upstream = upstream
  }

  /** Lists that are begun now have what the server has for sessions too. */
  get isWide(): boolean {
    return this.wide
  }

  /** A client with a session is here. Whether it is awaited what comes of that, `awaits` tells, and asks for nothing. */
  want(): void {
    this.upstream.wantSessions?.()
  }

  awaits(kind: ItemKind): boolean {
    return this.upstream.sessionsPending?.() === true || this.awaited.has(kind)
  }

  /** The server has changed what it says of itself; true, once, where it turned out to have sessions too: every list is to be read anew. */
  begins(): boolean {
    if (this.wide || this.upstream.describe().sessionRevision === undefined) return false
    this.wide = true
    for (const kind of allKinds) this.awaited.add(kind)
    return true
  }

  /** A list that was begun since has come, or failed. */
  settled(kind: ItemKind): void {
    this.awaited.delete(kind)
  }

  failed(): void {
    this.awaited.clear()
  }
}
