// Who may use what, as the catalog asks it for lists and look-ups. One decision stands behind this and behind the stage that refuses calls, so
// that what is listed and what may be called are the same.
import type { Caller } from '../call/call.ts'
import type { Item, UpstreamId } from '../call/item.ts'
import type { Pins } from '../call/tool-pins.ts'

export interface Access {
  /** Whether the caller may use the item now, or could with further scopes of its own: then lists show it. */
  sees(caller: Caller, item: Item): boolean
  /** Whether any rule leads the caller to the server at all. */
  reaches(caller: Caller, upstream: UpstreamId): boolean
  /** The same object for callers of the same rights, as long as they hold. */
  rights(caller: Caller): object
  /** Versions of tools that rules pin the caller to; absent where no rule pins anybody. */
  readonly pins?: ((caller: Caller) => Pins | undefined) | undefined
}
