// Randomness of the operating system, drawn in blocks so that an id costs no system call.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Random } from '../../core/ports/clock.ts'

const blockSize = 4_096
let block = Buffer.alloc(0)
let used = 0

function take(count: number): Buffer {
  if (count > blockSize) return randomBytes(count)
  if (used + count > block.length) {
    block = randomBytes(blockSize)
    used = 0
  }
  used += count
  return block.subarray(used - count, used)
}

export const systemRandom: Random = {
  bytes: take,
  id: () => randomUUID(),
  fraction: () => take(4).readUInt32BE(0) / 2 ** 32,
}
