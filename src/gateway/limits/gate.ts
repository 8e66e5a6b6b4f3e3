// The gate of limits: asks everything that holds for a call, and counts it where all of it lets the call in. Between the question and the
// count nothing else runs, so that a call is counted everywhere or nowhere.
import type { Call, RoutedCall, TargetedCall, UpstreamId } from '../../core/call/call.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import { type Entry, type Gate, type Held, through } from '../../core/call/gates.ts'
import type { RatesOf } from '../../core/call/item-rates.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { principalKey } from '../../core/call/principal.ts'
import type { Usage } from '../../core/call/record.ts'
import type { Next } from '../../core/call/stage.ts'
import { endedBy } from '../../core/faults/ended.ts'
import { overloaded } from '../../core/faults/overloaded.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { LimitStore } from '../../core/ports/limit-store.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Rate } from '../../core/text/rate.ts'
import { Fingerprint } from './fingerprint.ts'
import { Holders, itemOf, type Repeated } from './holders.ts'
import type { KeptUsage, Use } from './kept-usage.ts'
import { type Limit, readKey } from './limit.ts'
import { Loops } from './loops.ts'
import { type Amounts, type Meter, nothingMore, oneCall } from './meter.ts'
import { loopFound, outOfTime, refusedBy } from './refusal.ts'
import type { BudgetSettings } from './settings.ts'
import { idOf, type LimitStatus, shown } from './status.ts'
import { Taken } from './taken.ts'

export interface LimitsParts {
  readonly store: LimitStore
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** `rate` of a server. */
  readonly rateOf: (upstream: UpstreamId) => Rate | undefined
  /** Of prompts and resources; absent: configuration says nothing of them. */
  readonly ratesOf?: RatesOf | undefined
  /** Repetitions that are a loop. */
  readonly loop: Rate | 'off'
  readonly budgets: BudgetSettings
  /** Where what is used of budgets outlives a restart; absent: nowhere. */
  readonly kept?: KeptUsage | undefined
  /** Of tokens and costs; absent: nothing but calls is counted. */
  readonly meter?: Meter | undefined
  /** Hears what each call used, in the moment in which it counts. */
  readonly used?: ((call: TargetedCall, usage: Usage) => void) | undefined
  /** For people. */
  readonly currency: string
}

export interface Limits {
  readonly gate: Gate<TargetedCall>
  /** Counts what further legs use that go straight to the connection where their call waits. */
  resumed(send: Next<RoutedCall>): Next<RoutedCall>
  /** Those of which something is used, those of which the least is left first. */
  show(): readonly LimitStatus[]
  /** Gives back all that is used of one. */
  clear(id: string): Promise<Cleared>
  /** Counts what was used before a start. */
  restore(use: Use): void
  /** `rateOf` may say something else from now on; what is used of a rate stays used. */
  reconsider(): void
}

export type Cleared =
  | { readonly kind: 'cleared' }
  /** There is no such limit. */
  | { readonly kind: 'unknown' }
  /** The store would bring it back with the next start: nothing was given back. */
  | { readonly kind: 'unkept'; readonly reason: string }

/** Legs of continued calls that are known to have come. */
const mostLegs = 16_384

const nobody: readonly Limit[] = []

const nothing: Held = { leave: () => undefined }

export function createLimits(parts: LimitsParts): Limits {
  const asking = new Asking(parts)
  return {
    gate: { name: 'limits', enter: (call, exchange) => asking.enter(call, exchange) },
    resumed: (send) => {
      const pass = through([{ name: 'limits', enter: (call, exchange) => asking.leg(call as RoutedCall, exchange) }])
      return (call, exchange) => pass(call, exchange, send as Next<Call>)
    },
    show: () => shown(asking.holders.all(), parts.store, parts.clock),
    clear: async (id) => {
      for (const limit of asking.holders.all()) {
        if (idOf(limit.key) !== id) continue
        const unkept = await parts.kept?.forget(limit.key)
        if (unkept !== undefined) return { kind: 'unkept', reason: unkept }
        parts.store.clear(limit)
        return { kind: 'cleared' }
      }
      return { kind: 'unknown' }
    },
    reconsider: () => asking.holders.reconsider(),
    restore: ({ key, beganMs, endedMs, periodMs, amount }) => {
      if (amount === 0) return asking.holders.restoreRun(readKey(key), beganMs)
      // Counted at the time at which it was used.
      const usedAt = parts.clock.mono() - Math.max(0, parts.clock.now() - endedMs)
      parts.store.add({ key: readKey(key), most: Number.MAX_SAFE_INTEGER, periodMs }, amount, usedAt)
    },
  }
}

