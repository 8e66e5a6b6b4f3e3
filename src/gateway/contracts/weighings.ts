// The latest judgements of one tool, and how many may be made: who changes more often waits. Those of lists that one session alone is shown
// are kept and counted apart, so that they take nothing from what all are shown.

/** Texts whose judgement is kept. */
const mostKept = 8
/** Judgements within `judgedMs`. */
const mostJudged = 6
const judgedMs = 600_000

export class Weighings<Weighed> {
  private readonly kept = new Map<string, Weighed>()
  private judgedAt: number[] = []

  of(key: string): Weighed | undefined {
    return this.kept.get(key)
  }

  keep(key: string, weighed: Weighed): void {
    this.kept.set(key, weighed)
    const [oldest] = this.kept.keys()
    if (this.kept.size > mostKept && oldest !== undefined) this.kept.delete(oldest)
  }

  /** What was judged against stands no more. */
  clear(): void {
    this.kept.clear()
  }

  /** Whether one more judgement may be made now. */
  mayJudge(now: number): boolean {
    return this.judgedAt.filter((at) => now - at < judgedMs).length < mostJudged
  }

  judged(now: number): void {
    this.judgedAt = [...this.judgedAt.filter((at) => now - at < judgedMs), now]
  }
}
