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

let hexOfBlock = ''
let hexUsed = 0
let lastMs = -1
let timePart = ''

/** The part of the time is made once for all calls of a millisecond, and the random part is cut from one text for many. */
function callId(atMs: number): string {
  if (atMs !== lastMs) {
    const hex = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, '0').slice(-12)
    timePart = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
    lastMs = atMs
  }
  if (hexUsed + hexOfCall > hexOfBlock.length) {
    hexOfBlock = randomBytes(blockSize).toString('hex')
    hexUsed = 0
  }
  const from = hexUsed
  hexUsed += hexOfCall
  const variant = variants[hexOfBlock.charCodeAt(from) & 3] as string
  return `${timePart}${hexOfBlock.slice(from + 1, from + 4)}-${variant}${hexOfBlock.slice(from + 4, from + 7)}-${hexOfBlock.slice(from + 7, from + hexOfCall)}`
}

/** Hex digits: one of the variant, 18 as they are. */
const hexOfCall = 19
const variants = ['8', '9', 'a', 'b']

export const systemRandom: Random = {
  bytes: take,
  id: () => randomUUID(),
  callId,
  fraction: () => {
    const from = reserve(4)
    return block.readUInt32BE(from) / 2 ** 32
  },
}
