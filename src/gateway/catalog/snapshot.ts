// What one upstream offers at one moment: immutable, swapped whole. It can be written down and read back, so that a cold start answers
// from the last known one.

import type { UpstreamId } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds } from '../../core/call/item-kinds.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import type { UpstreamDescription } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { elements } from '../../core/protocol/scan.ts'
import type { Definition, Quarantined } from './definition.ts'

/** What the gateway must know of a server to speak for it while it is away. */
export type About = Pick<UpstreamDescription, 'identity' | 'capabilities' | 'instructions'>

export interface List {
  /** What is shown. */
  readonly definitions: readonly Definition[]
  /** What the server listed, where what is shown may be something else. */
  readonly listed?: readonly Definition[] | undefined
  readonly quarantined: readonly Quarantined[]
  /** Equal for equal definitions in equal order. */
  readonly version: string
  /** To be called once callers are shown it. */
  readonly inForce?: (() => void) | undefined
}

/** The definitions as their server sent them. */
export function listedOf({ listed, definitions }: List): readonly Definition[] {
  return listed ?? definitions
}

export interface Snapshot {
  readonly upstream: UpstreamId
  /** Counts the snapshots of this upstream in this process. */
  readonly generation: number
  /** False while it comes from the store and the server has not confirmed it. */
  readonly live: boolean
  readonly about: About
  /** A kind is absent until it was listed once; a kind that the server does not have is an empty list. */
  readonly lists: Readonly<Partial<Record<ItemKind, List>>>
}

/** Keeps last known catalogues, by a hash of the configuration of their server. `save` may be called often; it replaces. */
export interface CatalogStore {
  load(configHash: string): Promise<Uint8Array | undefined>
  save(configHash: string, snapshot: Uint8Array): Promise<void>
}

/** The form of the store: definitions byte for byte, so that numbers and unknown fields survive the restart too. */
const form = 1

export function writeSnapshot(snapshot: Snapshot): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`{"form":${form},"about":${JSON.stringify(snapshot.about)},"lists":{`)]
  let first = true
  for (const kind of allKinds) {
    const list = snapshot.lists[kind]
    if (list === undefined) continue
    parts.push(Buffer.from(`${first ? '' : ','}"${kind}":[`))
    first = false
    listedOf(list).forEach((definition, index) => {
      if (index > 0) parts.push(comma)
      parts.push(definition.sent.bytes)
    })
    parts.push(Buffer.from(']'))
  }
  parts.push(Buffer.from('}}'))
  return Buffer.concat(parts)
}

const comma = Buffer.from(',')

/** The stored parts, definitions unjudged; undefined where it is of another form or damaged. */
export function readSnapshot(bytes: Uint8Array): { about: About; lists: Partial<Record<ItemKind, Payload[]>> } | undefined {
  try {
    const head = locate(bytes, ['form'])
    const about = locate(bytes, ['about'])
    if (head === undefined || about === undefined || Buffer.from(head).toString() !== String(form)) return undefined
    const value: unknown = JSON.parse(Buffer.from(about).toString('utf8'))
    if (!isObject(value)) return undefined
    const lists: Partial<Record<ItemKind, Payload[]>> = {}
    for (const kind of allKinds) {
      const list = locate(bytes, ['lists', kind])
      if (list !== undefined) lists[kind] = elements(list, 0).map(({ start, end }) => payload(list.subarray(start, end)))
    }
    return { about: aboutOf(value), lists }
  } catch {
    // A damaged file is no reason not to start: the server is asked anyway.
    return undefined
  }
}

function aboutOf(value: Record<string, unknown>): About {
  const { identity, capabilities, instructions } = value
  return {
    identity:
      isObject(identity) && typeof identity.name === 'string' && typeof identity.version === 'string'
        ? { ...identity, name: identity.name, version: identity.version }
        : undefined,
    capabilities: isObject(capabilities) ? capabilities : undefined,
    instructions: typeof instructions === 'string' ? instructions : undefined,
  }
}
