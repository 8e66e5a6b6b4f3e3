// What tests of the exits need: an upstream over real wires, calls of any caller, and exchanges that record what reached them.

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { Attempts } from '../../../src/core/call/attempts.ts'
import type { Caller, ClientCapabilities, LogLevel, Method, RoutedCall, TargetedCall } from '../../../src/core/call/call.ts'
import { families } from '../../../src/core/call/call.ts'
import type { DeadlineLimits } from '../../../src/core/call/deadline.ts'
import { type CallEvent, type Exchange, type OpenExchange, openExchange } from '../../../src/core/call/exchange.ts'
import { endless } from '../../../src/core/call/expiry.ts'
import type { Item } from '../../../src/core/call/item.ts'
import type { Outcome } from '../../../src/core/call/outcome.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import { anonymous, type Principal } from '../../../src/core/call/principal.ts'
import { RetryBudget } from '../../../src/core/call/retry-budget.ts'
import { unconfigured } from '../../../src/core/call/tool-settings.ts'
import type { Clock } from '../../../src/core/ports/clock.ts'
import type { Credentials } from '../../../src/core/ports/credentials.ts'
import type { WordsReader } from '../../../src/core/ports/refusing-words.ts'
import type { Report } from '../../../src/core/ports/report.ts'
import type { Upstream } from '../../../src/core/ports/upstream.ts'
import { staticCredentials } from '../../../src/gateway/credentials/static.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { createPools, createUpstream, type Outside } from '../../../src/upstream/index.ts'
import { serverSettings, timeoutSettings } from '../../../src/upstream/settings.ts'
import type { Dial } from '../../../src/upstream/wire/dial.ts'
import { freePort } from '../../peers/free-port.ts'
import { aPrincipal } from '../principal.ts'
import { aRun } from '../run.ts'

