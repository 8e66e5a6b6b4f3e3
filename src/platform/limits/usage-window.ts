// What was used of one limit within its period: amounts with their times, oldest first. A few grants are remembered one by one, more of
// them in sub-windows of which each counts until its last grant is over: never more than the limit in any period, and what is given back
// comes at most one sub-window late.

/** Up to so many grants are remembered one by one where the limit itself is not above. */
const mostApart = 64
/** Parts of a period in which grants are added up. */
const parts = 32
/** Whatever happens: a limit whose period changed can have more than `mostApart + parts`. */
const mostEntries = 128
/** Sums of fractions miss their mark by less than this part of the limit. */
const tolerance = 1e-12
/** Milliseconds: a time that was waited for exactly has come, whatever the fractions of the clock make of it. */
const instant = 1e-6

export class UsageWindow {
  /** Rings of one size, a power of two. */
  private times: number[] = emptyRing(8)
  private amounts: number[] = emptyRing(8)
  private oldest = 0
  private count = 0
  private sum = 0
  /** When the newest entry began: it may take in grants for one part of the period. */
  private newestBegan = 0
  private endsAt = 0

  /** Milliseconds until `amount` more fits; `Infinity` where it never does. */
  waitMs(most: number, periodMs: number, amount: number, now: number): number {
    this.expire(now - periodMs)
    const limit = most * (1 + tolerance)
    if (amount <= 0 || this.sum + amount <= limit) return 0
    if (!(amount <= limit)) return Number.POSITIVE_INFINITY
    const mask = this.times.length - 1
    let left = this.sum
    let at = this.oldest
    for (let i = 0; i < this.count; i += 1, at = (at + 1) & mask) {
      left -= this.amounts[at] ?? 0
      if (left + amount <= limit) break
    }
    return (this.times[at & mask] ?? now) + periodMs - now
  }

  add(most: number, periodMs: number, amount: number, now: number): void {
    if (amount < 0) this.giveBack(-amount)
    if (!(amount > 0)) return
    this.expire(now - periodMs)
    const apart = Number.isInteger(most) && most <= mostApart ? most : 0
    const newest = (this.oldest + this.count - 1) & (this.times.length - 1)
    if (this.count > 0 && this.count >= apart && (now - this.newestBegan < periodMs / parts || this.count >= mostEntries)) {
      this.times[newest] = now
      this.amounts[newest] = (this.amounts[newest] ?? 0) + amount
    } else {
      if (this.count === this.times.length) this.grow()
      const next = (this.oldest + this.count) & (this.times.length - 1)
      this.times[next] = now
      this.amounts[next] = amount
      this.count += 1
      this.newestBegan = now
    }
    this.sum += amount
    this.endsAt = now + periodMs
  }

  used(periodMs: number, now: number): number {
    this.expire(now - periodMs)
    return this.sum
  }

  /** Until the oldest entry is given back. */
  resetsInMs(periodMs: number, now: number): number {
    this.expire(now - periodMs)
    return this.count === 0 ? 0 : (this.times[this.oldest] ?? 0) + periodMs - now
  }

  /** Whether nothing of it counts any more. */
  ended(now: number): boolean {
    return this.count === 0 || this.endsAt <= now
  }

  /** From the newest entry on. */
  private giveBack(amount: number): void {
    const mask = this.times.length - 1
    let left = amount
    while (this.count > 0 && left > 0) {
      const newest = (this.oldest + this.count - 1) & mask
      const there = this.amounts[newest] ?? 0
      if (there > left) {
        this.amounts[newest] = there - left
        break
      }
      left -= there
      this.count -= 1
      this.newestBegan = Number.NEGATIVE_INFINITY
    }
    this.addUp()
  }

  private expire(until: number): void {
    const mask = this.times.length - 1
    let gone = false
    while (this.count > 0 && (this.times[this.oldest] ?? 0) <= until + instant) {
      this.oldest = (this.oldest + 1) & mask
      this.count -= 1
      gone = true
    }
    if (gone) this.addUp()
  }

  /** Anew each time, so that errors of fractions do not add up over the life of a limit. */
  private addUp(): void {
    const mask = this.times.length - 1
    let sum = 0
    for (let i = 0, at = this.oldest; i < this.count; i += 1, at = (at + 1) & mask) sum += this.amounts[at] ?? 0
    this.sum = sum
  }

  private grow(): void {
    const size = this.times.length
    const times = emptyRing(size * 2)
    const amounts = emptyRing(size * 2)
    for (let i = 0; i < this.count; i += 1) {
      const from = (this.oldest + i) & (size - 1)
      times[i] = this.times[from] ?? 0
      amounts[i] = this.amounts[from] ?? 0
    }
    this.times = times
    this.amounts = amounts
    this.oldest = 0
  }
}

/** Filled with a fraction: the engine then keeps its numbers unboxed, and no later write makes an object. */
function emptyRing(size: number): number[] {
  return new Array<number>(size).fill(0.5)
}
