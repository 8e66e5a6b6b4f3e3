// What runs of one kind usually use, from those that are over, and from how much on a run is unusual. Robust: a few runs that went astray
// change little of it, and a kind whose runs differ much is given more room.

/** Runs that are remembered, the latest. */
export const mostTotals = 64
/** Before so many are over nothing is usual. */
const fewest = 8
/** Times the median, and times what nine in ten stay below. */
const timesMedian = 5
const timesHigh = 3
/** Tokens below which no run is worth a word. */
const floor = 10_000

export class UsualRuns {
  /** Of runs that are over; in place of the oldest comes the next. */
  readonly totals: number[] = []
  /** The median; 0 while nothing is usual. */
  usual = 0
  /** From so many tokens on a run is unusual. */
  limit = Number.POSITIVE_INFINITY
  private next = 0

  /** A run is over: the place where it is remembered. One that went astray counts as the least that is unusual. */
  add(tokens: number): { readonly slot: number; readonly tokens: number } {
    const counted = Math.min(tokens, this.limit)
    const slot = this.next
    this.put(slot, counted)
    this.learn()
    return { slot, tokens: counted }
  }

  /** One that was remembered, the oldest first. */
  restore(slot: number, tokens: number): void {
    this.put(slot, tokens)
    this.learn()
  }

  private put(slot: number, tokens: number): void {
    // Places of several gateways that share a store may leave one out.
    this.totals[Math.min(slot, this.totals.length)] = tokens
    this.next = (Math.min(slot, this.totals.length - 1) + 1) % mostTotals
  }

  private learn(): void {
    const { totals } = this
    if (totals.length < fewest) return
    const sorted = [...totals].sort((a, b) => a - b)
    const at = (part: number): number => sorted[Math.ceil(sorted.length * part) - 1] as number
    this.usual = at(0.5)
    this.limit = Math.max(floor, Math.ceil(timesMedian * this.usual), Math.ceil(timesHigh * at(0.9)))
  }
}
