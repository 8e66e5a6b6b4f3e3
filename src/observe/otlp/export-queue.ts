// What waits to be exported: bounded, sent in batches by one request at a time, in nobody's way. A collector that is away, slow or refuses costs
// what does not fit, which is counted by its reason; what matters most is dropped last.
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import type { OtlpSender, Sent } from './sender.ts'

/**
 * `queue_full`: more waited than there is room for; `rejected`: the collector took the rest of the request; `refused`: it refuses the request;
 * `given_up`: it was away for too long; `unencodable`: a bug of ours; `shutdown`: the gateway ended first.
 */
export type DropReason = 'queue_full' | 'rejected' | 'refused' | 'given_up' | 'unencodable' | 'shutdown'

export interface ExportEvents {
  taken(items: number): void
  dropped(reason: DropReason, items: number): void
  /** The collector began to fail (`reason`), or takes again what it is sent (undefined). */
  turned(reason: string | undefined): void
  bug(error: unknown): void
}

export interface Encoding<T> {
  encode(items: readonly T[]): Uint8Array
  /** Items that the answer says were not taken; 0 where it says nothing. Throws where it cannot be read. */
  rejectedIn(answer: Uint8Array): number
}

export interface ExportParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: ExportEvents
  /** Items that wait at most, what is on its way included. */
  readonly mostQueued: number
}

/** Items of one request. */
export const mostInBatch = 512
/** Fewer are sent after this, in ms. */
const delayMs = 1_000
/** Shortest and longest pause before a request is sent again, in ms; a collector may ask for as much as the latter. */
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** For how long a request is sent again, in ms. */
const longestAwayMs = 300_000

interface Way<T> {
  readonly sender: OtlpSender
  readonly encoding: Encoding<T>
}

/** What belongs together is sent together. */
interface Group<T> {
  readonly items: readonly T[]
}

export class ExportQueue<T> {
  private readonly parts: ExportParts
  private way: Way<T> | undefined
  /** In order; `first` are dropped last and sent first. */
  private readonly first = new Fifo<Group<T>>()
  private readonly others = new Fifo<Group<T>>()
  private waiting = 0
  private sending = 0
  private timer: Timer | undefined
  private pausing: (() => void) | undefined
  private readonly over = new AbortController()
  private ending = false
  private failing = false
  private idle: (() => void)[] = []

  constructor(parts: ExportParts) {
    this.parts = parts
  }

  /** From now on what waits is sent. */
  open(sender: OtlpSender, encoding: Encoding<T>): void {
    this.way = { sender, encoding }
    this.begin()
  }

  /** Items that wait or are on their way. */
  get size(): number {
    return this.waiting + this.sending
  }

  /** `matters`: is dropped last. Never throws, never waits. */
  add(items: readonly T[], matters: boolean): void {
    const refused = this.over.signal.aborted ? 'shutdown' : this.makeRoom(items.length, matters) ? undefined : 'queue_full'
    if (refused !== undefined) {
      this.parts.events.dropped(refused, items.length)
      return
    }
    const queue = matters ? this.first : this.others
    queue.push({ items })
    this.waiting += items.length
    if (this.waiting >= mostInBatch) this.begin()
    else this.timer ??= this.parts.clock.timer(delayMs, () => this.begin())
  }

  /** Sends what waits, for so long; what is left then is dropped. */
  async end(withinMs: number): Promise<void> {
    this.ending = true
    this.pausing?.()
    this.begin()
    const timer = this.parts.clock.timer(withinMs, () => this.over.abort())
    if (this.sending > 0) await new Promise<void>((resolve) => this.idle.push(resolve))
    timer.cancel()
    this.over.abort()
    this.timer?.cancel()
    if (this.waiting > 0) this.parts.events.dropped('shutdown', this.waiting)
    this.waiting = 0
    this.first.clear()
    this.others.clear()
    await this.way?.sender.close()
  }

  private makeRoom(needed: number, matters: boolean): boolean {
    while (this.size + needed > this.parts.mostQueued) {
      const victim = matters ? this.others.pop() : undefined
      if (victim === undefined) return false
      this.waiting -= victim.items.length
      this.parts.events.dropped('queue_full', victim.items.length)
    }
    return true
  }

