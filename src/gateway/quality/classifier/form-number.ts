// One number for the names and types of a value at every depth, whatever its rows are.

/** Pairs of a path and a type that were met, each counted once, so that the number of rows makes no difference. */
const mostPairs = 384
const places = 512

export class FormNumber {
  value = 0
  private readonly pairs = new Int32Array(places)
  private count = 0

  clear(): void {
    this.value = 0
    if (this.count > 0) this.pairs.fill(0)
    this.count = 0
  }

  /** Whether so many more pairs are surely counted once. */
  hasRoomFor(pairs: number): boolean {
    return this.count + pairs <= mostPairs
  }

  /** Counts a path with a type once. More of them than fit are all counted, so that such a value has a form of its own. */
  meet(place: number, kind: number): void {
    const pair = (place + Math.imul(kind, 0x9e3779b1)) | 1
    const { pairs } = this
    let at = (pair >>> 9) & (places - 1)
    while (pairs[at] !== 0) {
      if (pairs[at] === pair) return
      at = (at + 1) & (places - 1)
    }
    if (this.count < mostPairs) {
      pairs[at] = pair
      this.count += 1
    }
    this.value = (this.value + mix(pair, 0x2545f491)) | 0
  }
}

export const firstPlace = 0x811c9dc5 | 0

/** A way of names, one further. */
export function step(place: number, name: number): number {
  const h = Math.imul(place ^ name, 0x85ebca6b)
  return h ^ (h >>> 15)
}

export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

const hashPrime = 0x01000193
const hashStart = 0x811c9dc5 | 0

/** Of a name of a field; names that are data, as ids and dates are, all have the same. */
export function nameHash(b: Uint8Array, at: number, end: number): number {
  let hash = hashStart
  let digits = 0
  for (let i = at; i < end; i += 1) {
    const c = b[i] as number
    if (c > 0x39 || c < 0x30) digits = 0
    else {
      digits += 1
      if (digits === 4) return hashStart
    }
    hash = Math.imul(hash ^ c, hashPrime)
  }
  return hash
}
