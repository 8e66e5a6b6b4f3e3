// A number for bytes: equal for equal ones. Four bytes at a time, since whole answers are hashed.

/** Of longer answers the first and the last bytes count, and how many there are. */
const most = 262_144
const lastBytes = 4_096

export const emptyHash = 0x811c9dc5 | 0

export function hashOf(b: Uint8Array, start: number, end: number, before = emptyHash): number {
  const size = end - start
  if (size <= most) return Math.imul(part(b, start, end, before) ^ size, 0x85ebca6b)
  return Math.imul(part(b, end - lastBytes, end, part(b, start, start + most, before)) ^ size, 0x85ebca6b)
}

function part(b: Uint8Array, start: number, end: number, before: number): number {
  // Two numbers that do not wait for each other.
  let a = before
  let c = ~before
  let i = start
  for (; i + 8 <= end; i += 8) {
    const first = (b[i] as number) | ((b[i + 1] as number) << 8) | ((b[i + 2] as number) << 16) | ((b[i + 3] as number) << 24)
    const second = (b[i + 4] as number) | ((b[i + 5] as number) << 8) | ((b[i + 6] as number) << 16) | ((b[i + 7] as number) << 24)
    a = Math.imul(a ^ first, 0x9e3779b1)
    a ^= a >>> 15
    c = Math.imul(c ^ second, 0x85ebca6b)
    c ^= c >>> 13
  }
  for (; i < end; i += 1) a = Math.imul(a ^ (b[i] as number), 0x01000193)
  a ^= a >>> 13
  return Math.imul(a, 0xc2b2ae35) ^ c
}
