// From outcomes and events to the JSON-RPC messages of a modern client (MCP 2026-07-28). Bytes that nothing has to change are
// passed on as they are; what the gateway adds is spliced in. Knows no transport.
import { logLevels } from '../../core/call/call.ts'
import type { CallEvent } from '../../core/call/exchange.ts'
import type { Complete, Outcome } from '../../core/call/outcome.ts'
import type { Edit, Payload } from '../../core/call/payload.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { type FaultOf, faultError, faultResult, withoutWire } from '../../core/faults/wire-form.ts'
import { errorBytes, notificationBytes, type RawId, resultBytes } from '../../core/protocol/jsonrpc.ts'
import { code, type Implementation, isOfOneHop, metaKey, servedRevisions, vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer, members, skipSpace } from '../../core/protocol/scan.ts'
import { oneLine } from './line.ts'
import type { Asked } from './receive.ts'

export interface Answer {
  /** HTTP status, where none is committed yet. */
  readonly status: number
  /** The whole JSON-RPC response, on one line. */
  readonly bytes: Buffer
  /** The fault behind it, for headers such as Retry-After. */
  readonly fault: Fault | undefined
}

export interface ModernWriter {
  /** `declaresOutput`: the tool has an output schema, so a fault may not use `structuredContent`. */
  answer(asked: Asked, outcome: Outcome, declaresOutput: boolean): Answer
  /** A JSON-RPC error, for a request that became no call. */
  refusal(id: RawId | undefined, fault: Fault, of: FaultOf): Answer
  /** The notification, on one line; undefined where this request did not ask for such events. */
  event(asked: Asked, event: CallEvent): Buffer | undefined
  /** The result that ends a `subscriptions/listen` in order. */
  listenEnd(asked: Asked): Buffer
}

/** Writes in the name of `server`. */
export function createModernWriter(server: Implementation): ModernWriter {
  return new Writer(server)
}

/** Results that must carry `ttlMs` and `cacheScope` (MCP 2026-07-28 §caching). */
const cacheable: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/directory/read',
  'skills/list',
  'skills/get',
])

class Writer implements ModernWriter {
  private readonly serverInfo: string
  private readonly identity: Edit
  private readonly plain: Spliced

  constructor(server: Implementation) {
    this.serverInfo = JSON.stringify(server)
    this.identity = { path: ['_meta', metaKey.serverInfo], value: this.serverInfo }
    const meta = `"_meta":{${JSON.stringify(metaKey.serverInfo)}:${this.serverInfo}}`
    this.plain = { bare: meta, typed: `"resultType":"complete",${meta}` }
  }

  answer(asked: Asked, outcome: Outcome, declaresOutput: boolean): Answer {
    switch (outcome.kind) {
      case 'complete':
        return ok(this.complete(asked, outcome))
      case 'input_required':
        return ok(resultBytes(asked.id, this.inputRequired(outcome.requests, outcome.sealed)))
      case 'task':
        return ok(resultBytes(asked.id, outcome.result.edit([this.identity]).bytes))
      case 'fault':
        return this.failed(asked, outcome.fault, declaresOutput)
    }
  }

  refusal(id: RawId | undefined, fault: Fault, of: FaultOf): Answer {
    const error = faultError(fault, of)
    return { status: statusOf(fault, error.code), bytes: errorBytes(id, error), fault }
  }

  event(asked: Asked, event: CallEvent): Buffer | undefined {
    if (asked.method === 'subscriptions/listen') return this.subscribed(asked.id, event)
    switch (event.kind) {
      case 'progress': {
        if (asked.progressToken === undefined) return undefined
        return notification('notifications/progress', event.params.edit([{ path: ['progressToken'], value: asked.progressToken }]))
      }
      case 'log': {
        if (asked.logLevel === undefined || logLevels.indexOf(event.level) < logLevels.indexOf(asked.logLevel)) return undefined
        return notification('notifications/message', event.params)
      }
      case 'changed':
        return notification(`notifications/${event.list}/list_changed`, nothing)
      case 'extension':
        return notification(event.method, event.params)
      default:
        return undefined
    }
  }

  listenEnd(asked: Asked): Buffer {
    const meta = `"_meta":{${JSON.stringify(metaKey.subscriptionId)}:${asked.id},${JSON.stringify(metaKey.serverInfo)}:${this.serverInfo}}`
    return resultBytes(asked.id, Buffer.from(`{"resultType":"complete",${meta}}`))
  }

  private subscribed(id: RawId, event: CallEvent): Buffer | undefined {
    const mark: Edit = { path: ['_meta', metaKey.subscriptionId], value: id }
    switch (event.kind) {
      case 'acknowledged':
        return notification('notifications/subscriptions/acknowledged', payloadOf({ notifications: event.notifications }).edit([mark]))
      case 'changed':
        return notification(`notifications/${event.list}/list_changed`, nothing.edit([mark]))
      case 'updated': {
        const uri: Edit = { path: ['uri'], value: JSON.stringify(event.uri) }
        return notification('notifications/resources/updated', event.params.edit([uri, mark]))
      }
      case 'extension':
        return notification(event.method, event.params.edit([mark]))
      default:
        return undefined
    }
  }

