// The per-request envelope of MCP 2026-07-28: what a client says of itself in `params._meta`, checked key by key.

import { type ClientCapabilities, type ClientInfo, type LogLevel, logLevels } from '../../core/call/call.ts'
import { withoutSecretsOf } from '../../core/call/client-info.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { presentCapabilities } from '../../core/protocol/absent.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { metaKey, modernRevision } from '../../core/protocol/names.ts'

/** One parsed JSON object that claims to be a JSON-RPC message. */
export type Message = Readonly<Record<string, unknown>>

export interface Envelope {
  /** `io.modelcontextprotocol/protocolVersion` as claimed; not yet known to be served. */
  readonly revision: string
  readonly client: ClientInfo | undefined
  readonly capabilities: ClientCapabilities
  readonly logLevel: LogLevel | undefined
}

/** `params._meta` where it is an object. */
export function metaOf(message: unknown): Message | undefined {
  if (!isObject(message) || !isObject(message.params)) return undefined
  const meta = message.params._meta
  return isObject(meta) ? meta : undefined
}

/** The revision that a message names, served here or not; for the record of what is turned away. */
export function claimedRevision(message: unknown): string | undefined {
  const claim = metaOf(message)?.[metaKey.protocolVersion]
  if (typeof claim === 'string') return claim
  if (!isObject(message) || message.method !== 'initialize' || !isObject(message.params)) return undefined
  return typeof message.params.protocolVersion === 'string' ? message.params.protocolVersion : undefined
}

/** True where the claim key stands in `params._meta`, even with a malformed value: the message is meant for a modern server. */
export function hasClaim(message: unknown): boolean {
  const meta = metaOf(message)
  return meta !== undefined && Object.hasOwn(meta, metaKey.protocolVersion)
}

/** True where the whole envelope is well-formed and names a modern revision: only such a claim turns `initialize` into a modern request. */
export function hasValidModernClaim(message: unknown): boolean {
  const meta = metaOf(message)
  const claim = meta?.[metaKey.protocolVersion]
  return meta !== undefined && typeof claim === 'string' && isModernRevision(claim) && !isFault(readEnvelope(meta))
}

/** Revisions are dates and compare as text. Unknown later ones count as modern: they are refused by a modern error. */
export function isModernRevision(revision: string): boolean {
  return revision.length === 10 && revision[4] === '-' && revision[7] === '-' && revision >= modernRevision && revision < 'A'
}

/** Reads the envelope, or names the first key that is wrong. */
export function readEnvelope(meta: Message): Envelope | Fault {
  const revision = meta[metaKey.protocolVersion]
  if (typeof revision !== 'string') return wrongKey(metaKey.protocolVersion, 'must be a string', revision)
  const declared = meta[metaKey.clientCapabilities]
  if (!isObject(declared)) return wrongKey(metaKey.clientCapabilities, 'must be an object', declared)
  const capabilities = presentCapabilities(declared)
  for (const name of ['sampling', 'elicitation', 'roots', 'extensions']) {
    const capability = capabilities[name]
    if (capability !== undefined && !isObject(capability)) {
      return wrongKey(metaKey.clientCapabilities, `must have an object as its "${name}"`, capability)
    }
  }
  const client = meta[metaKey.clientInfo] ?? undefined
  if (client !== undefined && !isClientInfo(client)) return wrongKey(metaKey.clientInfo, 'must have a name and a version', client)
  const logLevel = meta[metaKey.logLevel] ?? undefined
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    return wrongKey(metaKey.logLevel, `must be one of ${logLevels.join(', ')}`, logLevel)
  }
  return { revision, client: client === undefined ? undefined : withoutSecretsOf(client), capabilities, logLevel }
}

/** The fault of a request whose header names a modern revision, with no claim in its body. */
export function missingClaim(message: Message): Fault {
  const meta = metaOf(message)
  const missing =
    meta === undefined ? ['_meta'] : [metaKey.protocolVersion, metaKey.clientCapabilities].filter((key) => !Object.hasOwn(meta, key))
  return fault('invalid_params', { reason: `${missing.join(', ')} missing`, key: missing[0] })
}

export function isFault(value: object): value is Fault {
  return 'entry' in value
}

function isClientInfo(value: unknown): value is ClientInfo {
  return isObject(value) && typeof value.name === 'string' && typeof value.version === 'string'
}

function isLogLevel(value: unknown): value is LogLevel {
  return (logLevels as readonly unknown[]).includes(value)
}

function wrongKey(key: string, problem: string, value: unknown): Fault {
  return fault('invalid_params', { reason: `_meta["${key}"] ${value === undefined ? 'is missing and ' : ''}${problem}`, key })
}
