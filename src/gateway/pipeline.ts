// The order of the gateway: what a call passes, one registration a stage, with the families that pass it and the reason why it stands where
// it does. This is the only place that knows the order; docs/architecture.md is generated from it and test/pipeline.test.ts holds it.
import type { Call, RoutedCall, TargetedCall } from '../core/call/call.ts'
import type { Gate } from '../core/call/gates.ts'
import { everyFamily, type Next, type Pass, type Step, Table } from '../core/call/stage.ts'

/** The stages, made by their rooms and handed in by the assembly. */
export interface Stages {
  readonly record: Pass<Call>
  readonly spill: Pass<Call>
  readonly continued: Pass<Call>
  readonly resolve: Step<Call, RoutedCall>
  readonly target: Step<Call, TargetedCall>
  /** Undefined where the configuration has no rules of access. */
  readonly authorize: Pass<TargetedCall> | undefined
  readonly asserted: Pass<RoutedCall>
  /** Undefined where nobody keeps contracts. */
  readonly contract: Pass<RoutedCall> | undefined
  readonly validate: Pass<RoutedCall>
  /** Undefined where there is no audit, or nothing is refused for it. */
  readonly audited: Pass<Call> | undefined
  readonly deadline: Pass<TargetedCall>
  /** Undefined where configuration asks for none, and no server has a credential of it. */
  readonly guards: Pass<TargetedCall> | undefined
  readonly seal: Pass<RoutedCall>
  readonly resume: Pass<RoutedCall>
  /** Undefined where no server has grants of users. */
  readonly signIn: Pass<RoutedCall> | undefined
  /** As `contract`. */
  readonly adapt: Pass<RoutedCall> | undefined
  readonly limits: Gate<TargetedCall>
  /** Undefined where no tool has a limit of its own. */
  readonly toolConcurrency: Gate<TargetedCall> | undefined
  /** Undefined where configuration says it of no tool. */
  readonly degraded: Pass<TargetedCall> | undefined
  readonly retry: Pass<TargetedCall>
  /** Undefined where results are not judged. */
  readonly results: Gate<RoutedCall> | undefined
  /** As `results`. */
  readonly taskResults: Gate<TargetedCall> | undefined
  readonly breaker: Gate<TargetedCall>
  readonly bulkhead: Gate<TargetedCall>
  readonly connection: Next<TargetedCall>
  readonly list: Next<Call>
  readonly discover: Next<Call>
  readonly listen: Next<Call>
}

/** Calls that go to one upstream. */
const sent = ['invoke', 'complete', 'task'] as const

export function pipeline(s: Stages) {
  return Table.begin()
    .pass(everyFamily, s.record, 'outermost, so that refusals of every later stage leave a row')
    .pass(['invoke'], s.spill, 'before resolve: answers reads of results that it keeps, and sees the final size of every result')
    .pass(['invoke'], s.continued, 'before resolve: a requestState must be ours before anything is looked up for it')
    .step(['invoke'], s.resolve, 'pins item, validator and catalog generation for all that follows')
    .step(
      ['complete', 'task'],
      s.target,
      'in place of resolve where there is no item: the upstream of a task is in its handle, of a completion in its reference',
    )
    .pass(['invoke', 'complete'], s.authorize, 'before any check of the arguments: who may not use it learns nothing of its schema')
    .pass(['invoke'], s.asserted, 'before validate: a header that lies about the body is refused whatever the arguments')
    .pass(['invoke'], s.contract, 'before validate: who has read another schema is told that, whatever its arguments')
    .pass(['invoke'], s.validate, 'before anything is spent on the call: no upstream byte for wrong arguments')
    .pass(
      everyFamily,
      s.audited,
      'after all that refuses a call for what it is, before anything is spent on it: what could not be told of afterwards is not begun',
    )
    .pass(sent, s.deadline, 'from here the upstream’s own limits count')
    .pass(
      sent,
      s.guards,
      'around all that answers in a server’s name, kept answers and parked legs too; inside spill, which keeps no secret',
    )
    .pass(['invoke'], s.seal, 'around retry: what is sealed is the final outcome, once')
    .pass(['invoke'], s.resume, 'a parked leg goes straight to its connection: it is never balanced, queued or retried')
    .pass(
      ['invoke'],
      s.signIn,
      'inside seal, which makes the state of its question; around retry: there is no credential to try again with',
    )
    .pass(['invoke'], s.adapt, 'inside seal and resume: what a client sends again for its next leg is what it sent first')
    .gate(sent, s.limits, 'after all that refuses a call for what it is; around retry: a call counts once, whatever its attempts')
    .gate(['invoke'], s.toolConcurrency, 'before the breaker: who waits for its tool takes no place of the upstream')
    .pass(['invoke', 'task'], s.degraded, 'around retry: what is given where all attempts have failed, until a call changes what it tells')
    .pass(sent, s.retry, 'around the breaker, so that each attempt is judged')
    .gate(sent, s.breaker, 'before the queue: an open circuit answers at once and takes no place')
    .gate(sent, s.bulkhead, 'around nothing but the upstream’s own work: a place is held only while it works')
    .gate(['invoke'], s.results, 'innermost: it reads what the server itself answered, and how long that took without any wait for a place')
    .gate(['task'], s.taskResults, 'where results stands: the result of a task is what the tool that made it answered')
    .end(sent, 'connection', s.connection, 'the exit of the call’s upstream')
    .end(['list'], 'list', s.list, 'a query over the catalog')
    .end(['discover'], 'discover', s.discover, 'what a mount offers')
    .end(['listen'], 'listen', s.listen, 'changes, until one side ends it')
}
