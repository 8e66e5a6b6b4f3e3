// Stages and the chain they stand in. The types make a wrong order a compile error: a pass that needs a routed call cannot stand
// before the step that routes it.
import type { Call } from './call.ts'
import type { Exchange } from './exchange.ts'
import type { Outcome } from './outcome.ts'

export type Next<C extends Call = Call> = (call: C, exchange: Exchange) => Promise<Outcome>

/** A stage that keeps the call's type. `run` is a property on purpose: methods are bivariant and would let a wrong order compile. */
export interface Pass<in In extends Call = Call> {
  readonly name: string
  /** Never called; it makes `Pass` contravariant in what it needs. */
  readonly needs?: (call: In) => void
  readonly run: <C extends In>(call: C, exchange: Exchange, next: Next<C>) => Promise<Outcome>
}

/** A stage that changes the call's type, such as `resolve`. */
export interface Step<In extends Call, Out extends Call> {
  readonly name: string
  readonly run: (call: In, exchange: Exchange, next: Next<Out>) => Promise<Outcome>
}

interface Link {
  readonly name: string
  readonly run: (call: never, exchange: Exchange, next: never) => Promise<Outcome>
}

type Run = (call: never, exchange: Exchange) => Promise<Outcome>

function unthrowing(run: Run): Run {
  return (call, exchange) => {
    try {
      return run(call, exchange)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

/** A chain under construction. `Cur` is the type of call that the next stage receives. */
export class Chain<Start extends Call, Cur extends Call> {
  private readonly links: readonly Link[]

  private constructor(links: readonly Link[]) {
    this.links = links
  }

  static of<C extends Call>(): Chain<C, C> {
    return new Chain<C, C>([])
  }

  /** Adds a pass; undefined (turned off by configuration) adds nothing. */
  pass<Needs extends Call>(stage: (Cur extends Needs ? Pass<Needs> : never) | undefined): Chain<Start, Cur> {
    return stage === undefined ? this : new Chain([...this.links, stage as Link])
  }

  step<Out extends Call>(stage: Step<Cur, Out>): Chain<Start, Out> {
    return new Chain([...this.links, stage as unknown as Link])
  }

  /** Closes the chain with the terminal that answers. What a stage throws at once is a rejection for the stage before it. */
  end(terminal: Next<Cur>): Next<Start> {
    let next = unthrowing(terminal as never)
    for (const link of [...this.links].reverse()) {
      const following = next
      next = unthrowing((call, exchange) => link.run(call, exchange, following as never))
    }
    return next as unknown as Next<Start>
  }

  /** Names in order, for the golden test and the documentation. */
  names(): readonly string[] {
    return this.links.map((link) => link.name)
  }
}
