// Calls of one objective over the last 30 days: by the minute for an hour, by the hour for all.

export const minuteMs = 60_000
export const hourMs = 3_600_000
export const monthMs = 720 * hourMs

export interface Sums {
  calls: number
  bad: number
  /** Of which it is known how long they took. */
  timed: number
  slow: number
}

/** Slots of equal length, each by its number since the epoch. */
class Slots {
  private readonly stepMs: number
  private readonly numbers: Float64Array
  private readonly counts: Float64Array

  constructor(stepMs: number, slots: number) {
    this.stepMs = stepMs
    this.numbers = new Float64Array(slots).fill(-1)
    this.counts = new Float64Array(slots * 4)
  }

  add(slot: number, { calls, bad, timed, slow }: Readonly<Sums>): void {
    const at = slot % this.numbers.length
    const from = at * 4
    const { counts } = this
    if (this.numbers[at] !== slot) {
      // What is older than what stands there comes too late.
      if ((this.numbers[at] ?? -1) > slot) return
      this.numbers[at] = slot
      counts.fill(0, from, from + 4)
    }
    counts[from] = (counts[from] ?? 0) + calls
    counts[from + 1] = (counts[from + 1] ?? 0) + bad
    counts[from + 2] = (counts[from + 2] ?? 0) + timed
    counts[from + 3] = (counts[from + 3] ?? 0) + slow
  }

  /** Of the slots that the last `windowMs` touch, but for the first. */
  sums(nowMs: number, windowMs: number): Sums {
    const last = Math.floor(nowMs / this.stepMs)
    const first = last - Math.round(windowMs / this.stepMs) + 1
    const found: Sums = { calls: 0, bad: 0, timed: 0, slow: 0 }
    for (let at = 0; at < this.numbers.length; at += 1) {
      const slot = this.numbers[at] ?? -1
      if (slot < first || slot > last) continue
      found.calls += this.counts[at * 4] ?? 0
      found.bad += this.counts[at * 4 + 1] ?? 0
      found.timed += this.counts[at * 4 + 2] ?? 0
      found.slow += this.counts[at * 4 + 3] ?? 0
    }
    return found
  }
}

export class Counts {
  private readonly minutes = new Slots(minuteMs, 64)
  private readonly hours = new Slots(hourMs, 724)
  /** Hours that were added to since they were kept, with what was added. */
  private unkept = new Map<number, Sums>()

  add(nowMs: number, sums: Readonly<Sums>): void {
    this.minutes.add(Math.floor(nowMs / minuteMs), sums)
    const hour = Math.floor(nowMs / hourMs)
    this.hours.add(hour, sums)
    const known = this.unkept.get(hour)
    if (known === undefined) this.unkept.set(hour, { ...sums })
    else addTo(known, sums)
  }

  /** An hour from before the start. */
  restore(hour: number, sums: Readonly<Sums>): void {
    this.hours.add(hour, sums)
  }

  takeUnkept(): ReadonlyMap<number, Sums> {
    const taken = this.unkept
    this.unkept = new Map()
    return taken
  }

  giveBack(taken: ReadonlyMap<number, Sums>): void {
    for (const [hour, sums] of taken) {
      const known = this.unkept.get(hour)
      if (known === undefined) this.unkept.set(hour, sums)
      else addTo(known, sums)
    }
  }

  sums(nowMs: number, windowMs: number): Sums {
    return (windowMs <= hourMs ? this.minutes : this.hours).sums(nowMs, windowMs)
  }
}

function addTo(known: Sums, { calls, bad, timed, slow }: Readonly<Sums>): void {
  known.calls += calls
  known.bad += bad
  known.timed += timed
  known.slow += slow
}
