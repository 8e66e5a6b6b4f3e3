// The history of a tool as bytes, to be kept over restarts. What is of another version, or is no history, gives none.
import { kinds } from './episode.ts'
import {
  bad,
  bytes,
  changeBefore,
  changeCorrelation,
  changeTotal,
  empty,
  episodeCount,
  episodeSize,
  episodes,
  latency,
  numberCount,
  recentCount,
  recentNext,
  rows,
  same,
  shape,
  shared,
} from './layout.ts'
import { isSaneLevel, signedOf } from './level-change.ts'
import { isSaneRate } from './rate-change.ts'
import type { SavedHistory } from './tool-history.ts'

/** Another meaning of any of the numbers is another version. */
const version = 1
const magic = 0x5142
const headBytes = 8
const textCount = 4
const mostTextBytes = 512
const largest = 1e13
/** What may be below zero. */
const signed = [changeTotal, changeBefore, changeCorrelation, ...[latency, bytes, rows].map(signedOf)]

export function toBytes({ numbers, texts }: SavedHistory): Uint8Array {
  const told = texts.map((text) => Buffer.from(text).subarray(0, mostTextBytes))
  const all = Buffer.alloc(headBytes + numberCount * 4 + told.reduce((sum, text) => sum + 2 + text.length, 0))
  all.writeUInt16LE(magic, 0)
  all.writeUInt16LE(version, 2)
  all.writeUInt32LE(numberCount, 4)
  for (let i = 0; i < numberCount; i += 1) all.writeFloatLE(numbers[i] as number, headBytes + i * 4)
  let at = headBytes + numberCount * 4
  for (const text of told) {
    all.writeUInt16LE(text.length, at)
    all.set(text, at + 2)
    at += 2 + text.length
  }
  return all
}

export function fromBytes(kept: Uint8Array): SavedHistory | undefined {
  const all = Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength)
  if (all.length < headBytes + numberCount * 4) return undefined
  if (all.readUInt16LE(0) !== magic || all.readUInt16LE(2) !== version || all.readUInt32LE(4) !== numberCount) return undefined
  const numbers = new Float32Array(numberCount)
  for (let i = 0; i < numberCount; i += 1) numbers[i] = all.readFloatLE(headBytes + i * 4)
  const texts: string[] = []
  let at = headBytes + numberCount * 4
  for (let i = 0; i < textCount; i += 1) {
    if (at + 2 > all.length) return undefined
    const length = all.readUInt16LE(at)
    if (length > mostTextBytes || at + 2 + length > all.length) return undefined
    texts.push(all.toString('utf8', at + 2, at + 2 + length))
    at += 2 + length
  }
  return at === all.length && isSane(numbers) ? { numbers, texts } : undefined
}

/** Whatever it is, no number that follows from these is none. */
function isSane(f: Float32Array): boolean {
  for (let i = 0; i < numberCount; i += 1) {
    const value = f[i] as number
    const isSigned = signed.includes(i)
    if (!(value >= (isSigned ? -largest : 0) && value <= largest)) return false
  }
  const next = f[recentNext] as number
  if (!(Number.isInteger(next) && next < recentCount)) return false
  for (let which = 0; which < episodeCount; which += 1) {
    const at = episodes + which * episodeSize
    const [state, kind] = [f[at] as number, f[at + 1] as number]
    if (!Number.isInteger(state) || state > 2 || !Number.isInteger(kind) || kind >= kinds.length) return false
  }
  return [empty, bad, same, shared, shape].every((at) => isSaneRate(f, at)) && [latency, bytes, rows].every((at) => isSaneLevel(f, at))
}
