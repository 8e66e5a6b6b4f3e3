// Calls a tool of a server directly, for a look at what it gives.
import type { TargetedCall } from '../../core/call/call.ts'
import { openExchange } from '../../core/call/exchange.ts'
import { endless } from '../../core/call/expiry.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { anonymous } from '../../core/call/principal.ts'
import type { Upstream } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { modernRevision } from '../../core/protocol/names.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { packageVersion } from '../package-root.ts'

/** What came of a call: what it gave, or a sentence on how it ended. */
export type Given =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly text: string }
  /** It asks its user something, or goes on as a task: nothing to compare. */
  | { readonly kind: 'asks'; readonly text: string }

/** How long one call may take, in ms. */
const longestMs = 60_000

export async function callTool(
  upstream: Upstream,
  tool: string,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Given> {
  const exchange = openExchange(systemClock, { idleMs: longestMs, totalMs: longestMs }, { emit: () => undefined }, endless)
  const end = (): void => exchange.end('cancelled')
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    return given(await upstream.send(callOf(upstream.id, tool, args), exchange))
  } finally {
    signal.removeEventListener('abort', end)
    exchange.close('delivered')
  }
}

function callOf(upstream: string, tool: string, args: Readonly<Record<string, unknown>>): TargetedCall {
  const id = systemRandom.id()
  return {
    id,
    method: 'tools/call',
    family: 'invoke',
    mount: '',
    target: tool,
    params: payloadOf({ name: tool, arguments: args }),
    caller: {
      principal: anonymous,
      client: { name: 'signalbox-cli', version: packageVersion() },
      capabilities: {},
      affinity: undefined,
      arrival: { transport: 'http', revision: modernRevision },
      headers: undefined,
    },
    interest: { progress: false, logLevel: undefined },
    asserted: undefined,
    continuation: undefined,
    trace: { traceId: hex(16), spanId: hex(8), parentSpanId: undefined, sampled: false, tracestate: undefined },
    run: { id, source: 'made', turn: undefined, why: undefined, team: undefined },
    deadlineMs: undefined,
    upstream,
  }
}

function hex(bytes: number): string {
  return Buffer.from(systemRandom.bytes(bytes)).toString('hex')
}

function given(outcome: Outcome): Given {
  if (outcome.kind === 'fault') return { kind: 'error', text: String(outcome.fault.detail.reason ?? outcome.fault.message) }
  if (outcome.kind === 'input_required') return { kind: 'asks', text: 'it asks its user something' }
  if (outcome.kind === 'task') return { kind: 'asks', text: 'it goes on as a task' }
  const result = outcome.result.json()
  const { content, structuredContent } = isObject(result) ? result : {}
  if (outcome.facts.isError) return { kind: 'error', text: textIn(content) }
  return { kind: 'result', value: structuredContent ?? (Array.isArray(content) ? content.map(blockOf) : content) }
}

/** A text that is JSON is compared as what it says. */
function blockOf(block: unknown): unknown {
  if (!isObject(block) || block.type !== 'text' || typeof block.text !== 'string') return block
  try {
    const value: unknown = JSON.parse(block.text)
    return typeof value === 'object' && value !== null ? { ...block, text: value } : block
  } catch {
    return block
  }
}

function textIn(content: unknown): string {
  const texts = Array.isArray(content) ? content.filter(isObject).map(({ text }) => text) : []
  return texts.filter((text) => typeof text === 'string').join(' ') || 'an error without words'
}
