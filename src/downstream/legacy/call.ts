// Makes the modern call of a legacy request: what belongs to the client's hop is taken out of the params, nothing else is touched.

import { type Call, type Caller, families, type LogLevel, type Method } from '../../core/call/call.ts'
import { type Edit, emptyObject, type Payload } from '../../core/call/payload.ts'
import { statedPins } from '../../core/call/tool-pins.ts'
import type { Gateway, RunHeaders } from '../../core/ports/gateway.ts'
import { absentIn } from '../../core/protocol/absent.ts'
import { strayTargets, targetOf, targetValue } from '../../core/protocol/carriers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { metaKey, traceMeta, versionsMeta } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { statedDeadlineMs } from '../modern/stated-deadline.ts'
import { type TraceHeaders, type Tracing, traceOf } from '../modern/trace.ts'

/** Methods that exist in the legacy revisions and are calls inside. Tasks of 2025-11-25 are another protocol and not among them. */
const crossing: ReadonlySet<string> = new Set<Method>([
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/directory/read',
  'skills/list',
  'skills/get',
  'completion/complete',
])

export function crosses(method: string): method is Method {
  return crossing.has(method)
}

export interface CallParts {
  readonly id: string
  readonly method: Method
  readonly mount: string
  readonly params: Payload | undefined
  readonly caller: Caller
  readonly logLevel: LogLevel | undefined
  readonly runHeaders: RunHeaders | undefined
  readonly traceHeaders: TraceHeaders | undefined
}

/** What the door has for every request. */
export interface Making extends Tracing {
  readonly gateway: Pick<Gateway, 'runOf'>
}

/** The call, and the client's progress token as JSON text. Params that are no object count as absent. */
export function makeCall(parts: CallParts, making: Making): { readonly call: Call; readonly progressToken: string | undefined } {
  const params = parts.params ?? emptyObject
  const parsed = params.json()
  const fields = isObject(parsed) ? parsed : {}
  const meta = isObject(fields._meta) ? fields._meta : undefined
  const progressToken = meta === undefined ? undefined : tokenText(params, meta.progressToken)
  const place = targetOf(parts.method, fields)
  const edits = hopEdits(fields, meta)
  if (place !== undefined) for (const path of strayTargets(place, fields)) edits.push({ path, value: undefined })
  return {
    call: {
      id: parts.id,
      method: parts.method,
      family: families[parts.method],
      mount: parts.mount,
      target: place === undefined ? undefined : targetValue(place, fields),
      params: edits.length === 0 ? params : params.edit(edits),
      caller: parts.caller,
      interest: { progress: progressToken !== undefined, logLevel: parts.logLevel },
      asserted: undefined,
      continuation: undefined,
      trace: traceOf(meta, parts.traceHeaders, making),
      run: making.gateway.runOf(parts.caller.principal, parts.caller.affinity, meta, parts.runHeaders),
      deadlineMs: meta === undefined ? undefined : statedDeadlineMs(meta),
    },
    progressToken,
  }
}

/** Versions of tools that a request asks for, by its header and its `_meta`. */
export function pinsIn({ params }: { readonly params: Payload | undefined }, header: string | undefined): ReturnType<typeof statedPins> {
  const fields = params?.json()
  const meta = isObject(fields) && isObject(fields._meta) ? fields._meta[versionsMeta.pins] : undefined
  return statedPins(header, meta)
}

const hopKeys = [
  'progressToken',
  metaKey.protocolVersion,
  metaKey.clientInfo,
  metaKey.clientCapabilities,
  metaKey.logLevel,
  traceMeta.traceparent,
  traceMeta.tracestate,
  traceMeta.baggage,
]

function hopEdits(fields: Record<string, unknown>, meta: Record<string, unknown> | undefined): Edit[] {
  const edits: Edit[] = []
  for (const key of hopKeys) if (meta !== undefined && key in meta) edits.push({ path: ['_meta', key], value: undefined })
  // We advertise no tasks, so `task` is to be ignored (MCP 2025-11-25 §tasks); continuations are ours to write.
  for (const key of ['task', 'inputResponses', 'requestState']) if (key in fields) edits.push({ path: [key], value: undefined })
  const absent = absentIn(fields)
  return absent === undefined ? edits : [...edits, ...absent]
}

function tokenText(params: Payload, token: unknown): string | undefined {
  if (typeof token === 'string' || Number.isSafeInteger(token)) return JSON.stringify(token)
  if (typeof token !== 'number') return undefined
  const raw = locate(params.bytes, ['_meta', 'progressToken'])
  return raw === undefined ? undefined : asBuffer(raw).toString('latin1')
}
