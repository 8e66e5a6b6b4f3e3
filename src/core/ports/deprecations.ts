// The end of tools as operators planned it while the gateway runs. What configuration plans goes before it.
import type { Deprecation } from '../call/deprecation.ts'
import type { UpstreamId } from '../call/item.ts'

export interface Deprecations {
  /** By the server's own name of the tool. */
  planOf(upstream: UpstreamId, tool: string): Deprecation | undefined
  /** Told when plans of a server are others. */
  onChange(listener: (upstream: UpstreamId) => void): () => void
}
