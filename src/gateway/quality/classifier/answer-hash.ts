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
  let a = before
  let i = start
  for (; i + 4 <= end; i += 4) {
    const four = (b[i] as number) | ((b[i + 1] as number) << 8) | ((b[i + 2] as number) << 16) | ((b[i + 3] as number) << 24)
    a = Math.imul(a ^ four, 0x9e3779b1)
    a ^= a >>> 15
  }
  for (; i < end; i += 1) a = Math.imul(a ^ (b[i] as number), 0x01000193)
  return a ^ (a >>> 13)
}
