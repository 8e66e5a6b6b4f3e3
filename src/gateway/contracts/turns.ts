// Whether two contracts of one tool take turns, as of replicas that differ: what was there before comes back, again and again.

/** Changes that lie further back than this, in ms, are no turns of now. */
const windowMs = 7_200_000
/** Times that something came back. */
const returns = 2
const mostKept = 8

export class Turns {
  private kept: { readonly key: string; readonly at: number }[] = []

  /** The server says something else than before. `now`: ms. */
  note(key: string, now: number): void {
    this.kept = [...this.kept.filter(({ at }) => now - at < windowMs), { key, at: now }].slice(-mostKept)
  }

  taken(now: number): boolean {
    return this.returned(now) >= returns
  }

  /** What took turns, each once. */
  keys(now: number): ReadonlySet<string> {
    return new Set(this.kept.filter(({ at }) => now - at < windowMs).map(({ key }) => key))
  }

  forget(): void {
    this.kept = []
  }

  private returned(now: number): number {
    const seen = new Set<string>()
    let found = 0
    for (const { key, at } of this.kept) {
      if (now - at >= windowMs) continue
      if (seen.has(key)) found += 1
      seen.add(key)
    }
    return found
  }
}
