// What a mount says of itself (`DiscoverResult` of MCP 2026-07-28, less `supportedVersions`, which the doors know): capabilities and
// instructions. The aggregate's capabilities are constant, since a legacy client never reads them again.

import { extensionOf, offers, readsDirectories, subscribes } from '../../core/call/item-kinds.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { skillsExtension, tasksExtension, vendorPrefix } from '../../core/protocol/names.ts'
import type { Feed } from './ingest.ts'
import type { Selection } from './selection.ts'
import type { About } from './snapshot.ts'

/** MCP Apps (SEP-1865). */
const appsExtension = 'io.modelcontextprotocol/ui'

/** Extensions that cross the gateway; another one may need methods that do not. */
const carried = [tasksExtension, appsExtension, skillsExtension]

type Capabilities = Readonly<Record<string, unknown>>

export function capabilitiesOf(selection: Selection, feeds: readonly Feed[]): Capabilities {
  const known = feeds.flatMap((feed) => feed.snapshot?.about ?? [])
  const extensions = union(known)
  const base = selection.server === undefined ? aggregate : own(known[0]?.capabilities)
  return Object.keys(extensions).length === 0 ? base : { ...base, extensions }
}

/** `reached`: those of the servers that the caller can have anything of; what the others say of themselves is not for it. */
export function discovery(selection: Selection, feeds: readonly Feed[], reached: readonly Feed[]): Payload {
  const instructions = instructionsOf(selection, reached)
  const identity = selection.server === undefined ? undefined : feeds[0]?.snapshot?.about.identity
  return payloadOf({
    capabilities: capabilitiesOf(selection, feeds),
    ...(instructions === undefined ? {} : { instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    ...(identity === undefined ? {} : { _meta: { [`${vendorPrefix}server`]: identity } }),
  })
}

const aggregate: Capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
}

/** Exactly what the server has; that lists change is told by the gateway, which polls where the server does not say so. */
function own(capabilities: Capabilities | undefined): Capabilities {
  return {
    ...(offers(capabilities, 'tools') ? { tools: { listChanged: true } } : {}),
    ...(offers(capabilities, 'prompts') ? { prompts: { listChanged: true } } : {}),
    ...(offers(capabilities, 'resources')
      ? { resources: { ...(subscribes(capabilities) ? { subscribe: true } : {}), listChanged: true } }
      : {}),
    ...(isObject(capabilities?.completions) ? { completions: {} } : {}),
    ...(isObject(capabilities?.logging) ? { logging: {} } : {}),
  }
}

function union(known: readonly About[]): Record<string, unknown> {
  const extensions: Record<string, unknown> = {}
  for (const extension of carried) {
    for (const { capabilities } of known) {
      const settings = extensionOf(capabilities, extension)
      if (settings !== undefined) extensions[extension] ??= settings
    }
  }
  // One server that reads directories is enough: the others answer as for a directory that is not there.
  if (known.some(({ capabilities }) => readsDirectories(capabilities))) {
    extensions[skillsExtension] = { ...(extensions[skillsExtension] as object), directoryRead: true }
  }
  return extensions
}

function instructionsOf(selection: Selection, feeds: readonly Feed[]): string | undefined {
  if (selection.server !== undefined) return feeds[0]?.snapshot?.about.instructions
  const parts = feeds.flatMap((feed) => {
    const text = feed.snapshot?.about.instructions?.trim()
    return text === undefined || text === '' ? [] : [`## ${feed.id}\n${text}`]
  })
  return parts.length === 0 ? undefined : parts.join('\n\n')
}
