// Tools that run as a task only (2025-11-25, `execution.taskSupport: "required"`): the gateway makes the task, polls it and fetches the
// result, so that its callers see an ordinary call.

import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { metaKey } from '../../core/protocol/names.ts'
import type { WireAnswer } from '../wire/wire.ts'

/** How long the server is asked to keep a task, in ms. */
const taskTtlMs = 3_600_000
const shortestPollMs = 100
const longestPollMs = 30_000
const usualPollMs = 1_000

export function needsTask(call: TargetedCall): boolean {
  if (call.method !== 'tools/call' || !('item' in call)) return false
  const definition = (call as RoutedCall).item.definition.json()
  return isObject(definition) && isObject(definition.execution) && definition.execution.taskSupport === 'required'
}

/** Makes a `tools/call` one that creates a task. */
export const asTask = { path: ['task'], value: JSON.stringify({ ttl: taskTtlMs }) }

export interface TaskPort {
  readonly clock: Clock
  readonly signal: Signal
  /** A request of the call whose task it is: what the server asks on its stream is that call's. */
  step(method: string, params: Payload): Promise<WireAnswer>
  /** The task has its id: from now on cancelling the call means cancelling the task. */
  named(taskId: string): void
  /** The server said that it works on it. */
  alive(): void
}

interface State {
  readonly taskId: string
  readonly status: string
  readonly pollMs: number
}

/** Follows a created task to its end. `created` is the answer to the call: CreateTaskResult, or the result itself. */
export async function followTask(created: WireAnswer, port: TaskPort): Promise<WireAnswer> {
  let state = stateOf(created)
  if (state === undefined) return created
  const { taskId } = state
  port.named(taskId)
  while (state !== undefined && state.status === 'working') {
    if (!(await pause(port, state.pollMs))) return { kind: 'aborted', sent: true }
    const answer = await port.step('tasks/get', payloadOf({ taskId }))
    if (answer.kind !== 'answer' || answer.answer.kind === 'error') return answer
    port.alive()
    state = stateOf(answer)
  }
  // Completed, failed and cancelled tasks have their result or error; one that needs input asks on the stream of this request.
  return withoutTaskId(await port.step('tasks/result', payloadOf({ taskId })))
}

function stateOf(answer: WireAnswer): State | undefined {
  if (answer.kind !== 'answer' || answer.answer.kind === 'error') return undefined
  const body = answer.answer.result.json()
  if (!isObject(body)) return undefined
  const task = isObject(body.task) ? body.task : body
  if (typeof task.taskId !== 'string' || typeof task.status !== 'string') return undefined
  const asked = typeof task.pollInterval === 'number' ? task.pollInterval : usualPollMs
  return { taskId: task.taskId, status: task.status, pollMs: Math.min(Math.max(asked, shortestPollMs), longestPollMs) }
}

/** The id of a task that nobody but the gateway knows means nothing to a caller. */
function withoutTaskId(answer: WireAnswer): WireAnswer {
  if (answer.kind !== 'answer' || answer.answer.kind === 'error') return answer
  const result = answer.answer.result.edit([{ path: ['_meta', metaKey.relatedTask], value: undefined }])
  return { ...answer, answer: { ...answer.answer, result } }
}

function pause(port: TaskPort, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      timer.cancel()
      resolve(false)
    }
    const timer = port.clock.timer(ms, () => {
      port.signal.removeEventListener('abort', onAbort)
      resolve(true)
    })
    port.signal.addEventListener('abort', onAbort, { once: true })
  })
}
