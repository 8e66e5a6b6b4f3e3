// What configuration says of the tools of all servers, as the catalog asks for it.
import type { UpstreamId } from '../call/item.ts'
import type { ToolSettings } from '../call/tool-settings.ts'

export interface ConfiguredTools {
  /** By the upstream's own name of the tool. */
  settingsOf(upstream: UpstreamId, tool: string): ToolSettings
  /** Selectors of the server's tools that select none of these. */
  unmatched(upstream: UpstreamId, tools: readonly string[]): readonly UnmatchedSelector[]
}

export interface UnmatchedSelector {
  readonly selector: string
  /** Selectors that may have been meant. */
  readonly candidates: readonly string[]
}