class Asking {
  readonly holders: Holders
  private readonly parts: LimitsParts
  private readonly loops: Loops | undefined
  private readonly print: Fingerprint
  private legs = new Set<number>()
  /** Those that came before the latest. */
  private olderLegs = new Set<number>()
  // Of the call that is asked about, within one turn of the event loop.
  private refusing: Limit | undefined
  private waitMs = 0
  private pending: Promise<void>[] | undefined

  constructor(parts: LimitsParts) {
    this.parts = parts
    this.holders = new Holders(parts)
    this.loops = parts.loop === 'off' ? undefined : new Loops(parts.loop)
    this.print = new Fingerprint(parts.random.bytes(8))
  }

  enter(call: TargetedCall, exchange: Exchange): Entry | Promise<Entry> {
    // What an agent does to be rid of a task is never refused.
    if (call.family === 'task') return call.method === 'tasks/get' ? this.look(call, exchange) : nothing
    if (call.continuation !== undefined && this.isFirst(call)) return this.leg(call, exchange)
    return this.admit(call, exchange)
  }

  private admit(call: TargetedCall, exchange: Exchange): Entry | Promise<Entry> {
    const { holders, loops, parts } = this
    this.begin()
    const nowMs = parts.clock.mono()
    const now = parts.clock.now()
    const known = holders.known(call, nowMs)
    const repeated = loops === undefined ? undefined : (known?.repeated ?? this.repeatedOf(call))
    let identical = 0
    if (loops !== undefined && repeated !== undefined) {
      identical = this.print.from(repeated.tool).json(argumentsOf(call)).value
      const loop = loops.find(repeated.run, identical, nowMs)
      if (loop !== undefined) return this.refuse('run', loopFound(call, loop, loops.limit, now))
    }
    const shared = known?.shared ?? holders.shared(call)
    const own = known?.own ?? holders.ofPrincipal(call)
    const meter = call.family === 'invoke' ? parts.meter : undefined
    const amounts = meter === undefined ? oneCall : meter.estimate(call)
    this.ask(shared, amounts, nowMs)
    this.ask(own, amounts, nowMs)
    // An agent can make up runs: what refuses it whatever its run is bounds how many are kept.
    const ofRun = known?.ofRun ?? holders.ofRun(call, this.waitMs === 0)
    this.ask(ofRun, amounts, nowMs)
    const { refusing, pending } = this
    const timeMs = parts.budgets.run.time
    if (timeMs !== undefined && call.family === 'invoke') {
      const age =
        known?.beganMs === undefined ? holders.ageOfRun(call, refusing === undefined && pending === undefined) : now - known.beganMs
      if (age >= timeMs) return this.refuse('run', outOfTime(age, timeMs))
    }
    if (refusing !== undefined) {
      const used = parts.store.used(refusing, nowMs)
      const said = { used, needed: amounts[refusing.unit], waitMs: this.waitMs, currency: parts.currency }
      return this.refuse(refusing.scope, refusedBy(call, refusing, said, now))
    }
    if (pending !== undefined) {
      exchange.phases.enter('limits', 0)
      return Promise.all(pending).then(() => this.again(call, exchange))
    }
    if (repeated !== undefined) loops?.count(repeated.run, identical, nowMs)
    if (known === undefined) holders.learn(call, { shared, own, ofRun, repeated }, nowMs)
    if (meter === undefined && shared.length + own.length + ofRun.length === 0) return nothing
    const taken = new Taken(parts, meter === undefined ? undefined : exchange, amounts, shared, own, ofRun)
    taken.count(nowMs, now)
    return taken
  }

