// Two canonical schemas of one side of a contract, judged as wholes.
import type { Reading, Verdict } from '../../../core/call/contract.ts'
import { close } from './close.ts'
import { Spent, Steps } from './evaluate.ts'
import { Graph, type Node } from './graph.ts'
import { limits, Prover, type Rules } from './prove.ts'
import { type Found, refute } from './refute.ts'
import { Sampler } from './sample.ts'
import type { Schema } from './schema.ts'

export interface Compared {
  readonly verdict: Extract<Verdict, 'additive' | 'unknown' | 'ignored' | 'breaking'>
  readonly example?: unknown
  readonly spent: boolean
}

const stepsOfSearch = 12_000

export class Comparison {
  private readonly graph = new Graph()
  private readonly rules: Rules
  private readonly side: 'input' | 'output'
  private readonly reading: Reading

  constructor(rules: Rules, side: 'input' | 'output', reading: Reading) {
    this.rules = rules
    this.side = side
    this.reading = reading
  }

  /** Of the second beside the first; `steps` of each proof. */
  compare(old: Schema, now: Schema, steps: number = limits.steps): Compared {
    const before = this.graph.read(old)
    const after = this.graph.read(now)
    if (this.side === 'output') {
      const given = this.reading === 'strict' ? after : close(after, this.graph, false)
      return this.claim([given], before, 'breaking', steps)
    }
    if (this.reading === 'strict') return this.claim([before], after, 'breaking', steps)
    const given = close(before, this.graph, true)
    const accepted = this.claim([given], after, 'breaking', steps)
    if (accepted.verdict === 'breaking') return accepted
    const declared = this.claim([given], close(after, this.graph, true), 'ignored', steps)
    if (accepted.verdict === 'additive') return declared
    return this.stillAccepted(declared, after) ? declared : { verdict: 'unknown', spent: accepted.spent }
  }

  /** What is refused counts as ignored only where it is surely accepted. */
  private stillAccepted(declared: Compared, after: Node): boolean {
    const prover = new Prover(this.graph, this.rules, new Steps(stepsOfSearch))
    return declared.verdict === 'ignored' && prover.fits(after, declared.example)
  }

  private claim(given: readonly Node[], goal: Node, otherwise: 'breaking' | 'ignored', steps: number): Compared {
    const proved = new Prover(this.graph, this.rules, new Steps(steps)).proves(given, goal)
    if (proved === true) return { verdict: 'additive', spent: false }
    const found: Found | undefined = refute(new Prover(this.graph, this.rules, new Steps(stepsOfSearch)), given, goal)
    if (found !== undefined) return { verdict: otherwise, example: found.value, spent: false }
    return { verdict: 'unknown', spent: proved === undefined }
  }
}

const mostExamples = 8

/** Some values that fit. */
export function examplesOf(schema: Schema, rules: Rules): unknown[] {
  const graph = new Graph()
  const prover = new Prover(graph, rules, new Steps(stepsOfSearch))
  try {
    return new Sampler(prover).values(prover.context([graph.read(schema)]), [], 0, mostExamples)
  } catch (error) {
    if (error instanceof Spent) return []
    throw error
  }
}
