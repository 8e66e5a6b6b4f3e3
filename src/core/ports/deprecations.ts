// The end of tools, as whoever shows and serves them asks for it: the plan that holds, whoever made it.
import type { Deprecation } from '../call/deprecation.ts'
import type { UpstreamId } from '../call/item.ts'

export interface Deprecations {
  /** By the server's own name of the tool. */
  planOf(upstream: UpstreamId, tool: string): Deprecation | undefined
  /** Told when plans of a server are others. */
  onChange(listener: (upstream: UpstreamId) => void): () => void
}
