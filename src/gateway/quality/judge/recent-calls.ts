// Ids of the last calls of one tool with the times of their results, so that an alert can name the call that it began with.

const most = 8

export class RecentCalls {
  private readonly ids: string[] = []
  private readonly times: number[] = []
  private next = 0

  add(id: string, atMs: number): void {
    this.ids[this.next] = id
    this.times[this.next] = atMs
    this.next = (this.next + 1) % most
  }

  /** The first of that time; undefined where that is too long ago. */
  at(atMs: number): string | undefined {
    for (let i = 0; i < this.ids.length; i += 1) {
      const at = this.ids.length < most ? i : (this.next + i) % most
      if (this.times[at] === atMs) return this.ids[at]
    }
    return undefined
  }
}
