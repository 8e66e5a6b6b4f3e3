// Translates what client and server can do between `initialize` and MCP 2026-07-28.

import type { ClientCapabilities, ClientInfo } from '../../core/call/call.ts'
import { withoutSecretsOf } from '../../core/call/client-info.ts'
import { presentCapabilities } from '../../core/protocol/absent.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type Implementation, isLegacyRevision, type LegacyRevision, legacyRevisions, tasksExtension } from '../../core/protocol/names.ts'

/** What `initialize` settled; nothing of it changes while the session lives. */
export interface Handshake {
  readonly revision: LegacyRevision
  readonly capabilities: ClientCapabilities
  readonly client: ClientInfo | undefined
  /** Lists whose changes the server announces. */
  readonly lists: readonly ListName[]
}

export type ListName = 'tools' | 'prompts' | 'resources'
export const listNames: readonly ListName[] = ['tools', 'prompts', 'resources']

/** The client's revision where it is served, else the newest one with a handshake (MCP 2025-11-25 §lifecycle). */
export function negotiate(requested: unknown): LegacyRevision {
  return typeof requested === 'string' && isLegacyRevision(requested) ? requested : legacyRevisions[0]
}

/** Client capabilities of `initialize` in the modern shape: `roots` loses its flag, tasks are not offered across. */
export function modernCapabilities(declared: unknown): ClientCapabilities {
  if (!isObject(declared)) return {}
  const { tasks: _, roots, sampling, elicitation, extensions, ...rest } = presentCapabilities(declared)
  const { [tasksExtension]: __, ...others } = isObject(extensions) ? extensions : {}
  return {
    ...rest,
    ...(isObject(roots) ? { roots: {} } : {}),
    ...(isObject(sampling) ? { sampling: withoutTasks(sampling) } : {}),
    ...(isObject(elicitation) ? { elicitation: Object.keys(elicitation).length === 0 ? { form: {} } : elicitation } : {}),
    ...(Object.keys(others).length === 0 ? {} : { extensions: others }),
  }
}

function withoutTasks(capability: Record<string, unknown>): Record<string, unknown> {
  const { tasks: _, ...rest } = capability
  return rest
}

/** `clientInfo` where it has the two fields that make it one. */
export function clientInfo(declared: unknown): ClientInfo | undefined {
  if (!isObject(declared) || typeof declared.name !== 'string' || typeof declared.version !== 'string') return undefined
  return withoutSecretsOf(declared as ClientInfo)
}

/** InitializeResult from a DiscoverResult: the handshake's revision, and no capability that ends at this door. */
export function initializeResult(discover: unknown, revision: LegacyRevision, server: Implementation): Record<string, unknown> {
  const found = isObject(discover) ? discover : {}
  return {
    protocolVersion: revision,
    capabilities: legacyServerCapabilities(found.capabilities),
    serverInfo: server,
    ...(typeof found.instructions === 'string' ? { instructions: found.instructions } : {}),
  }
}

function legacyServerCapabilities(capabilities: unknown): Record<string, unknown> {
  if (!isObject(capabilities)) return {}
  const { tasks: _, extensions, ...rest } = capabilities
  const { [tasksExtension]: __, ...others } = isObject(extensions) ? extensions : {}
  return Object.keys(others).length === 0 ? rest : { ...rest, extensions: others }
}

/** Lists whose changes the capabilities of a DiscoverResult announce. */
export function announcedLists(discover: unknown): readonly ListName[] {
  const capabilities = isObject(discover) && isObject(discover.capabilities) ? discover.capabilities : {}
  return listNames.filter((name) => {
    const capability = capabilities[name]
    return isObject(capability) && capability.listChanged === true
  })
}
