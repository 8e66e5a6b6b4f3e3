// A task of the tasks extension (SEP-2663) as a legacy client's door sees it: something to poll until it has a result.

import { type Call, families } from '../../core/call/call.ts'
import { complete, failed, type Outcome } from '../../core/call/outcome.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { resultFacts } from '../../core/protocol/jsonrpc.ts'
import { locate } from '../../core/protocol/locate.ts'

const openBrace = 0x7b
const shortestPollMs = 100
const longestPollMs = 30_000
const usualPollMs = 1_000

export type TaskState =
  | { readonly kind: 'runs'; readonly pollMs: number }
  /** `requests` is an object with `inputRequests`. */
  | { readonly kind: 'asks'; readonly requests: Payload; readonly pollMs: number }
  | { readonly kind: 'ended'; readonly outcome: Outcome }

/** Reads a task as its creation or `tasks/get` tells it. */
export function taskState(told: Payload, item: string): TaskState {
  const whole = told.json()
  const task = isObject(whole) ? whole : {}
  const asked = typeof task.pollIntervalMs === 'number' ? task.pollIntervalMs : usualPollMs
  const pollMs = Math.min(Math.max(asked, shortestPollMs), longestPollMs)
  switch (task.status) {
    case 'working':
      return { kind: 'runs', pollMs }
    case 'input_required':
      return { kind: 'asks', requests: told, pollMs }
    case 'completed': {
      const result = locate(told.bytes, ['result'])
      if (result === undefined || result[0] !== openBrace) return broken(item, 'a completed task has no result')
      const facts = resultFacts(result)
      return 'ambiguous' in facts ? broken(item, facts.ambiguous) : { kind: 'ended', outcome: complete(payload(result), facts) }
    }
    case 'failed': {
      const error = isObject(task.error) ? task.error : {}
      const wire = {
        code: typeof error.code === 'number' ? error.code : -32603,
        message: String(error.message ?? 'failed'),
        data: error.data,
      }
      return ended(fault('upstream_error', { upstream: item, reason: wire.message, code: wire.code, wire }))
    }
    case 'cancelled':
      return ended(fault('cancelled', { reason: 'the server ended its task' }))
    default:
      return broken(item, `a task has the status ${JSON.stringify(task.status)}`)
  }
}

/** The id, as this caller sees it. */
export function taskOf(created: Payload): string {
  const whole = created.json()
  return isObject(whole) && typeof whole.taskId === 'string' ? whole.taskId : ''
}

/** A call about a task in the name of the caller of `first`. `params` is JSON text; by default it names the task alone. */
export function taskCall(leg: Call, method: 'tasks/get' | 'tasks/update' | 'tasks/cancel', task: string, params?: string): Call {
  const text = params ?? JSON.stringify({ taskId: task })
  return { ...leg, method, family: families[method], target: task, params: payload(Buffer.from(text)), continuation: undefined }
}

function broken(item: string, reason: string): TaskState {
  return ended(fault('upstream_protocol_error', { upstream: item, reason }))
}

function ended(reason: ReturnType<typeof fault>): TaskState {
  return { kind: 'ended', outcome: failed(reason) }
}
