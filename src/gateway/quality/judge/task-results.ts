// The stage that judges results of tasks (tasks extension, SEP-2663) as results of the tools that made them: by all but the time that they took,
// of which the answer to a question for one says nothing. However often a task is asked for, its result is judged and counted once.
import { createHash } from 'node:crypto'
import { type RoutedCall, routed, type TargetedCall, type TaskOrigin } from '../../../core/call/call.ts'
import type { Exchange } from '../../../core/call/exchange.ts'
import type { Gate, Held } from '../../../core/call/gates.ts'
import { type Complete, type Outcome, unscanned } from '../../../core/call/outcome.ts'
import { type Payload, payload, payloadOf } from '../../../core/call/payload.ts'
import type { Fault } from '../../../core/faults/fault.ts'
import { faultResult } from '../../../core/faults/wire-form.ts'
import { reportBug } from '../../../core/ports/boundary.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { resultFacts } from '../../../core/protocol/jsonrpc.ts'
import { locate } from '../../../core/protocol/locate.ts'
import { withoutClaim } from './amended.ts'
import type { JudgedServer } from './judged-tool.ts'
import { factsOf, Judge, type Judging, noReasons, type ResultsParts } from './stage.ts'

/** Tasks whose results are remembered as judged. */
export const mostTasks = 4_096

const path = ['result']
const nothing: Held = { leave: () => undefined }

export function taskResults(parts: ResultsParts): Gate<TargetedCall> {
  const judge = new Judge(parts)
  const known = new KnownTasks()
  return {
    name: 'taskResults',
    enter: (call, exchange) =>
      call.method === 'tasks/get' && call.origin !== undefined && call.target !== undefined
        ? new JudgedTask(parts, judge, known, call, exchange, call.origin, call.target)
        : nothing,
  }
}

type Found = Pick<Judging, 'reasons' | 'looked' | 'seen'>

/** What was found of the results of tasks, by the ids that clients have: the oldest is forgotten. */
class KnownTasks {
  private readonly found = new Map<string, Found>()

  get(key: string): Found | undefined {
    return this.found.get(key)
  }

  put(key: string, { reasons, looked, seen }: Found): void {
    if (this.found.size >= mostTasks) for (const oldest of this.found.keys()) if (this.found.delete(oldest)) break
    const told = looked === undefined ? undefined : { kind: looked.kind, excerpt: looked.excerpt }
    this.found.set(key, { reasons, looked: told, seen })
  }
}

/** One question for a task. */
class JudgedTask implements Held, Judging {
  reasons = noReasons
  looked: Judging['looked'] = undefined
  seen: Judging['seen'] = undefined
  /** As a call of the tool. */
  readonly call: RoutedCall
  readonly enteredAt = undefined
  readonly server: JudgedServer
  readonly wroteAtMs: number
  readonly removedAtMs: number
  private result: Complete | undefined
  private readonly parts: ResultsParts
  private readonly judge: Judge
  private readonly known: KnownTasks
  private readonly exchange: Exchange
  private readonly key: string
  private readonly asked: number

  constructor(
    parts: ResultsParts,
    judge: Judge,
    known: KnownTasks,
    call: TargetedCall,
    exchange: Exchange,
    { tool, asked }: TaskOrigin,
    id: string,
  ) {
    this.parts = parts
    this.judge = judge
    this.known = known
    this.exchange = exchange
    this.call = routed(call, tool)
    // Of one size, whatever a server takes for an id.
    const digest = createHash('sha256').update(id).digest()
    this.key = digest.toString('base64')
    // Where the arguments are not known it is a question of its own.
    this.asked = asked ?? digest.readInt32LE(0)
    this.server = judge.serverOf(this.call)
    this.wroteAtMs = this.server.wroteAtMs
    this.removedAtMs = this.server.removedAtMs
  }

  leave(outcome: Outcome | undefined): void {
    if (outcome?.kind !== 'complete') return
    const { clock, report } = this.parts
    try {
      this.result = resultIn(outcome.result)
      const before = this.result === undefined ? undefined : this.known.get(this.key)
      if (before !== undefined) {
        this.reasons = before.reasons
        this.looked = before.looked
        if (before.seen !== undefined) this.exchange.note('seen', before.seen)
        return
      }
      const atMs = clock.now()
      if (this.result !== undefined) {
        this.judge.look(this, this.result, undefined, this.asked, atMs)
        this.known.put(this.key, this)
        if (this.seen !== undefined) this.exchange.note('seen', this.seen)
      }
      // It may have done what it does at any time until now.
      if (this.call.item.traits.destructive) this.judge.wrote(this, atMs)
    } catch (bug) {
      this.reasons = noReasons
      reportBug(report, 'quality', bug)
    }
  }

  amend(outcome: Outcome): Outcome {
    const { result, looked, reasons, call } = this
    if (outcome.kind !== 'complete' || result === undefined) return outcome
    const isGood = looked === undefined || (looked.kind === 'ok' && reasons.length === 0)
    const amended = isGood ? withoutClaim(result) : this.judge.amend(result, this, looked)
    const given = amended.kind === 'fault' ? withheldAs(amended.fault, call) : amended.kind === 'complete' ? amended.result : result.result
    const edited = given === result.result ? outcome.result : outcome.result.edit([{ path, value: given.bytes }])
    return isGood
      ? { ...outcome, result: edited }
      : { ...outcome, result: edited, facts: { ...outcome.facts, ...factsOf(looked.kind, reasons) } }
  }
}

/** What the call itself would have been given: a task ends as `failed` for errors of JSON-RPC alone. */
function withheldAs(fault: Fault, { id, run, item }: RoutedCall): Payload {
  return payloadOf({ resultType: 'complete', ...faultResult(fault, { correlationId: id, run: run.id }, item.declaresOutput) })
}

/** Of a task that has ended well. */
function resultIn(told: Payload): Complete | undefined {
  const task = told.json()
  if (!isObject(task) || task.status !== 'completed' || !isObject(task.result)) return undefined
  const bytes = locate(told.bytes, path)
  if (bytes === undefined) return undefined
  const facts = resultFacts(bytes)
  // Of members that stand twice nothing is known until they are looked at.
  const known = 'ambiguous' in facts ? unscanned(bytes.length) : facts
  return { kind: 'complete', result: payload(bytes), facts: known, annotations: [] }
}
