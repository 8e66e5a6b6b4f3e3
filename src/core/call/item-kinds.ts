// The four kinds of item: which method lists them, where in its result they stand, and by which member they are known.

import type { Method } from '../call/call.ts'
import type { ItemKind } from '../call/item.ts'
import { isObject } from '../protocol/is-object.ts'

/** The three lists whose change a client may be told of. */
export type ListName = 'tools' | 'prompts' | 'resources'

interface KindFacts {
  readonly method: Method
  /** Member of the list result. */
  readonly member: string
  /** Member of a definition that names it. */
  readonly key: 'name' | 'uri' | 'uriTemplate'
  /** Capability that a server with such items declares, and the list that changes with them. */
  readonly list: ListName
  /** The word for people. */
  readonly word: string
}

export const kinds: Readonly<Record<ItemKind, KindFacts>> = {
  tool: { method: 'tools/list', member: 'tools', key: 'name', list: 'tools', word: 'tool' },
  prompt: { method: 'prompts/list', member: 'prompts', key: 'name', list: 'prompts', word: 'prompt' },
  resource: { method: 'resources/list', member: 'resources', key: 'uri', list: 'resources', word: 'resource' },
  template: { method: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate', list: 'resources', word: 'template' },
}

export const allKinds = Object.keys(kinds) as readonly ItemKind[]

export function kindsOf(list: ListName): readonly ItemKind[] {
  return allKinds.filter((kind) => kinds[kind].list === list)
}

const listed: ReadonlyMap<string, ItemKind> = new Map(allKinds.map((kind) => [kinds[kind].method, kind]))

/** The kind that a list method lists. */
export function kindListedBy(method: Method): ItemKind | undefined {
  return listed.get(method)
}

/** Whether a server with these capabilities has such a list at all. */
export function offers(capabilities: Readonly<Record<string, unknown>> | undefined, list: ListName): boolean {
  const capability = capabilities?.[list]
  return capability !== undefined && capability !== null && capability !== false
}

/** Whether it says when that list changes. */
export function announces(capabilities: Readonly<Record<string, unknown>> | undefined, list: ListName): boolean {
  const capability = capabilities?.[list]
  return isObject(capability) && capability.listChanged === true
}

/** Whether it tells of changes to single resources. */
export function subscribes(capabilities: Readonly<Record<string, unknown>> | undefined): boolean {
  const capability = capabilities?.resources
  return isObject(capability) && capability.subscribe === true
}
