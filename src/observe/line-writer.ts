// Writes lines to a file descriptor in large pieces, off the call's path: one at a time, bounded, and never in the way. A reader that
// stalls costs lines, which are counted, and no call its time.
import { write } from 'node:fs'
import type { Clock, Timer } from '../core/ports/clock.ts'

/** Written at once when so much waits, in characters; else after `pauseMs`. */
const pieceLength = 65_536
const pauseMs = 200
/** Lines that are made together. */
const mostUnmade = 64
/** More than this waits for nobody, in characters. */
const mostWaiting = 8_388_608

export class LineWriter {
  private readonly fd: number
  private readonly clock: Clock
  private waiting = ''
  private unmade: (() => string)[] = []
  private writing = false
  private timer: Timer | undefined
  private lost = 0
  private flushed: (() => void)[] = []

  constructor(fd: number, clock: Clock) {
    this.fd = fd
    this.clock = clock
  }

  /** As `write`, with a line that is made later, in its order. What it is made of must not change. */
  later(line: () => string): void {
    this.unmade.push(line)
    if (this.unmade.length >= mostUnmade) this.make()
    else this.timer ??= this.clock.timer(pauseMs, () => this.send())
  }

  /** `line` ends with a line end. */
  write(line: string): void {
    this.make()
    this.put(line)
  }

  private make(): void {
    const lines = this.unmade
    if (lines.length === 0) return
    this.unmade = []
    for (const line of lines) this.put(line())
  }

  private put(line: string): void {
    if (this.waiting.length > mostWaiting) {
      this.lost += 1
      return
    }
    this.waiting += line
    if (this.waiting.length >= pieceLength) this.send()
    else this.timer ??= this.clock.timer(pauseMs, () => this.send())
  }

  /** Resolves when all that was written before has left. For the end of the process. */
  flush(): Promise<void> {
    this.send()
    if (!this.writing) return Promise.resolve()
    return new Promise((resolve) => this.flushed.push(resolve))
  }

  private send(): void {
    this.make()
    this.timer?.cancel()
    this.timer = undefined
    if (this.writing || this.waiting === '') return
    this.writing = true
    this.hand(Buffer.from(this.take()))
  }

  private hand(piece: Buffer): void {
    write(this.fd, piece, (error, written) => {
      if (error?.code === 'EAGAIN') this.clock.timer(pauseMs, () => this.hand(piece))
      else if (error === null && written < piece.length) this.hand(piece.subarray(written))
      else this.wrote()
    })
  }

  /** A piece has left, or nobody reads any longer. */
  private wrote(): void {
    this.writing = false
    if (this.waiting.length >= pieceLength || (this.flushed.length > 0 && this.waiting !== '')) this.send()
    else if (this.waiting !== '') this.timer ??= this.clock.timer(pauseMs, () => this.send())
    if (this.writing) return
    for (const resolve of this.flushed.splice(0)) resolve()
  }

  private take(): string {
    const lines = this.waiting
    this.waiting = ''
    if (this.lost === 0) return lines
    const gap = `${JSON.stringify({ level: 'warn', time: new Date(this.clock.now()).toISOString(), event: 'Log lines were lost, since their reader stalled', lines: this.lost })}\n`
    this.lost = 0
    return lines + gap
  }
}
