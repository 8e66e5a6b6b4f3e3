// A server of both eras may have more for clients with sessions. It is asked for that once such a client is here, and not before, since it
// may cost another process; until its lists are those of both eras, the lists of these clients wait a moment.
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds } from '../../core/call/item-kinds.ts'
import type { Upstream } from '../../core/ports/upstream.ts'

export class Widening {
  private readonly upstream: Upstream
  private readonly awaited = new Set<ItemKind>()
  private bothEras = false

  constructor(upstream: Upstream) {
    this.upstream = upstream
  }

  /** Lists that are begun now are those of both eras. */
  get isWide(): boolean {
    return this.bothEras
  }

  /** A client with a session is here. True while something may come of it. */
  awaits(kind: ItemKind): boolean {
    return this.upstream.sessionsWanted?.() === true || this.awaited.has(kind)
  }

  /** The server has changed what it says of itself; true, once, where it turned out to be of both eras: every list is to be read anew. */
  begins(): boolean {
    if (this.bothEras || this.upstream.describe().sessionRevision === undefined) return false
    this.bothEras = true
    for (const kind of allKinds) this.awaited.add(kind)
    return true
  }

  /** A list that was begun as one of both eras has come, or failed. */
  settled(kind: ItemKind): void {
    this.awaited.delete(kind)
  }

  failed(): void {
    this.awaited.clear()
  }
}
