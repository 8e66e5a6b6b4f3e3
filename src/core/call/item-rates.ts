// What counts as one where configuration says how often tools, prompts and resources may be used.
import type { Item } from './item.ts'
import type { ItemRates } from './tool-settings.ts'

/** The three that agents use by name or URI; a skill is read as a resource is. */
export type UsedKind = 'tool' | 'prompt' | 'resource'

/** What counts as one: a prompt, a resource of a list, all that comes from one template or skill, or what no list has. */
export interface Counted {
  readonly kind: UsedKind
  /** Equal for what counts together, within one server. */
  readonly key: string
  /** For people. */
  readonly name: string
  readonly rates: ItemRates
}

/** Of prompts and resources; undefined where configuration says nothing of the item. */
export type RatesOf = (item: Item) => Counted | undefined
