// Counts tokens in a thread that is started when there is something to count, and anew where it is lost. Nobody waits for it: what it has no
// room for, and what is lost with it, is counted and told as not known.
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { TokenCounter } from '../../core/ports/token-counter.ts'
import { estimateTokens } from './estimate.ts'
import { type StartTokenThread, startTokenThread, type TokenThread } from './thread.ts'

/** Texts that may wait. */
const mostWaiting = 256
/** What is counted of a text: all of it up to this, else so many windows, spread over it. */
const wholeBytes = 8_192
const windows = 8
const windowBytes = wholeBytes / windows
/** Ms from the first text until the thread is started: a gateway that ends soon needs none. After each loss twice as many, up to the longest. */
const startMs = 5_000
const longestStartMs = 300_000
/** Ms that the thread may take for what it was asked at once, its start included. */
const answerMs = 60_000

interface Sample {
  readonly text: Uint8Array<ArrayBuffer>
  /** Of the whole text. */
  readonly bytes: number
  readonly told: (tokens: number | undefined) => void
}

export interface TokenCounterParts {
  readonly clock: Clock
  readonly report: Report
  readonly start?: StartTokenThread
}

export function createTokenCounter(parts: TokenCounterParts): TokenCounter {
  return new ThreadedCounter(parts)
}

/** Without the vocabulary: what is counted is estimated. */
export const estimatingCounter: TokenCounter = {
  exact: false,
  estimate: estimateTokens,
  count: (text, told) => told(estimateTokens(text)),
  close: () => undefined,
}

class ThreadedCounter implements TokenCounter {
  readonly exact = true
  private readonly clock: Clock
  private readonly report: Report
  private readonly start: StartTokenThread
  private thread: TokenThread | undefined
  private waiting: Sample[] = []
  private asked: readonly Sample[] = []
  private timer: Timer | undefined
  private delayMs = startMs
  private closed = false

  constructor({ clock, report, start = startTokenThread }: TokenCounterParts) {
    this.clock = clock
    this.report = report
    this.start = start
  }

  estimate(text: Uint8Array): number {
    return estimateTokens(text)
  }

  count(text: Uint8Array, told: (tokens: number | undefined) => void): void {
    if (this.closed || this.waiting.length >= mostWaiting) {
      this.report.counters.add('token_samples', { outcome: 'dropped' })
      told(undefined)
      return
    }
    this.waiting.push({ text: partsOf(text), bytes: text.length, told })
    this.next()
  }

  close(): void {
    this.closed = true
    this.timer?.cancel()
    this.timer = undefined
    const { thread } = this
    this.thread = undefined
    thread?.end()
    this.waiting = []
    this.asked = []
  }

  private next(): void {
    if (this.closed || this.asked.length > 0 || this.waiting.length === 0) return
    if (this.thread === undefined) {
      this.timer ??= this.clock.timer(this.delayMs, () => {
        this.timer = undefined
        this.open()
      })
      return
    }
    const asked = this.waiting
    this.asked = asked
    this.waiting = []
    this.timer = this.clock.timer(answerMs, () => this.lose('it did not answer'))
    this.thread.ask(asked.map(({ text }) => text))
  }

  private open(): void {
    let mine: TokenThread | undefined
    // A thread that was left speaks to nobody.
    const isCurrent = (): boolean => mine !== undefined && mine === this.thread
    try {
      mine = this.start(
        (counts) => isCurrent() && this.answered(counts),
        (reason) => isCurrent() && this.lose(reason),
      )
      this.thread = mine
      this.next()
    } catch (error) {
      this.lose(String(error))
    }
  }

  private answered(counts: readonly number[]): void {
    this.timer?.cancel()
    this.timer = undefined
    this.delayMs = startMs
    const { asked } = this
    this.asked = []
    this.report.counters.add('token_samples', { outcome: 'counted' }, asked.length)
    for (const [n, { bytes, told }] of asked.entries()) {
      const counted = counts[n]
      told(counted === undefined ? undefined : scaled(counted, bytes))
    }
    this.next()
  }

  private lose(reason: string): void {
    if (this.closed) return
    this.timer?.cancel()
    this.timer = undefined
    const { thread, asked } = this
    this.thread = undefined
    this.asked = []
    thread?.end()
    this.delayMs = Math.min(longestStartMs, this.delayMs * 2)
    this.report.log('warn', 'The thread that counts tokens was lost; until it is there again tokens are taken from what was learned', {
      reason,
      againInMs: this.delayMs,
    })
    this.report.counters.add('token_samples', { outcome: 'lost' }, asked.length)
    for (const { told } of asked) told(undefined)
    this.next()
  }
}

function scaled(counted: number, bytes: number): number {
  return bytes <= wholeBytes ? counted : Math.round((counted * bytes) / wholeBytes)
}

/** A copy, alone in its buffer, that can be handed over. */
function partsOf(text: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = text
  if (length <= wholeBytes) return new Uint8Array(text)
  const parts = new Uint8Array(wholeBytes)
  const step = (length - windowBytes) / (windows - 1)
  for (let n = 0; n < windows; n += 1) {
    const from = Math.floor(n * step)
    parts.set(text.subarray(from, from + windowBytes), n * windowBytes)
  }
  return parts
}
