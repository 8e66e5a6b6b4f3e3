// A hand-written gateway for tests of legacy doors: it answers as a modern server would and offers every way of asking back.

import type { Call } from '../../../src/core/call/call.ts'
import { type Exchange, endReason, type Interest } from '../../../src/core/call/exchange.ts'
import { failed, type OpenContinuation, type Outcome } from '../../../src/core/call/outcome.ts'
import { payloadOf } from '../../../src/core/call/payload.ts'
import { fault } from '../../../src/core/faults/catalogue.ts'
import { endedBy } from '../../../src/core/faults/ended.ts'
import type { Identified, Presented } from '../../../src/core/ports/gateway.ts'
import { aPrincipal } from '../principal.ts'
import { completed, type TestGateway, testGateway } from './test-gateway.ts'

export interface Imitation extends TestGateway {
  /** Tells every listener that asked for it. */
  changed(list: 'tools' | 'prompts' | 'resources'): void
  updated(uri: string): void
  /** What each open listen asked for, oldest first. */
  readonly listening: readonly Interest[]
  /** Ends all listens as a lost server would. */
  loseListens(): void
  /** Calls of the tool `wait` that run, by tag; resolving ends one. */
  readonly waiting: Map<string, (outcome: Outcome) => void>
  /** How calls of `wait` ended from outside. */
  readonly ended: string[]
}

interface Listener {
  readonly interest: Interest
  readonly exchange: Exchange
  readonly end: (outcome: Outcome) => void
}

const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
  extensions: { 'io.modelcontextprotocol/tasks': {}, 'io.modelcontextprotocol/ui': { mimeTypes: ['text/html'] } },
}

export function textResult(text: string): Outcome {
  return completed({ content: [{ type: 'text', text }] })
}

export function asks(
  inputRequests: Record<string, { method: string; params?: unknown }> | undefined,
  sealed: string | undefined,
  continuation: OpenContinuation = { kind: 'relayed', inner: sealed },
): Outcome {
  const requests = payloadOf({ resultType: 'input_required', ...(inputRequests === undefined ? {} : { inputRequests }) })
  return sealed === undefined
    ? { kind: 'input_required', requests, continuation }
    : { kind: 'input_required', requests, continuation, sealed }
}

export function form(message: string): { method: string; params: unknown } {
  const requestedSchema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] }
  return { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } }
}

export type Tool = (call: Call, exchange: Exchange, params: ToolParams) => Outcome | Promise<Outcome>

export interface ToolParams {
  readonly arguments?: Record<string, unknown>
  readonly inputResponses?: Record<string, Record<string, unknown>>
  readonly requestState?: string
}

export function imitation(
  tools: Record<string, Tool> = {},
  options: {
    mounts?: readonly string[]
    who?: (presented: Presented) => string
    /** In place of `who`: the whole of it, or the fault. */
    identify?: (presented: Presented) => Identified
  } = {},
): Imitation {
  const listeners = new Set<Listener>()
  const waiting = new Map<string, (outcome: Outcome) => void>()
  const ended: string[] = []
  const known: Record<string, Tool> = { ...standard(waiting, ended), ...tools }
  const gateway = testGateway(
    (call, exchange) => {
      switch (call.method) {
        case 'server/discover':
          return completed({ resultType: 'complete', capabilities, instructions: 'Be kind.', ttlMs: 0, cacheScope: 'private' })
        case 'tools/list':
          return completed(toolList)
        case 'tools/call': {
          const tool = known[call.target ?? '']
          return tool === undefined
            ? failed(fault('unknown_tool', { what: 'tool', name: call.target, hint: '' }))
            : tool(call, exchange, call.params.json() as ToolParams)
        }
        case 'tasks/get':
        case 'tasks/update':
        case 'tasks/cancel':
          return task(call)
        case 'resources/read':
          return call.target === 'test://one'
            ? completed({ contents: [{ uri: 'test://one', text: '1' }], ttlMs: 5, cacheScope: 'private' })
            : failed(fault('invalid_params', { reason: 'no such resource', uri: call.target }))
        case 'subscriptions/listen':
          return listen(call, exchange)
        default:
          return completed({})
      }
    },
    {
      mounts: options.mounts ?? [],
      identify:
        options.identify ??
        ((presented) => ({
          principal: aPrincipal({ sub: options.who?.(presented) ?? presented.headers.get('authorization')?.[0] ?? 'nobody' }),
        })),
    },
  )

  // A task that first works, then asks, then is done with the answer.
  let polls = 0
  let told: unknown
  function task(call: Call): Outcome {
    const params = call.params.json() as { taskId: string; inputResponses?: unknown }
    if (call.method === 'tasks/cancel') ended.push(`task ${params.taskId}`)
    if (call.method === 'tasks/update') told = params.inputResponses
    if (call.method !== 'tasks/get') return completed({ resultType: 'complete' })
    polls += 1
    const state = { resultType: 'complete', taskId: params.taskId, pollIntervalMs: 1 }
    if (polls === 1) return completed({ ...state, status: 'working' })
    if (told === undefined) return completed({ ...state, status: 'input_required', inputRequests: { k: form('go on') } })
    return completed({ ...state, status: 'completed', result: { content: [{ type: 'text', text: JSON.stringify(told) }] } })
  }

  function listen(call: Call, exchange: Exchange): Promise<Outcome> {
    const { notifications } = call.params.json() as { notifications: Interest }
    const accepted = (notifications.resourceSubscriptions ?? []).filter((uri) => uri.startsWith('test://'))
    return new Promise((resolve) => {
      const listener: Listener = {
        interest: notifications,
        exchange,
        end: (outcome) => {
          listeners.delete(listener)
          resolve(outcome)
        },
      }
      listeners.add(listener)
      exchange.signal.addEventListener('abort', () => listener.end(endedCall(exchange, 'listen')))
      exchange.sink.emit({ kind: 'acknowledged', notifications: { ...notifications, resourceSubscriptions: accepted } })
    })
  }

  return {
    ...gateway,
    waiting,
    ended,
    get listening() {
      return [...listeners].map(({ interest }) => interest)
    },
    changed: (list: 'tools' | 'prompts' | 'resources') => {
      for (const { interest, exchange } of [...listeners]) {
        if (interest[`${list}ListChanged`] === true) exchange.sink.emit({ kind: 'changed', list })
      }
    },
    updated: (uri: string) => {
      const params = payloadOf({ uri, _meta: { 'io.modelcontextprotocol/subscriptionId': 9 } })
      for (const { interest, exchange } of [...listeners]) {
        if (interest.resourceSubscriptions?.includes(uri) === true) exchange.sink.emit({ kind: 'updated', uri, params })
      }
    },
    loseListens: () => {
      for (const listener of [...listeners]) listener.end(failed(fault('upstream_unavailable', { upstream: 'x', reason: 'gone' })))
    },
  }
}

