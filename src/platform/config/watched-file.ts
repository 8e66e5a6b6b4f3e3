// A file that somebody writes while it is looked at: told of once it has stood still, since what is half written may read like something whole. It is looked
// at by its name, so that one that is put in its place by a rename or a link is seen as well, on every file system.
import { statSync } from 'node:fs'
import type { Clock, Timer } from '../../core/ports/clock.ts'

const lookMs = 500

export class WatchedFile {
  private readonly clock: Clock
  private readonly file: string
  private readonly settled: (stillMs: number) => Promise<boolean>
  private timer: Timer | undefined
  private seen: string
  private stillSince: number
  private isPending = false
  private closed = false

  /**
   * `settled`: it was written and has stood still for so many ms; true where that is dealt with, else it is asked again with the next look. Never
   * rejects.
   */
  constructor(clock: Clock, file: string, settled: (stillMs: number) => Promise<boolean>) {
    this.clock = clock
    this.file = file
    this.settled = settled
    this.seen = markOf(file) ?? ''
    this.stillSince = clock.mono()
    this.next()
  }

  close(): void {
    this.closed = true
    this.timer?.cancel()
  }

  private next(): void {
    if (!this.closed) this.timer = this.clock.timer(lookMs, () => void this.look().then(() => this.next()))
  }

  private async look(): Promise<void> {
    const mark = markOf(this.file)
    // While it is being replaced there may be none.
    if (mark === undefined) return
    const now = this.clock.mono()
    if (mark !== this.seen) {
      this.seen = mark
      this.stillSince = now
      this.isPending = true
    } else if (this.isPending && (await this.settled(now - this.stillSince))) this.isPending = false
  }
}

function markOf(file: string): string | undefined {
  try {
    const { mtimeMs, size, ino, dev } = statSync(file)
    return `${mtimeMs} ${size} ${ino} ${dev}`
  } catch {
    return undefined
  }
}
