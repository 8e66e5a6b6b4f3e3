// Values of labels: bounded, whatever clients and servers send.
import { isMethod } from '../../core/call/call.ts'
import type { SettledCall } from '../../core/call/record.ts'
import { servedRevisions } from '../../core/protocol/names.ts'

/** What stands for all that is not told apart. */
export const other = '_OTHER'
const mostItems = 2_000

/** Requests of clients that are no calls, beside `families`. */
const otherMethods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** What was turned away may name any method at all. */
export function methodLabel({ method, family }: Pick<SettledCall, 'method' | 'family'>): string {
  return family !== 'refused' || method === '' || isMethod(method) || otherMethods.has(method) ? method : other
}

export function revisionLabel(revision: string | undefined): string {
  return revision === undefined || revision === '' ? '' : servedRevisions.includes(revision) ? revision : other
}

/** Names of items by their server: resource URIs and endless tool lists must not blow up the number of series. */
export class ItemLabels {
  private readonly seen = new Map<string, Set<string>>()
  private count = 0

  of(upstream: string, item: string | undefined): string {
    if (item === undefined) return ''
    const known = this.seen.get(upstream)
    if (known?.has(item) === true) return item
    if (item.includes('://')) return '_URI'
    if (this.count >= mostItems) return other
    this.count += 1
    if (known === undefined) this.seen.set(upstream, new Set([item]))
    else known.add(item)
    return item
  }
}

/** The name as the conventions want it: of tools and prompts that were resolved, else nothing, so that no client makes up series. */
export function namedItem(
  { itemKind, item, upstream }: Pick<SettledCall, 'itemKind' | 'item' | 'upstream'>,
  kind: 'tool' | 'prompt',
  items: ItemLabels,
): string {
  return itemKind === kind && upstream !== undefined ? items.of(upstream, item) : ''
}
