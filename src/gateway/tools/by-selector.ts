// The settings of each tool, of all the selectors that select it: the more exact one wins, key by key.
import type { UpstreamId } from '../../core/call/item.ts'
import { byExactness, readSelector, type Selector, selects } from '../../core/call/selector.ts'
import { type ToolSettings, unconfigured } from '../../core/call/tool-settings.ts'
import type { ConfiguredTools, UnmatchedSelector } from '../../core/ports/configured-tools.ts'
import { nearest } from '../../core/text/nearest.ts'
import type { ToolsSettings } from './settings.ts'

interface Entry extends Selector {
  readonly text: string
  readonly settings: ToolsSettings[string]
}

export function toolsBySelector(written: ToolsSettings): ConfiguredTools {
  const entries = Object.entries(written).map(([text, settings]): Entry => ({ ...readSelector(text), text, settings }))
  const ascending = entries.toSorted(byExactness)
  return {
    settingsOf: (upstream, tool) => {
      let found: ToolSettings = unconfigured
      for (const entry of ascending) if (selects(entry, upstream, tool)) found = { ...found, ...entry.settings }
      return found
    },
    unmatched: (upstream, tools) =>
      entries
        .filter((entry) => entry.server === upstream && entry.name !== undefined && !tools.some((tool) => selects(entry, upstream, tool)))
        .map((entry) => unmatched(upstream, entry, tools)),
  }
}

function unmatched(upstream: UpstreamId, { text, name = '', open }: Entry, tools: readonly string[]): UnmatchedSelector {
  const near = open ? [] : nearest(name, tools)
  return { selector: text, candidates: near.map((tool) => `${upstream}/${tool}`) }
}
