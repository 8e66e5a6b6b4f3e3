// What operators are shown of one server: bounded, whatever names and reasons it sends and however many.
import type { UpstreamId } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds, has } from '../../core/call/item-kinds.ts'
import type { ConfiguredTools, UnmatchedSelector } from '../../core/ports/configured-tools.ts'
import type { EraDifference, ServedState } from '../../core/ports/upstream.ts'
import type { Quarantined } from './definition.ts'
import type { Feed } from './ingest.ts'
import type { Collision } from './published.ts'
import type { List } from './snapshot.ts'

/** Definitions and remarks of one server that are shown one by one. */
const mostShown = 100
/** Characters of a name, a path or a reason. */
const longest = 200
/** Of why a server is not ready, which names up to all of its lists. */
const longestReason = 2_000

export interface UpstreamStatus {
  readonly server: UpstreamId
  readonly state: ServedState
  /** Why something is missing, for people. */
  readonly reason: string | undefined
  readonly revision: string | undefined
  /** The revision in which session clients are served, of a server of both eras that was asked for it. */
  readonly sessionRevision: string | undefined
  readonly transport: string
  readonly identity: { readonly name: string; readonly version: string } | undefined
  /** Items that are served; undefined while it is not known what the server has. */
  readonly counts: Readonly<Record<ItemKind, number | undefined>>
  readonly generation: number
  /** False while the items come from the store and the server has not confirmed them. */
  readonly live: boolean
  /** True while an attempt is under way that may bring lists which are not known yet. */
  readonly pending: boolean
  /** The first of them. */
  readonly quarantined: readonly Quarantined[]
  /** Lists that could not be read to their end, of which a part is served. */
  readonly incomplete: readonly { readonly kind: ItemKind; readonly reason: string }[]
  /** Names and URIs on the aggregate that this server lost to another. */
  readonly collisions: readonly Collision[]
  /** Selectors of `tools`, `prompts` and `resources` that select nothing of it; none while it is not known what it has. */
  readonly unmatched: readonly UnmatchedSelector[]
  /** Items that the two eras of the server do not show alike, the first of them. */
  readonly differences: readonly EraDifference[]
  /** Remarks on items that are served, for example a pattern that is not enforced. */
  readonly notes: readonly { readonly item: string; readonly note: string }[]
}

export function statusOf(feed: Feed, collisions: readonly Collision[], configured: ConfiguredTools): UpstreamStatus {
  const { snapshot, upstream } = feed
  const described = upstream.describe()
  const lists = Object.values(snapshot?.lists ?? {})
  const names = (kind: ItemKind): readonly string[] | undefined => {
    if (snapshot?.live !== true) return undefined
    const { capabilities } = snapshot.about
    const list = snapshot.lists[kind]
    return list === undefined && capabilities !== undefined && !has(capabilities, kind) ? [] : list?.definitions.map(({ name }) => name)
  }
  const resources = names('resource')
  const count = (kind: ItemKind): number | undefined => snapshot?.lists[kind]?.definitions.length
  return {
    server: feed.id,
    state: feed.state,
    reason: feed.reason?.slice(0, longestReason),
    revision: described.revision,
    sessionRevision: described.sessionRevision,
    transport: described.transport,
    identity: described.identity ?? snapshot?.about.identity,
    counts: {
      tool: count('tool'),
      prompt: count('prompt'),
      resource: count('resource'),
      template: count('template'),
      skill: count('skill'),
    },
    generation: snapshot?.generation ?? 0,
    live: snapshot?.live ?? false,
    pending: allKinds.some((kind) => feed.lacks(kind) && feed.hopeful(kind)),
    quarantined: firstOf(lists),
    incomplete: feed.incomplete,
    collisions: collisions.filter((collision) => collision.loser === feed.id),
    unmatched: configured.unmatched(feed.id, {
      tools: names('tool'),
      prompts: names('prompt'),
      resources: resources === undefined ? undefined : [...resources, ...(names('skill') ?? [])],
      templates: names('template'),
    }),
    differences: (described.differences ?? []).slice(0, mostShown).map(({ name, ...more }) => ({ ...more, name: cut(name) })),
    notes: notesOf(lists),
  }
}

function firstOf(lists: readonly List[]): readonly Quarantined[] {
  const all = lists.flatMap((list) => list.quarantined)
  // The line that tells of more takes the place of none.
  const number = all.length === mostShown + 1 ? all.length : mostShown
  const first = all.slice(0, number).map((one) => ({
    ...one,
    name: one.name === undefined ? undefined : cut(one.name),
    path: cut(one.path),
    reason: cut(one.reason),
  }))
  const [more] = all.slice(number)
  if (more === undefined) return first
  return [...first, { kind: more.kind, name: undefined, path: '', reason: `${all.length - number} more were set aside` }]
}

function notesOf(lists: readonly List[]): UpstreamStatus['notes'] {
  const found: { item: string; note: string }[] = []
  let more = 0
  for (const { definitions } of lists) {
    for (const { name, notes } of definitions) {
      for (const note of notes) {
        if (found.length < mostShown) found.push({ item: cut(name), note })
        else more += 1
      }
    }
  }
  return more === 0 ? found : [...found, { item: '', note: `${more} more remarks` }]
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
