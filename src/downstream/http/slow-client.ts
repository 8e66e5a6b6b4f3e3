// What clients that read too slowly may hold up: one policy for every stream that a door writes to, for each and for all of them together.
import type { Writable } from 'node:stream'
import type { Report } from '../../core/ports/report.ts'

/** Unsent bytes above which messages that may be missed are left out. */
const slowBytes = 1_048_576
/** Unsent bytes, beside the newest message, above which the connection is cut. */
const stuckBytes = 16_777_216
/** Unsent bytes of all clients together, above which those with most of them are cut. */
const stuckBytesOfAll = 268_435_456
/** Unsent bytes from which a client counts among them: whoever reads at all has less. */
const behindBytes = 65_536
/** All are added up again after so many bytes were written to them: each time for each write would cost more than the writes. */
const addUpEvery = 1 / 16

/** Whether what may be missed is to be left out of this stream now. */
export function isSlow(stream: Writable): boolean {
  return stream.writableLength > slowBytes
}

/** Streams with unsent bytes, looked at together. */
export class Backlog {
  private readonly mostBytes: number
  private readonly behind = new Set<Writable>()
  private written = 0

  constructor(mostBytes = stuckBytesOfAll) {
    this.mostBytes = mostBytes
  }

  /** Cuts the connection of a client that takes nothing, or those that hold up most; `newestBytes` is what was just written. */
  wrote(stream: Writable, newestBytes: number, report: Report): void {
    const unsent = stream.writableLength
    if (unsent <= behindBytes) return
    if (unsent > stuckBytes + newestBytes) {
      cut(stream, 'own', report)
      return
    }
    if (!this.behind.has(stream)) {
      this.behind.add(stream)
      // What it held before counts too.
      this.written += unsent - newestBytes
      stream.once('close', () => this.behind.delete(stream))
    }
    this.written += newestBytes
    if (this.written > this.mostBytes * addUpEvery) this.addUp(report)
  }

  private addUp(report: Report): void {
    this.written = 0
    let sum = 0
    for (const stream of this.behind) sum += stream.writableLength
    if (sum <= this.mostBytes) return
    for (const stream of [...this.behind].sort((a, b) => b.writableLength - a.writableLength)) {
      if (sum <= this.mostBytes) return
      sum -= stream.writableLength
      this.behind.delete(stream)
      cut(stream, 'all', report)
    }
  }
}

const ofAll = new Backlog()

/** To be called after each write to a client's stream. */
export function cutIfStuck(stream: Writable, newestBytes: number, report: Report): void {
  if (stream.writableLength > behindBytes) ofAll.wrote(stream, newestBytes, report)
}

function cut(stream: Writable, whose: 'own' | 'all', report: Report): void {
  report.counters.add('clients_cut', { unsent: whose })
  report.log('warn', 'A client reads its stream too slowly and was cut off', { unsentBytes: stream.writableLength, tooMuch: whose })
  stream.destroy()
}
