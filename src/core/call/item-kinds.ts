// The five kinds of item: which method lists them, where in its result they stand, and by which member they are known.

import type { Method } from '../call/call.ts'
import type { ItemKind } from '../call/item.ts'
import { isObject } from '../protocol/is-object.ts'
import { skillsExtension } from '../protocol/names.ts'

/** The three lists whose change a client may be told of. */
export type ListName = 'tools' | 'prompts' | 'resources'

export const listNames: readonly ListName[] = ['tools', 'prompts', 'resources']

interface KindFacts {
  readonly method: Method
  /** Member of the list result. */
  readonly member: string
  /** Member of a definition that names it. */
  readonly key: 'name' | 'uri' | 'uriTemplate'
  /** The list that changes with them; also the capability that a server with such items declares, where `extension` names none. */
  readonly list: ListName
  readonly extension?: string
  /** The word for people. */
  readonly word: string
}

export const kinds: Readonly<Record<ItemKind, KindFacts>> = {
  tool: { method: 'tools/list', member: 'tools', key: 'name', list: 'tools', word: 'tool' },
  prompt: { method: 'prompts/list', member: 'prompts', key: 'name', list: 'prompts', word: 'prompt' },
  resource: { method: 'resources/list', member: 'resources', key: 'uri', list: 'resources', word: 'resource' },
  template: { method: 'resources/templates/list', member: 'resourceTemplates', key: 'uriTemplate', list: 'resources', word: 'template' },
  skill: { method: 'skills/list', member: 'skills', key: 'uri', list: 'resources', extension: skillsExtension, word: 'skill' },
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

type Capabilities = Readonly<Record<string, unknown>> | undefined

/** What a server declares of an extension; undefined where it does not. */
export function extensionOf(capabilities: Capabilities, extension: string): Readonly<Record<string, unknown>> | undefined {
  const extensions = capabilities?.extensions
  const settings = isObject(extensions) && Object.hasOwn(extensions, extension) ? extensions[extension] : undefined
  return isObject(settings) ? settings : undefined
}

/** Whether a server with these capabilities may have items of the kind. */
export function has(capabilities: Capabilities, kind: ItemKind): boolean {
  const { list, extension } = kinds[kind]
  return extension === undefined ? offers(capabilities, list) : extensionOf(capabilities, extension) !== undefined
}

/** Whether it answers `resources/directory/read` (SEP-2640). */
export function readsDirectories(capabilities: Capabilities): boolean {
  return extensionOf(capabilities, skillsExtension)?.directoryRead === true
}

/** Whether it says when its items of the kind change. Of skills it need not: their files and digests may change under the same names. */
export function announcesKind(capabilities: Capabilities, kind: ItemKind): boolean {
  return kinds[kind].extension === undefined && announces(capabilities, kinds[kind].list)
}

/** Whether a server with these capabilities has such a list at all. */
export function offers(capabilities: Capabilities, list: ListName): boolean {
  const capability = capabilities?.[list]
  return capability !== undefined && capability !== null && capability !== false
}

/** Whether it says when that list changes. */
export function announces(capabilities: Capabilities, list: ListName): boolean {
  const capability = capabilities?.[list]
  return isObject(capability) && capability.listChanged === true
}

/** Whether it tells of changes to single resources. */
export function subscribes(capabilities: Capabilities): boolean {
  const capability = capabilities?.resources
  return isObject(capability) && capability.subscribe === true
}
