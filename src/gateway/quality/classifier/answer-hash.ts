// A number for bytes: equal for equal ones. Four bytes at a time, since whole answers are hashed.
import { wordsOf } from './words-of.ts'

/** Of longer answers the first and the last bytes count, and how many there are. */
const most = 262_144
const lastBytes = 4_096

export const emptyHash = 0x811c9dc5 | 0

export function hashOf(b: Uint8Array, start: number, end: number, before = emptyHash): number {
  const size = end - start
  if (size <= most) return part(b, start, end, before)
  return part(b, end - lastBytes, end, part(b, start, start + most, before) ^ size)
}

const prime1 = 0x9e3779b1
const prime2 = 0x85ebca77
const prime3 = 0xc2b2ae3d
const prime4 = 0x27d4eb2f
const prime5 = 0x165667b1

/** xxHash32 */
function part(b: Uint8Array, start: number, end: number, seed: number): number {
  const words = wordsOf(b)
  const last = end + b.byteOffset
  let at = start + b.byteOffset
  let h = (seed + prime5) | 0
  if (at + 16 <= last) {
    // Four numbers that do not wait for each other.
    let one = (seed + prime1 + prime2) | 0
    let two = (seed + prime2) | 0
    let three = seed | 0
    let four = (seed - prime1) | 0
    do {
      one = round(one, words.getInt32(at, true))
      two = round(two, words.getInt32(at + 4, true))
      three = round(three, words.getInt32(at + 8, true))
      four = round(four, words.getInt32(at + 12, true))
      at += 16
    } while (at + 16 <= last)
    h = (rotated(one, 1) + rotated(two, 7) + rotated(three, 12) + rotated(four, 18)) | 0
  }
  h = (h + end - start) | 0
  for (; at + 4 <= last; at += 4) h = Math.imul(rotated((h + Math.imul(words.getInt32(at, true), prime3)) | 0, 17), prime4)
  for (; at < last; at += 1) h = Math.imul(rotated((h + Math.imul(words.getUint8(at), prime5)) | 0, 11), prime1)
  h = Math.imul(h ^ (h >>> 15), prime2)
  h = Math.imul(h ^ (h >>> 13), prime3)
  return h ^ (h >>> 16)
}

function round(h: number, word: number): number {
  return Math.imul(rotated((h + Math.imul(word, prime2)) | 0, 13), prime1)
}

function rotated(h: number, by: number): number {
  return (h << by) | (h >>> (32 - by))
}
