// What is shown of the tools that servers list, and what may be called of them: the catalog asks with every list that it has taken in. Those
// who ask know nothing of how contracts are judged (gateway/contracts).
import type { Call } from '../call/call.ts'
import type { ItemContract } from '../call/contract.ts'
import type { UpstreamId } from '../call/item.ts'
import type { Payload } from '../call/payload.ts'

/** A tool as its server lists it. The same object as long as the same bytes are listed. */
export interface ListedTool {
  readonly name: string
  readonly sent: Payload
}

export interface ToolRuling {
  /** The definition as sent, another one in its place, or none: then the tool is in no list, and a call of it is `tool_held`. */
  readonly shown: 'sent' | Payload | 'nothing'
  /** Why it is not shown, for people. */
  readonly reason?: string
  /** The same object as long as nothing changes for calls. */
  readonly contract: ItemContract | undefined
}

export interface Ruled {
  /** One for each tool, in their order. */
  readonly rulings: readonly ToolRuling[]
  /** Said when they begin to hold: lists that are read from then on show them. May be said again. */
  inForce(): void
}

export interface Contracts {
  /**
   * `session`: what one client session alone is shown. Costs a look at each tool while nothing has changed; what has changed is judged
   * first, within bounds. Never rejects but by a bug.
   */
  rule(upstream: UpstreamId, tools: readonly ListedTool[], session: boolean): Promise<Ruled>
  /** Told when the rulings of an upstream are others, though its tools are the same. */
  onChange(listener: (upstream: UpstreamId) => void): () => void
  /** A caller reads the list of tools of its mount. `first`: from its beginning. */
  read(call: Call, first: boolean): void
}
