// Randomness of the operating system, drawn in blocks so that an id costs no system call.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from '../../core/ports/clock.ts'

const blockSize = 4_096
let block = Buffer.alloc(0)
let used = 0

function take(count: number): Buffer {
  if (count > blockSize) return randomBytes(count)
  const from = reserve(count)
  return block.subarray(from, from + count)
}

/** Where so many bytes stand that nobody was given. */
function reserve(count: number): number {
  if (used + count > block.length) {
    block = randomBytes(blockSize)
    used = 0
  }
  used += count
  return used - count
}

export const systemRandom: Random = {
  bytes: take,
  id: () => randomUUID(),
  fraction: () => {
    const from = reserve(4)
    return block.readUInt32BE(from) / 2 ** 32
  },
}
