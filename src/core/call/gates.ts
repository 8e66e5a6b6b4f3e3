// Gates: stages that let a call in or refuse it, and hear how it ended. What they do at once costs nothing but that: gates that stand next
// to each other share one wait for the outcome, where a stage of its own for each would cost a promise and two closures a call.
import type { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import type { Outcome } from './outcome.ts'

/** What follows the gates (`Next` of the stages, which stand on this). */
type Following = (call: Call, exchange: Exchange) => Promise<Outcome>

/** What a call holds while it is inside: a place, a trial. One object may serve many calls. */
export interface Held {
  /** Called once for each entry, with the call of it. `undefined`: a bug of ours ended the call. */
  leave(outcome: Outcome | undefined, call: Call): void
  /** After `leave`: what stands in place of the outcome, for the gates before it as well. */
  amend?(outcome: Outcome): Outcome
}

/** A refusal is the outcome of the call; gates before it hear of it as of any other. */
export type Entry = Held | Outcome

export interface Gate<in In extends Call = Call> {
  readonly name: string
  /** Never called; as that of `Pass`. */
  readonly needs?: (call: In) => void
  /** A promise only where the call has to wait. */
  readonly enter: (call: In, exchange: Exchange) => Entry | Promise<Entry>
}

/** Gates as one stage. They are entered in order, and left in reverse, whatever becomes of the call. */
export function through(gates: readonly Gate[]): (call: Call, exchange: Exchange, next: Following) => Promise<Outcome> {
  return (call, exchange, next) => new Passage(gates, call, exchange, next).enter()
}

class Passage {
  private readonly gates: readonly Gate[]
  private readonly call: Call
  private readonly exchange: Exchange
  private readonly next: Following
  private readonly held: Held[]
  private entered = 0

  constructor(gates: readonly Gate[], call: Call, exchange: Exchange, next: Following) {
    this.gates = gates
    this.call = call
    this.exchange = exchange
    this.next = next
    // Of its final size: one that grows from nothing takes room for many.
    this.held = new Array(gates.length)
  }

  enter(): Promise<Outcome> {
    let entry: Entry | Promise<Entry>
    while (this.entered < this.gates.length) {
      try {
        entry = (this.gates[this.entered] as Gate).enter(this.call, this.exchange)
      } catch (bug) {
        return this.failed(bug)
      }
      if (entry instanceof Promise) {
        return entry.then(
          (late) => this.goOn(late),
          (bug) => this.failed(bug),
        )
      }
      if (!('leave' in entry)) return Promise.resolve(this.left(entry))
      this.hold(entry)
    }
    return this.next(this.call, this.exchange).then(
      (outcome) => this.left(outcome),
      (bug) => this.failed(bug),
    )
  }

  private hold(entry: Held): void {
    this.held[this.entered] = entry
    this.entered += 1
  }

  private goOn(entry: Entry): Outcome | Promise<Outcome> {
    if (!('leave' in entry)) return this.left(entry)
    this.hold(entry)
    return this.enter()
  }

  private left(outcome: Outcome): Outcome {
    return this.leaveAll(outcome) ?? outcome
  }

  private failed(bug: unknown): never {
    this.leaveAll(undefined)
    throw bug
  }

  /** A gate that fails keeps no other from being left. */
  private leaveAll(ended: Outcome | undefined): Outcome | undefined {
    let outcome = ended
    let bug: { readonly thrown: unknown } | undefined
    while (this.entered > 0) {
      this.entered -= 1
      try {
        const held = this.held[this.entered] as Held
        held.leave(outcome, this.call)
        if (outcome !== undefined && held.amend !== undefined) outcome = held.amend(outcome)
      } catch (thrown) {
        bug ??= { thrown }
      }
    }
    if (bug !== undefined) throw bug.thrown
    return outcome
  }
}
