// Numbers that look like chance and follow from their seed, so that a run can be had again: mulberry32 (public domain, by Tommy Ettinger).

/** Each call gives the next number of the sequence, in [0, 1). `seed`: a whole number, of which 32 bits count. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