  /** What tells calls of this tool and run from others; undefined of what is no call of a tool. */
  private repeatedOf(call: TargetedCall): Repeated | undefined {
    const item = itemOf(call)
    if (item === undefined) return undefined
    const run = this.print.begin().text(principalKey(call.caller.principal)).text(call.run.id).value
    return { run, tool: this.print.text(call.upstream).text(item.name).mark() }
  }

  /** A further leg of a call: what it uses beside being one. */
  leg(call: TargetedCall, exchange: Exchange): Held {
    const { holders, parts } = this
    return this.beside(exchange, parts.meter?.leg(call) ?? nothingMore, holders.ofPrincipal(call), holders.ofRun(call, true))
  }

  /** To look after a task counts for its server alone; the result that it may find is that of the call which made the task. */
  private look(call: TargetedCall, exchange: Exchange): Entry | Promise<Entry> {
    const entry = this.admit(call, exchange)
    if (this.parts.meter === undefined) return entry
    return entry instanceof Promise ? entry.then((late) => this.withResult(call, exchange, late)) : this.withResult(call, exchange, entry)
  }

  private withResult(call: TargetedCall, exchange: Exchange, entry: Entry): Entry {
    return 'leave' in entry ? both(entry, this.beside(exchange, nothingMore, this.holders.ofTask(call), nobody)) : entry
  }

  private beside(exchange: Exchange, amounts: Amounts, own: readonly Limit[], ofRun: readonly Limit[]): Held {
    const { parts } = this
    if (parts.meter === undefined && own.length + ofRun.length === 0) return nothing
    const taken = new Taken(parts, parts.meter === undefined ? undefined : exchange, amounts, nobody, own, ofRun)
    taken.count(parts.clock.mono(), parts.clock.now())
    return taken
  }

  private begin(): void {
    this.refusing = undefined
    this.waitMs = 0
    this.pending = undefined
  }

  private ask(limits: readonly Limit[], amounts: Amounts, nowMs: number): void {
    for (const limit of limits) {
      const waitMs = this.parts.store.waitMs(limit, amounts[limit.unit], nowMs)
      if (typeof waitMs !== 'number') {
        this.pending ??= []
        this.pending.push(waitMs)
      } else if (waitMs > this.waitMs) {
        this.waitMs = waitMs
        this.refusing = limit
      }
    }
  }

  /** After the store was asked. */
  private again(call: TargetedCall, exchange: Exchange): Entry | Promise<Entry> {
    const reason = endReason(exchange.signal)
    if (reason === undefined) {
      exchange.phases.enter('request', 0)
      return this.admit(call, exchange)
    }
    if (reason !== 'deadline') return failed(endedBy(reason, call.upstream))
    return failed(overloaded(call.upstream, 'the store of limits did not answer in time'))
  }

  private refuse(scope: string, outcome: Outcome): Outcome {
    if (outcome.kind === 'fault') this.parts.report.counters.add('limit', { scope, kind: outcome.fault.kind })
    return outcome
  }

  /** A leg of a call that was counted when it began. One that comes again is a call of its own. */
  private isFirst(call: TargetedCall): boolean {
    const { continuation } = call
    const inner = continuation?.kind === 'relayed' ? continuation.inner : continuation?.park
    const leg = this.print
      .begin()
      .text(principalKey(call.caller.principal))
      .text(call.target ?? '')
      .text(inner ?? '')
      .json(call.params.json()).value
    if (this.legs.has(leg) || this.olderLegs.has(leg)) return false
    if (this.legs.size >= mostLegs) {
      this.olderLegs = this.legs
      this.legs = new Set()
    }
    this.legs.add(leg)
    return true
  }
}

function both(first: Held, second: Held): Held {
  return {
    leave: (outcome, call) => {
      first.leave(outcome, call)
      second.leave(outcome, call)
    },
    amend: (outcome) => second.amend?.(outcome) ?? outcome,
  }
}

function argumentsOf({ params }: TargetedCall): unknown {
  return (params.json() as { readonly arguments?: unknown } | null | undefined)?.arguments
}