function endedCall(exchange: Exchange, item: string): Outcome {
  const reason = endReason(exchange.signal)
  return failed(endedBy(reason === undefined || reason === 'deadline' ? 'cancelled' : reason, item, 'unknown'))
}

const toolList = {
  resultType: 'complete',
  ttlMs: 0,
  cacheScope: 'private',
  tools: [
    { name: 'echo', inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, execution: { taskSupport: 'optional' } },
    { name: 'count', inputSchema: { type: 'object' }, outputSchema: { type: 'number' } },
  ],
}

function standard(waiting: Map<string, (outcome: Outcome) => void>, ended: string[]): Record<string, Tool> {
  return {
    echo: (_call, _exchange, params) =>
      completed({ content: [{ type: 'text', text: JSON.stringify(params.arguments ?? {}) }], structuredContent: params.arguments ?? {} }),
    count: () => completed('{"content":[],"structuredContent":12345678901234567890,"x-unknown":{"deep":[1]}}'),
    progress: (_call, exchange) => {
      for (let i = 1; i <= 5; i += 1)
        exchange.sink.emit({ kind: 'progress', params: payloadOf({ progressToken: 77, progress: i, total: 5 }) })
      return textResult('done')
    },
    log: (call, exchange) => {
      for (const level of ['debug', 'info', 'error'] as const) {
        exchange.sink.emit({ kind: 'log', level, params: payloadOf({ level, logger: 'x', data: level }) })
      }
      return textResult(String(call.interest.logLevel))
    },
    wait: (_call, exchange, params) =>
      new Promise((resolve) => {
        const tag = String(params.arguments?.tag ?? '')
        waiting.set(tag, resolve)
        exchange.sink.emit({ kind: 'progress', params: payloadOf({ progressToken: 1, progress: 1 }) })
        exchange.signal.addEventListener('abort', () => {
          ended.push(`${tag}:${String(exchange.signal.reason)}`)
          resolve(endedCall(exchange, 'wait'))
        })
      }),
    task: (call) => {
      const extensions = { 'io.modelcontextprotocol/tasks': {} }
      if (call.caller.capabilities.extensions === undefined) {
        return failed(fault('missing_capability', { needs: 'tasks', requiredCapabilities: { extensions } }))
      }
      return { kind: 'task', handle: 'own', result: payloadOf({ resultType: 'task', taskId: 'T1', status: 'working', pollIntervalMs: 1 }) }
    },
    question: (_call, _exchange, params) =>
      params.inputResponses === undefined
        ? asks({ f: form(String(params.arguments?.tag)) }, 'q')
        : textResult(JSON.stringify(params.inputResponses)),
    // Asks for a form, a sample and the roots at once, then for a second form, and tells what it got.
    ask: (_call, _exchange, params) => {
      const tag = String(params.arguments?.tag ?? '')
      const answers = params.inputResponses
      if (answers === undefined) {
        return asks(
          {
            f: form(`first ${tag}`),
            s: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5, systemPrompt: tag } },
            r: { method: 'roots/list' },
          },
          `one ${tag}`,
        )
      }
      if (params.requestState === `one ${tag}`) return asks({ g: form(`second ${tag}`) }, `two ${tag}:${JSON.stringify(answers)}`)
      return textResult(`${params.requestState}|${JSON.stringify(answers)}`)
    },
    url: (_call, _exchange, params) =>
      params.inputResponses === undefined
        ? asks({ u: { method: 'elicitation/create', params: { mode: 'url', message: 'go', url: 'https://example.test/' } } }, undefined)
        : textResult(`${String(params.requestState)}|${JSON.stringify(params.inputResponses)}`),
    forever: (_call, _exchange, params) => asks({ f: form('again') }, `${params.requestState ?? ''}.`),
    parked: (call, exchange, params) => {
      if (exchange.signal.aborted) {
        ended.push(`parked:${String(exchange.signal.reason)}`)
        return failed(fault('cancelled', { reason: 'x' }))
      }
      return params.inputResponses === undefined
        ? asks({ s: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } }, f: form('parked') }, 'sealed', {
            kind: 'parked',
            park: 'p',
            owner: 'o',
            expiresAtMs: Number.MAX_SAFE_INTEGER,
          })
        : textResult(`${call.caller.affinity !== undefined}|${JSON.stringify(params.inputResponses)}`)
    },
  }
}
