// Chance from a seed: the same seed, the same schemas.

export interface Chance {
  /** 0 up to, without, `below`. */
  int(below: number): number
  pick<T>(list: readonly T[]): T
  /** True in so many of a hundred. */
  percent(of: number): boolean
}

export function chance(seed: number): Chance {
  let state = seed >>> 0 || 1
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (below: number): number => Math.floor(next() * below)
  return {
    int,
    pick: (list) => list[int(list.length)] as (typeof list)[number],
    percent: (of) => next() * 100 < of,
  }
}
