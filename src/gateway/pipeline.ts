// The order of the gateway: what a call passes, family by family, with the reason why each stage stands where it does. This is the
// only place that knows the order; docs/architecture.md is generated from it and test/pipeline.test.ts holds it.
import type { Call, Family, RoutedCall, TargetedCall } from '../core/call/call.ts'
import { Chain, type Next, type Pass, type Step } from '../core/call/stage.ts'

/** The stages, made by their rooms and handed in by the assembly. */
export interface Stages {
  readonly record: Pass<Call>
  readonly spill: Pass<Call>
  readonly continued: Pass<Call>
  readonly resolve: Step<Call, RoutedCall>
  readonly target: Step<Call, TargetedCall>
  readonly asserted: Pass<RoutedCall>
  readonly validate: Pass<RoutedCall>
  readonly deadline: Pass<TargetedCall>
  readonly seal: Pass<RoutedCall>
  readonly resume: Pass<RoutedCall>
  readonly retry: Pass<TargetedCall>
  readonly breaker: Pass<TargetedCall>
  readonly bulkhead: Pass<TargetedCall>
  /** Terminal: the exit of the call's upstream. */
  readonly connection: Next<TargetedCall>
  readonly list: Next<Call>
  readonly discover: Next<Call>
  readonly listen: Next<Call>
}

interface Table {
  readonly chains: Readonly<Record<Family, Next<Call>>>
  /** Names of the stages in order, the terminal last. */
  readonly order: Readonly<Record<Family, readonly string[]>>
}

export function pipeline(stages: Stages): Table {
  const { record, spill, continued, resolve, target, asserted, validate, deadline, seal, resume, retry, breaker, bulkhead } = stages

  const invoke = Chain.of<Call>()
    .pass(record) // outermost, so that refusals of every later stage leave a row
    .pass(spill) // before resolve: answers reads of results that it keeps, and sees the final size of every result
    .pass(continued) // before resolve: a requestState must be ours before anything is looked up for it
    .step(resolve) // pins item, validator and catalog generation for all that follows
    .pass(asserted) // before validate: a header that lies about the body is refused whatever the arguments
    .pass(validate) // before anything is spent on the call: no upstream byte for wrong arguments
    .pass(deadline) // from here the upstream's own limits count
    .pass(seal) // around retry: what is sealed is the final outcome, once
    .pass(resume) // a parked leg goes straight to its connection: it is never balanced, queued or retried
    .pass(retry) // around the breaker, so that each attempt is judged
    .pass(breaker) // before the queue: an open circuit answers at once and takes no place
    .pass(bulkhead) // innermost: a place is held only while the upstream works

  const complete = Chain.of<Call>().pass(record).step(target).pass(deadline).pass(retry).pass(breaker).pass(bulkhead)

  const task = Chain.of<Call>()
    .pass(record)
    .step(target) // in place of resolve where there is no item: the upstream of a task is in its handle, of a completion in its reference
    .pass(deadline)
    .pass(retry)
    .pass(breaker)
    .pass(bulkhead)

  const local = Chain.of<Call>().pass(record)

  return {
    chains: {
      invoke: invoke.end(stages.connection),
      complete: complete.end(stages.connection),
      task: task.end(stages.connection),
      list: local.end(stages.list),
      discover: local.end(stages.discover),
      listen: local.end(stages.listen),
    },
    order: {
      invoke: [...invoke.names(), 'connection'],
      complete: [...complete.names(), 'connection'],
      task: [...task.names(), 'connection'],
      list: [...local.names(), 'list'],
      discover: [...local.names(), 'discover'],
      listen: [...local.names(), 'listen'],
    },
  }
}
