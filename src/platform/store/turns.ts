// Operations that take their turn: so many at once, the others in their order, and no more than a bound altogether.

export class Turns {
  private readonly atOnce: number
  private readonly most: number
  private readonly next: (() => void)[] = []
  private readonly ends: (() => void)[] = []
  private running = 0

  constructor(atOnce: number, most: number) {
    this.atOnce = atOnce
    this.most = most
  }

  /** That run or wait. */
  get size(): number {
    return this.running + this.next.length
  }

  /** Undefined where there are too many already. */
  take<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (this.size >= this.most) return undefined
    return this.run(work)
  }

  /** When nothing runs or waits. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.ends.push(resolve))
  }

  private async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.atOnce) this.running += 1
    else await new Promise<void>((resolve) => this.next.push(resolve))
    try {
      return await work()
    } finally {
      this.passOn()
    }
  }

  /** The place goes to who waits longest. */
  private passOn(): void {
    const next = this.next.shift()
    if (next === undefined) this.running -= 1
    else next()
    if (this.size === 0) for (const end of this.ends.splice(0)) end()
  }
}