  private begin(): void {
    this.timer?.cancel()
    this.timer = undefined
    const { way } = this
    if (this.sending > 0 || this.waiting === 0 || way === undefined) return
    this.run(way).then(undefined, (bug: unknown) => this.parts.events.bug(bug))
  }

  private async run(way: Way<T>): Promise<void> {
    const { events } = this.parts
    while (this.waiting > 0 && !this.over.signal.aborted) {
      const batch = this.take()
      this.sending = batch.length
      const dropped = await this.sent(batch, way).catch((bug: unknown): DropReason => {
        events.bug(bug)
        return 'unencodable'
      })
      this.sending = 0
      if (dropped !== undefined) events.dropped(dropped, batch.length)
      // A gateway that ends does not go on trying a collector that is away.
      if (dropped === 'shutdown') break
      if (!this.ending && this.waiting > 0 && this.waiting < mostInBatch) {
        this.timer ??= this.parts.clock.timer(delayMs, () => this.begin())
        break
      }
    }
    for (const resolve of this.idle.splice(0)) resolve()
  }

  private take(): T[] {
    const batch: T[] = []
    for (const queue of [this.first, this.others]) {
      for (let next = queue.peek(); next !== undefined && batch.length < mostInBatch; next = queue.peek()) {
        queue.shift()
        batch.push(...next.items)
      }
    }
    this.waiting -= batch.length
    return batch
  }

  /** Undefined where the collector took it. */
  private async sent(batch: readonly T[], { sender, encoding }: Way<T>): Promise<DropReason | undefined> {
    const { clock, events } = this.parts
    const body = encoding.encode(batch)
    const begun = clock.mono()
    for (let tries = 0; ; tries += 1) {
      const sent = await sender.send(body, this.over.signal)
      this.turn(sent)
      if (sent.kind === 'refused') return 'refused'
      if (sent.kind === 'taken') {
        const rejected = Math.min(batch.length, Math.max(0, sent.answer === undefined ? 0 : rejectedIn(encoding, sent.answer)))
        if (rejected > 0) events.dropped('rejected', rejected)
        if (rejected < batch.length) events.taken(batch.length - rejected)
        return undefined
      }
      if (this.ending) return 'shutdown'
      if (clock.mono() - begun > longestAwayMs) return 'given_up'
      await this.pause(this.pauseMs(tries, sent.afterMs))
    }
  }

  private pauseMs(tries: number, asked: number | undefined): number {
    if (asked !== undefined) return Math.min(longestPauseMs, Math.max(1, asked))
    const most = Math.min(longestPauseMs, firstPauseMs * 2 ** tries)
    return most / 2 + (this.parts.random.fraction() * most) / 2
  }

  /** Ends early where the gateway does. */
  private pause(ms: number): Promise<void> {
    if (this.ending) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel()
        this.pausing = undefined
        resolve()
      }
      const timer = this.parts.clock.timer(ms, done)
      this.pausing = done
    })
  }

  private turn(sent: Sent): void {
    const failing = sent.kind !== 'taken'
    if (failing === this.failing) return
    this.failing = failing
    this.parts.events.turned(sent.kind === 'taken' ? undefined : sent.reason)
  }
}

/** An answer that cannot be read rejects nothing: the status has said that the request was taken. */
function rejectedIn<T>(encoding: Encoding<T>, answer: Uint8Array): number {
  try {
    return encoding.rejectedIn(answer)
  } catch {
    return 0
  }
}

/** First in, first out, without moving what waits. */
class Fifo<T> {
  private items: T[] = []
  private head = 0

  push(item: T): void {
    this.items.push(item)
  }

  peek(): T | undefined {
    return this.items[this.head]
  }

  shift(): void {
    this.head += 1
    if (this.head < 1_024 && this.head < this.items.length) return
    this.items = this.items.slice(this.head)
    this.head = 0
  }

  /** The last that came. */
  pop(): T | undefined {
    return this.items.length > this.head ? this.items.pop() : undefined
  }

  clear(): void {
    this.items = []
    this.head = 0
  }
}
