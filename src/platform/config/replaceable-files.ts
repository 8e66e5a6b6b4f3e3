// Files with one secret each that an operator may replace while the gateway runs. Read at once on the first use, looked at again every few
// seconds, and when somebody was refused with what they held.
import { readFileSync, statSync } from 'node:fs'
import type { Clock, Timer } from '../../core/ports/clock.ts'

const lookMs = 2_000

export interface ReplaceableFile {
  /** Without white space at its ends; undefined where it cannot be read and never could. */
  readonly value: string | undefined
  look(): void
}

export class ReplaceableFiles {
  private readonly clock: Clock
  private readonly files: File[] = []
  private timer: Timer | undefined
  private closed = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  of(path: string): ReplaceableFile {
    const file = new File(path)
    this.files.push(file)
    this.timer ??= this.clock.timer(lookMs, () => this.lookAtAll())
    return file
  }

  close(): void {
    this.closed = true
    this.timer?.cancel()
  }

  private lookAtAll(): void {
    for (const file of this.files) file.look()
    if (!this.closed) this.timer = this.clock.timer(lookMs, () => this.lookAtAll())
  }
}

class File implements ReplaceableFile {
  value: string | undefined
  private readonly path: string
  private seen = ''

  constructor(path: string) {
    this.path = path
    this.look()
  }

  /** What cannot be read now, since it is being replaced, leaves what was read before. */
  look(): void {
    try {
      const { mtimeMs, size, ino } = statSync(this.path)
      const mark = `${mtimeMs} ${size} ${ino}`
      if (mark === this.seen) return
      const text = readFileSync(this.path, 'utf8').trim()
      if (text === '') return
      this.seen = mark
      this.value = text
    } catch {
      // Said by whoever finds no value.
    }
  }
}
