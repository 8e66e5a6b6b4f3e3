// The rates of prompts and resources, of all the selectors that select one: the more exact one wins, key by key. An agent can make up as
// many URIs as it likes, so that only what a list has counts by itself.
import type { Counted, RatesOf } from '../../core/call/item-rates.ts'
import { byExactness, readSelector, type Selector, selects } from '../../core/call/selector.ts'
import type { ItemRates } from '../../core/call/tool-settings.ts'
import type { PromptsSettings, ResourcesSettings } from './settings.ts'

interface Entry extends Selector {
  readonly text: string
  readonly rates: Partial<ItemRates>
}

const unlimited: ItemRates = { rate: undefined, ratePerPrincipal: undefined, ratePerRun: undefined }

/** Undefined where nothing is said. */
export function ratesBySelector(prompts: PromptsSettings, resources: ResourcesSettings): RatesOf | undefined {
  const ofPrompts = ascending(prompts)
  const ofResources = ascending(resources)
  if (ofPrompts.length + ofResources.length === 0) return undefined
  return ({ kind, upstream, name, within }) => {
    if (kind === 'tool') return undefined
    return kind === 'prompt'
      ? countedAs('prompt', ofPrompts, upstream, name, undefined)
      : countedAs('resource', ofResources, upstream, name, within)
  }
}

function countedAs(
  kind: Counted['kind'],
  entries: readonly Entry[],
  upstream: string,
  name: string,
  within: string | undefined,
): Counted | undefined {
  let rates: ItemRates | undefined
  let last = ''
  // Of two URIs that the same selectors select all rates are the same.
  let key = within ?? name
  for (const entry of entries) {
    if (!selects(entry, upstream, name) && (within === undefined || !selects(entry, upstream, within))) continue
    rates = { ...(rates ?? unlimited), ...entry.rates }
    last = entry.text
    key += `\0${entry.text}`
  }
  if (rates === undefined) return undefined
  return { kind, key, name: within === '' ? last : (within ?? name), rates }
}

function ascending(written: Readonly<Record<string, Partial<ItemRates>>>): readonly Entry[] {
  return Object.entries(written)
    .map(([text, rates]): Entry => ({ ...readSelector(text), text, rates }))
    .toSorted(byExactness)
}
