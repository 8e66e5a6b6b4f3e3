// Stages and the table they are registered in. The types make a wrong order a compile error: a pass that needs a routed call cannot stand
// before the step that routes it.
import type { Call, Family } from './call.ts'
import type { Exchange } from './exchange.ts'
import { type Gate, through } from './gates.ts'
import type { Outcome } from './outcome.ts'

export type Next<C extends Call = Call> = (call: C, exchange: Exchange) => Promise<Outcome>

/** A stage that keeps the call's type. `run` is a property on purpose: methods are bivariant and would let a wrong order compile. */
export interface Pass<in In extends Call = Call> {
  readonly name: string
  /** Never called; it makes `Pass` contravariant in what it needs. */
  readonly needs?: (call: In) => void
  readonly run: <C extends In>(call: C, exchange: Exchange, next: Next<C>) => Promise<Outcome>
  /** It runs what follows once for each attempt. */
  readonly repeats?: true
}

/** A stage that changes the call's type, such as `resolve`. */
export interface Step<In extends Call, Out extends Call> {
  readonly name: string
  readonly run: (call: In, exchange: Exchange, next: Next<Out>) => Promise<Outcome>
}

/** One line of the table. */
export interface Registration {
  readonly name: string
  /** The families whose calls pass it. */
  readonly families: readonly Family[]
  /** Why it stands where it does. */
  readonly reason: string
  /** It answers; nothing follows. */
  readonly terminal: boolean
}

/** The types that their registration has checked are of no use to what is put round a stage. */
export type Run = (call: Call, exchange: Exchange, next: Next) => Promise<Outcome>

/** Where in a chain something is put round. */
export interface Link {
  readonly name: string
  readonly family: Family
  /** Each run of it begins an attempt, whose number is `exchange.attemptNumber`. */
  readonly attempt: boolean
}

/** Puts something round a link when the chains are made: a span, a timer. What it gives back is run in place of `run`. */
export type Wrap = (run: Run, link: Link) => Run

interface Row extends Registration {
  readonly run: Run
  readonly repeats: boolean
  /** Of a gate; `run` is that gate alone. */
  readonly gate: Gate | undefined
}

/** The table under construction: `At` is the type of call, a family each, that the next stage receives. */
export class Table<At extends Record<Family, Call>> {
  private readonly rows: readonly Row[]

  private constructor(rows: readonly Row[]) {
    this.rows = rows
  }

  static begin<Start extends Call = Call>(): Table<Record<Family, Start>> {
    return new Table([])
  }

  /** Registers a pass; undefined (turned off by configuration) registers nothing. */
  pass<const F extends Family, Needs extends Call>(
    families: readonly F[],
    stage: (At[F] extends Needs ? Pass<Needs> : never) | undefined,
    reason: string,
  ): Table<At> {
    return stage === undefined ? this : this.with(families, stage as unknown as Pass<Call>, reason, false)
  }

  /** As `pass`, of a gate. */
  gate<const F extends Family, Needs extends Call>(
    families: readonly F[],
    gate: (At[F] extends Needs ? Gate<Needs> : never) | undefined,
    reason: string,
  ): Table<At> {
    if (gate === undefined) return this
    const one = gate as unknown as Gate
    return this.with(families, { name: one.name, run: through([one]) as Pass['run'] }, reason, false, one)
  }

  step<const F extends Family, Out extends Call>(
    families: readonly F[],
    stage: Step<At[F], Out>,
    reason: string,
  ): Table<{ [K in Family]: K extends F ? Out : At[K] }> {
    return this.with(families, stage as unknown as Pass<Call>, reason, false)
  }

  /** Registers what answers the calls of the families; it needs no stage object, since nothing follows it. */
  end<const F extends Family>(families: readonly F[], name: string, terminal: Next<At[F]>, reason: string): Table<At> {
    return this.with(families, { name, run: terminal as unknown as Run } as Pass<Call>, reason, true)
  }

  get registrations(): readonly Registration[] {
    return this.rows
  }

  /** Names in order, the terminal last. */
  order(family: Family): readonly string[] {
    return this.of(family).map(({ name }) => name)
  }

  /** What a call of each family walks. Nothing is put round anything where `wrap` is not given. */
  chains(wrap?: Wrap): Readonly<Record<Family, Next<Call>>> {
    const chains: Partial<Record<Family, Next<Call>>> = {}
    for (const family of everyFamily) chains[family] = chainOf(this.of(family), family, wrap)
    return chains as Record<Family, Next<Call>>
  }

  private of(family: Family): readonly Row[] {
    return this.rows.filter(({ families }) => families.includes(family))
  }

  private with<Next extends Record<Family, Call>>(
    families: readonly Family[],
    { name, run, repeats }: Pass<Call>,
    reason: string,
    terminal: boolean,
    gate?: Gate,
  ): Table<Next> {
    return new Table([...this.rows, { name, families, reason, terminal, repeats: repeats === true, run: run as Run, gate }])
  }
}

const known = { invoke: 1, complete: 1, task: 1, list: 1, discover: 1, listen: 1 } as const satisfies Record<Family, 1>

export const everyFamily = Object.keys(known) as readonly Family[]

function chainOf(rows: readonly Row[], family: Family, wrap: Wrap | undefined): Next {
  let next: Next = nothing
  /** Those that stand together so far, where nothing is put round each. */
  let gates: readonly Gate[] = []
  for (const [at, { name, run, terminal, gate }] of [...rows.entries()].reverse()) {
    if (terminal !== (at === rows.length - 1)) throw new Error(`${family} has to end with one terminal; ${name} stands in its way`)
    if (wrap !== undefined) {
      next = unthrowing(wrap(run, { name, family, attempt: rows[at - 1]?.repeats === true }), next)
    } else if (gate === undefined) {
      next = unthrowing(run, next)
    } else {
      gates = [gate, ...gates]
      if (rows[at - 1]?.gate !== undefined) continue
      next = unthrowing(through(gates), next)
      gates = []
    }
  }
  return next
}

const nothing: Next = () => Promise.reject(new Error('no stage answers'))

/** What a stage throws at once is a rejection for the stage before it. */
function unthrowing(run: Run, following: Next): Next {
  return (call, exchange) => {
    try {
      return run(call, exchange, following)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