export interface Counted extends Report {
  readonly counts: Map<string, number>
  readonly lines: { readonly severity: string; readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[]
}

export function countingReport(): Counted {
  const counts = new Map<string, number>()
  const lines: Counted['lines'] = []
  return {
    counts,
    lines,
    log: (severity, event, fields = {}) => void lines.push({ severity, event, fields }),
    counters: {
      add: (name, labels, by = 1) => {
        const key = `${name} ${Object.values(labels).join(' ')}`
        counts.set(key, (counts.get(key) ?? 0) + by)
      },
    },
  }
}

export interface Made {
  readonly upstream: Upstream
  readonly report: Counted
  close(): Promise<void>
}

export interface MakeOptions {
  readonly settings: Record<string, unknown>
  readonly credentials?: Credentials
  readonly timeouts?: Record<string, number>
  readonly clock?: Clock
  readonly wires?: Dial
  readonly parked?: number
  readonly outside?: Outside
  readonly words?: WordsReader
}

export function makeUpstream(options: MakeOptions): Made {
  const report = countingReport()
  const pools = createPools()
  const clock = options.clock ?? systemClock
  const settings = serverSettings.parse(options.settings)
  const upstream = createUpstream(
    {
      id: 'up',
      settings,
      credentials: options.credentials ?? staticCredentials(settings.headers),
      timeouts: timeoutSettings.parse(options.timeouts ?? {}),
      limits: { resultBytes: 67_108_864, parked: options.parked ?? 1_024 },
      clock,
      random: systemRandom,
      report,
      pools,
      identity: { name: 'signalbox', version: '0.0.0' },
      replica: 'r1',
      ...(options.outside === undefined ? {} : { outside: options.outside }),
      words: options.words,
    },
    options.wires,
  )
  const close = async (): Promise<void> => {
    const exchange = openExchange(clock, { idleMs: 1, totalMs: 1 }, { emit: () => {} }, endless)
    await upstream.drain(exchange.deadline)
    await pools.close()
  }
  return { upstream, report, close }
}

export interface CallOptions {
  /** A text is the subject of one. */
  readonly principal?: string | Principal
  readonly affinity?: string
  readonly capabilities?: ClientCapabilities
  readonly progress?: boolean
  readonly logLevel?: LogLevel
  readonly continuation?: TargetedCall['continuation']
  readonly item?: Partial<Item>
  readonly headers?: Record<string, string>
}

let calls = 0

export function makeCall(method: Method, params: Record<string, unknown>, options: CallOptions = {}): TargetedCall {
  calls += 1
  const caller: Caller = {
    principal: typeof options.principal === 'string' ? aPrincipal({ sub: options.principal }) : (options.principal ?? anonymous),
    client: undefined,
    capabilities: options.capabilities ?? {},
    affinity: options.affinity,
    arrival: { transport: 'http', revision: '2026-07-28' },
    headers: options.headers,
  }
  const target = params.name ?? params.uri ?? params.taskId
  const call: TargetedCall = {
    id: `call-${calls}`,
    upstream: 'up',
    method,
    family: families[method],
    mount: 'up',
    target: typeof target === 'string' ? target : undefined,
    params: payloadOf(params),
    caller,
    interest: { progress: options.progress ?? false, logLevel: options.logLevel },
    asserted: undefined,
    continuation: options.continuation,
    deadlineMs: undefined,
    run: aRun(),
    trace: { traceId: '0'.repeat(32), spanId: '0'.repeat(16), parentSpanId: undefined, sampled: false, tracestate: undefined },
  }
  return families[method] === 'invoke' ? withItem(call, options.item ?? {}) : call
}

function withItem(call: TargetedCall, own: Partial<Item>): RoutedCall {
  const name = own.name ?? call.target ?? ''
  const kind = call.method === 'tools/call' ? 'tool' : call.method === 'prompts/get' ? 'prompt' : 'resource'
  const item: Item = {
    kind,
    upstream: 'up',
    name,
    visible: name,
    definition: payloadOf({ name }),
    traits: { readOnly: false, destructive: true, idempotent: false },
    settings: unconfigured,
    headers: [],
    validate: undefined,
    declaresOutput: false,
    generation: 1,
    ...own,
  }
  return { ...call, item }
}

export interface Leg {
  readonly outcome: Promise<Outcome>
  readonly events: CallEvent[]
  /** The evidence for which it was sent again. */
  readonly repeats: readonly string[]
  readonly exchange: OpenExchange
}

/** Sends a call as the gateway does, again where that is decided; the exchange is closed as delivered when the outcome is there, unless `open`. */
export function start(
  upstream: Upstream,
  call: TargetedCall,
  options: { readonly clock?: Clock; readonly limits?: DeadlineLimits; readonly open?: boolean } = {},
): Leg {
  const events: CallEvent[] = []
  const limits = options.limits ?? { idleMs: 20_000, totalMs: 60_000 }
  const clock = options.clock ?? systemClock
  const exchange = openExchange(clock, limits, { emit: (event) => void events.push(event) }, call.caller.principal)
  const repeats: string[] = []
  const ports = { clock, random: systemRandom, onRepeat: (evidence: string) => void repeats.push(evidence) }
  const next = (one: TargetedCall, attempt: Exchange): Promise<Outcome> => upstream.send(one, attempt)
  const outcome = new Attempts(ports, new RetryBudget(), call, exchange, next).run().then((found) => {
    if (options.open !== true) exchange.close('delivered')
    return found
  })
  return { outcome, events, exchange, repeats }
}

export function send(upstream: Upstream, call: TargetedCall): Promise<Outcome> {
  return start(upstream, call).outcome
}

/** The next leg of a parked call. */
export function answer(call: TargetedCall, outcome: Outcome, responses: Record<string, unknown>): TargetedCall {
  if (outcome.kind !== 'input_required' || outcome.continuation.kind !== 'parked')
    throw new TypeError(`not parked: ${JSON.stringify(outcome)}`)
  const { park, owner } = outcome.continuation
  const answers = payloadOf(responses)
  return { ...call, continuation: { kind: 'parked', park, owner, upstream: 'up', answers } }
}

/** The call through all its legs, each question answered by its method. */
export async function settle(upstream: Upstream, call: TargetedCall, responses: Readonly<Record<string, unknown>>): Promise<Outcome> {
  let outcome = await send(upstream, call)
  while (outcome.kind === 'input_required') {
    const answers = Object.entries(questions(outcome)).map(([key, { method }]) => [key, responses[method]])
    outcome = await send(upstream, nextLeg(call, outcome, Object.fromEntries(answers)))
  }
  return outcome
}

/** The next leg of a call of either era, as the gateway makes it after it opened the seal. */
export function nextLeg(call: TargetedCall, outcome: Outcome, responses: Record<string, unknown>): TargetedCall {
  if (outcome.kind !== 'input_required') throw new TypeError(`no question: ${JSON.stringify(outcome)}`)
  if (outcome.continuation.kind === 'parked') return answer(call, outcome, responses)
  const params = call.params.edit([{ path: ['inputResponses'], value: JSON.stringify(responses) }])
  return { ...call, params, continuation: outcome.continuation }
}

/** Every question of an outcome answered alike. */
export function answerAll(call: TargetedCall, outcome: Outcome, response: unknown): TargetedCall {
  return answer(call, outcome, Object.fromEntries(Object.keys(questions(outcome)).map((key) => [key, response])))
}

export function questions(outcome: Outcome): Record<string, { method: string; params?: Record<string, unknown> }> {
  if (outcome.kind !== 'input_required') throw new TypeError(`no question: ${JSON.stringify(outcome)}`)
  return (outcome.requests.json() as { inputRequests: Record<string, { method: string }> }).inputRequests
}

/** The text of the first content block of a complete result. */
export function textOf(outcome: Outcome): string {
  if (outcome.kind !== 'complete') throw new TypeError(`not complete: ${JSON.stringify(outcome)}`)
  const { content } = outcome.result.json() as { content: { text?: string }[] }
  return content[0]?.text ?? ''
}

export function faultKind(outcome: Outcome): string {
  if (outcome.kind !== 'fault') throw new TypeError(`no fault: ${JSON.stringify(outcome)}`)
  return outcome.fault.kind
}

export const asksAll: ClientCapabilities = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} }

const require = createRequire(import.meta.url)
const everything = require.resolve('@modelcontextprotocol/server-everything/dist/index.js')

export const everythingStdio = { command: process.execPath, args: [everything, 'stdio'] }

export interface Served {
  readonly port: number
  stop(): Promise<void>
}

/** server-everything over HTTP, as its own process. */
export async function serveEverything(mode: 'streamableHttp' | 'sse', port?: number): Promise<Served> {
  const own = port ?? (await freePort())
  const child = spawn(process.execPath, [everything, mode], {
    env: { ...process.env, PORT: String(own) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    const ready = (chunk: Buffer): void => {
      if (/listening|running on port/i.test(chunk.toString())) resolve()
    }
    child.stderr.on('data', ready)
    child.stdout.on('data', ready)
    child.once('exit', () => reject(new Error('server-everything did not start')))
  })
  return {
    port: own,
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit')
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}
