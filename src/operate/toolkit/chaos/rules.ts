// Which requests are met by a fault: by method, tool, arguments, their number, and chance that follows from a seed.
import { seededFractions } from './seeded-fractions.ts'

/** What a request must be like; what is left out matches all. */
export interface Match {
  readonly method?: string
  /** `params.name` of a `tools/call`. */
  readonly tool?: string
  /** Arguments whose values are these. */
  readonly arguments?: Readonly<Record<string, string | number | boolean>>
  /** Only those of these numbers among the requests that are like the rest of this; the first is 1. */
  readonly nth?: number | readonly number[]
  /** How many of those, in [0, 1]; 1 unless said. */
  readonly probability?: number
  /** A seed of its own; unless said, one that follows from that of all rules and the place of this one. */
  readonly seed?: number
}

export interface Rule<Fault> extends Match {
  readonly fault: Fault
}

/** A request as rules see it. */
export interface Asked {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

interface Entry<Fault> {
  readonly rule: Rule<Fault>
  readonly fraction: () => number
  seen: number
}

/** Rules in their order; the first that takes a request gives its fault. */
export class Rules<Fault> {
  private readonly entries: Entry<Fault>[] = []
  private readonly seed: number

  /** `seed`: the same rules, seed and requests in the same order give the same faults. */
  constructor(rules: readonly Rule<Fault>[], seed: number) {
    this.seed = seed
    for (const rule of rules) this.add(rule)
  }

  add(rule: Rule<Fault>): void {
    const own = rule.seed ?? this.seed + this.entries.length * 0x9e3779b1
    this.entries.push({ rule, fraction: seededFractions(own), seen: 0 })
  }

  remove(rule: Rule<Fault>): void {
    const at = this.entries.findIndex((entry) => entry.rule === rule)
    if (at >= 0) this.entries.splice(at, 1)
  }

  /** How often each rule was met, in their order: what a process gives on to the next one (`restore`). */
  counts(): number[] {
    return this.entries.map(({ seen }) => seen)
  }

  restore(counts: readonly number[]): void {
    for (const [at, entry] of this.entries.entries()) {
      // The chance goes on where it was, too.
      for (; entry.seen < (counts[at] ?? 0); entry.seen += 1) entry.fraction()
    }
  }

  /** Every rule counts and draws, whichever is the first to take it, so that none depends on those before it. */
  choose(asked: Asked): Fault | undefined {
    let chosen: Rule<Fault> | undefined
    for (const entry of this.entries) {
      const { rule } = entry
      if (!isLike(rule, asked)) continue
      entry.seen += 1
      const drawn = entry.fraction()
      if (isNth(rule.nth, entry.seen) && drawn < (rule.probability ?? 1)) chosen ??= rule
    }
    return chosen?.fault
  }
}

function isLike(rule: Match, { method, params }: Asked): boolean {
  if (rule.method !== undefined && rule.method !== method) return false
  if (rule.tool !== undefined && (method !== 'tools/call' || params.name !== rule.tool)) return false
  if (rule.arguments === undefined) return true
  const given = (params.arguments ?? {}) as Record<string, unknown>
  return Object.entries(rule.arguments).every(([name, value]) => given[name] === value)
}

function isNth(wanted: Match['nth'], seen: number): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'number' ? wanted === seen : wanted.includes(seen)
}
