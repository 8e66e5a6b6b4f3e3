// Draws from a seed, so that the same run gives the same figures.
export interface Random {
  /** In [0, 1). */
  next(): number
  /** A whole number from `low` to `high`, both among them. */
  between(low: number, high: number): number
  chance(share: number): boolean
  pick<T>(from: readonly T[]): T
  normal(): number
  /** Log-normal: half of the draws are below `median`; `spread` is the standard deviation of the logarithm. */
  about(median: number, spread: number): number
  exponential(mean: number): number
  poisson(mean: number): number
  /** An index below `count`, small ones more often. */
  popular(count: number, power?: number): number
  word(): string
  /** A stream of its own: what one asks of it changes nothing of the other. */
  fork(): Random
}

/** FNV-1a: seeds for what has a name. */
export function seedOf(...parts: readonly (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const char of parts.join('/')) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
  return hash >>> 0
}

const syllables =
  'ba be bo ca ce co da de di fa fi ga go ha ho ka ki la le lo ma me mi na ne no pa pe po ra re ri sa se so ta te ti va vi za'.split(' ')

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const random: Random = {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (share) => next() < share,
    pick: (from) => {
      const one = from[Math.floor(next() * from.length)]
      if (one === undefined) throw new Error('nothing to pick from')
      return one
    },
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    about: (median, spread) => median * Math.exp(spread * random.normal()),
    exponential: (mean) => -mean * Math.log(1 - next()),
    poisson: (mean) => {
      if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()))
      const end = Math.exp(-mean)
      let count = 0
      for (let product = next(); product > end; product *= next()) count += 1
      return count
    },
    popular: (count, power = 2) => Math.min(count - 1, Math.floor(count * next() ** power)),
    word: () => Array.from({ length: random.between(2, 4) }, () => random.pick(syllables)).join(''),
    fork: () => randomOf(Math.floor(next() * 4294967296)),
  }
  return random
}
