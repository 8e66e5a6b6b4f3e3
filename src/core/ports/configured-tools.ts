// What configuration says of the tools of all servers, as the catalog asks for it, and what of it selects nothing that they have.
import type { UpstreamId } from '../call/item.ts'
import type { ToolSettings } from '../call/tool-settings.ts'

export interface ConfiguredTools {
  /** By the upstream's own name of the tool. */
  settingsOf(upstream: UpstreamId, tool: string): ToolSettings
  /** Selectors of what the server has that select none of these. */
  unmatched(upstream: UpstreamId, listed: ListedNames): readonly UnmatchedSelector[]
}

/** The upstream's own names of what a server lists; undefined while that is not known. */
export interface ListedNames {
  readonly tools: readonly string[] | undefined
  readonly prompts: readonly string[] | undefined
  /** Of skills too. */
  readonly resources: readonly string[] | undefined
  readonly templates: readonly string[] | undefined
}

export interface UnmatchedSelector {
  /** The key of the configuration that it stands in. */
  readonly key: 'tools' | 'prompts' | 'resources'
  readonly selector: string
  /** Selectors that may have been meant. */
  readonly candidates: readonly string[]
}
