// The settings of each tool, of all the selectors that select it: the more exact one wins, key by key.
import type { UpstreamId } from '../../core/call/item.ts'
import { byExactness, maySelectFrom, readSelector, type Selector, selects } from '../../core/call/selector.ts'
import { type ToolSettings, unconfigured } from '../../core/call/tool-settings.ts'
import { versionOf } from '../../core/call/tool-version.ts'
import type { ConfiguredTools, UnmatchedSelector } from '../../core/ports/configured-tools.ts'
import { nearest } from '../../core/text/nearest.ts'
import type { ToolsSettings } from './settings.ts'

interface Entry extends Selector {
  readonly text: string
  readonly settings: ToolsSettings[string]
}

/** `uses`: the selectors of prompts and resources, of which it is known here only what they select. */
export function toolsBySelector(
  written: ToolsSettings,
  uses: { readonly prompts?: object; readonly resources?: object } = {},
): ConfiguredTools {
  const entries = Object.entries(written).map(([text, settings]): Entry => ({ ...readSelector(text), text, settings }))
  const ascending = entries.toSorted(byExactness)
  const prompts = selectorsOf(uses.prompts)
  const resources = selectorsOf(uses.resources)
  return {
    settingsOf: (upstream, tool) => {
      let found: ToolSettings = unconfigured
      for (const entry of ascending) if (selects(entry, upstream, tool)) found = { ...found, ...entry.settings }
      return found
    },
    unmatched: (upstream, listed) => [
      ...unmatched('tools', entries, upstream, withFamilies(listed.tools)),
      ...unmatched('prompts', prompts, upstream, listed.prompts),
      ...(listed.templates === undefined ? [] : unmatched('resources', resources, upstream, listed.resources, listed.templates)),
    ],
  }
}

/** A family has settings by its own name, though no tool need be called so. */
function withFamilies(names: readonly string[] | undefined): readonly string[] | undefined {
  return names === undefined ? undefined : [...new Set([...names, ...names.flatMap((name) => versionOf(name)?.family ?? [])])]
}

interface Written extends Selector {
  readonly text: string
}

function selectorsOf(written: object = {}): readonly Written[] {
  return Object.keys(written).map((text) => ({ ...readSelector(text), text }))
}

function unmatched(
  key: UnmatchedSelector['key'],
  written: readonly Written[],
  upstream: UpstreamId,
  names: readonly string[] | undefined,
  templates: readonly string[] = [],
): readonly UnmatchedSelector[] {
  if (names === undefined) return []
  return written
    .filter(
      (one) =>
        one.server === upstream &&
        one.name !== undefined &&
        !names.some((name) => selects(one, upstream, name)) &&
        !templates.some((template) => maySelectFrom(one, upstream, template)),
    )
    .map(({ text, name = '', open }) => {
      const near = open ? [] : nearest(name, names)
      return { key, selector: text, candidates: near.map((candidate) => `${upstream}/${candidate}`) }
    })
}
