// Changes that callers were told of before they were read: a list that they ask for next is to show them, so it waits until they are.
import type { ItemKind } from '../../core/call/item.ts'
import { kindsOf, type ListName } from '../../core/call/item-kinds.ts'

export class Promised {
  private readonly unread = new Set<ItemKind>()
  private readonly reading = new Set<ItemKind>()

  told(list: ListName): void {
    for (const kind of kindsOf(list)) this.unread.add(kind)
  }

  /** A list is read from now on; what is told of while it is read needs another. */
  begins(kind: ItemKind): void {
    if (this.unread.delete(kind)) this.reading.add(kind)
  }

  /** It came, or failed. */
  ends(kind: ItemKind): void {
    this.reading.delete(kind)
  }

  /** The server is away: nobody waits for it. */
  failed(): void {
    this.unread.clear()
  }

  isOwed(kind: ItemKind): boolean {
    return this.unread.has(kind) || this.reading.has(kind)
  }
}