  private complete(asked: Asked, outcome: Complete): Buffer {
    const { result, facts, annotations } = outcome
    const bytes = result.bytes
    if (annotations.length === 0 && !facts.hasMeta && !cacheable.has(asked.method)) {
      return spliced(asked.id, facts.resultType === undefined ? this.plain.typed : this.plain.bare, bytes)
    }
    const edits: Edit[] = [this.identity]
    if (facts.resultType === undefined) edits.push({ path: ['resultType'], value: '"complete"' })
    if (annotations.length > 0) edits.push({ path: ['_meta', `${vendorPrefix}annotations`], value: JSON.stringify(annotations) })
    if (asked.method === 'server/discover') edits.push(supported)
    if (asked.method === 'subscriptions/listen') edits.push({ path: ['_meta', metaKey.subscriptionId], value: asked.id })
    if (cacheable.has(asked.method)) addCacheHints(bytes, facts.hasCacheHints, asked.isAnonymous, edits)
    return resultBytes(asked.id, result.edit(edits).bytes)
  }

  private inputRequired(requests: Payload, sealed: string | undefined): Uint8Array {
    const edits: Edit[] = [
      this.identity,
      { path: ['resultType'], value: '"input_required"' },
      { path: ['requestState'], value: sealed === undefined ? undefined : JSON.stringify(sealed) },
    ]
    return requests.edit(edits).bytes
  }

  private failed(asked: Asked, found: Fault, declaresOutput: boolean): Answer {
    const { wire } = found.detail as { readonly wire?: { readonly code: number } }
    // From here a client would take it for a refusal of this request, and send it again.
    const fault = wire !== undefined && isOfOneHop(wire.code) ? withoutWire(found) : found
    if (asked.method !== 'tools/call' || fault.entry.protocol || fault.detail.wire !== undefined) {
      return this.refusal(asked.id, fault, asked)
    }
    const result = payloadOf({ resultType: 'complete', ...faultResult(fault, asked, declaresOutput) }).edit([this.identity])
    return { status: 200, bytes: resultBytes(asked.id, result.bytes), fault }
  }
}

interface Spliced {
  readonly bare: string
  readonly typed: string
}

const nothing: Payload = payload(Buffer.from('{}'))
const supported: Edit = { path: ['supportedVersions'], value: JSON.stringify(servedRevisions) }

function ok(message: Buffer): Answer {
  return { status: 200, bytes: oneLine(message), fault: undefined }
}

function notification(method: string, params: Payload): Buffer {
  return oneLine(notificationBytes(method, params.bytes))
}

/** An in-band "method not found" is a 404 as well, whoever said it (MCP 2026-07-28 §transports). */
function statusOf(fault: Fault, errorCode: number): number {
  return fault.entry.status === 200 && errorCode === code.methodNotFound ? 404 : fault.entry.status
}

/** The response around `result`, with more members put first in it: the commonest answer, so in one copy. */
function spliced(id: RawId, more: string, result: Uint8Array): Buffer {
  const from = skipSpace(result, 0) + 1
  const comma = result[skipSpace(result, from)] === 0x7d ? '' : ','
  const head = `{"jsonrpc":"2.0","id":${id},"result":{${more}${comma}`
  const headBytes = Buffer.byteLength(head)
  const out = Buffer.allocUnsafe(headBytes + result.length - from + 1)
  out.write(head)
  out.set(result.subarray(from), headBytes)
  out[out.length - 1] = 0x7d
  return out
}

/** Longest that a client is told to keep something, in ms: a day. */
const longestTtl = 86_400_000

/**
 * Never invents `public`, and what says nothing that makes sense is private and stale at once. `public` is passed on to callers that are
 * nobody in particular alone: who is somebody may be told what others are not.
 */
function addCacheHints(bytes: Uint8Array, hasSome: boolean, isAnonymous: boolean, edits: Edit[]): void {
  const present = hasSome ? members(bytes, skipSpace(bytes, 0)) : []
  const textOf = (key: string): string | undefined => {
    const found = present.find((member) => member.key === key)
    return found && asBuffer(bytes).toString('latin1', found.start, found.end)
  }
  const given = textOf('ttlMs')
  const ttl = given !== undefined && /^\d+$/.test(given) ? Math.min(Number(given), longestTtl) : 0
  if (given !== String(ttl)) edits.push({ path: ['ttlMs'], value: String(ttl) })
  const scope = textOf('cacheScope')
  if (scope !== '"private"' && !(scope === '"public"' && isAnonymous)) edits.push({ path: ['cacheScope'], value: '"private"' })
}
