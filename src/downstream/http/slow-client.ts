// What a client that reads too slowly may hold up: one policy for every stream that a door writes to.
import type { Writable } from 'node:stream'
import type { Report } from '../../core/ports/report.ts'

/** Unsent bytes above which messages that may be missed are left out. */
const slowBytes = 1_048_576
/** Unsent bytes, beside the newest message, above which the connection is cut. */
const stuckBytes = 16_777_216

/** Whether what may be missed is to be left out of this stream now. */
export function isSlow(stream: Writable): boolean {
  return stream.writableLength > slowBytes
}

/** Cuts the connection of a client that takes nothing; `newestBytes` is what was just written. */
export function cutIfStuck(stream: Writable, newestBytes: number, report: Report): void {
  if (stream.writableLength <= stuckBytes + newestBytes) return
  report.log('warn', 'A client reads its stream too slowly and was cut off', { unsentBytes: stream.writableLength })
  stream.destroy()
}
