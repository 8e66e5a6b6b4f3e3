// Writes to the durable store that nobody waits for: those that wait are one write of the last value of each key, and a write that fails is
// tried again.
import type { Clock } from './clock.ts'
import type { Stored } from './durable.ts'
import type { Log } from './report.ts'

const againMs = 10_000

export interface PendingWritesParts<V> {
  readonly clock: Clock
  readonly log: Log
  /** Said where a write failed by a bug of ours. */
  readonly failed: string
  /** Most keys that wait while the store is away; the oldest are given up. */
  readonly most: number
  /** Rejects only by a bug. */
  write(batch: ReadonlyMap<string, V>): Promise<Stored<unknown>>
}

export class PendingWrites<V> {
  private readonly parts: PendingWritesParts<V>
  private unsaved = new Map<string, V>()
  /** Being written now. */
  private batch: ReadonlyMap<string, V> | undefined
  private writing: Promise<void> | undefined
  private waiting = false

  constructor(parts: PendingWritesParts<V>) {
    this.parts = parts
  }

  /** Resolves when it was tried. Rejects by a bug only. */
  add(key: string, value: V): Promise<void> {
    this.unsaved.delete(key)
    this.unsaved.set(key, value)
    this.writing ??= Promise.resolve()
      .then(() => this.write())
      .finally(() => {
        this.writing = undefined
      })
    return this.writing
  }

  /** What is not written yet under this key. */
  waitingFor(key: string): V | undefined {
    return this.unsaved.get(key) ?? this.batch?.get(key)
  }

  private async write(): Promise<void> {
    while (this.unsaved.size > 0) {
      const batch = this.unsaved
      this.unsaved = new Map()
      this.batch = batch
      const done = await this.parts.write(batch).finally(() => {
        this.batch = undefined
      })
      if (done.ok) continue
      if (done.fault.kind === 'closed' || done.fault.kind === 'newer') return
      this.putBack(batch)
      return this.again()
    }
  }

  /** What came meanwhile is newer. */
  private putBack(batch: ReadonlyMap<string, V>): void {
    const merged = new Map([...batch, ...this.unsaved])
    for (const oldest of merged.keys()) {
      if (merged.size <= this.parts.most) break
      merged.delete(oldest)
    }
    this.unsaved = merged
  }

  private again(): void {
    if (this.waiting) return
    this.waiting = true
    this.parts.clock.timer(againMs, () => {
      this.waiting = false
      const [first] = this.unsaved
      if (first === undefined) return
      this.add(...first).catch((error: unknown) => this.parts.log('error', this.parts.failed, { error: String(error) }))
    })
  }
}
