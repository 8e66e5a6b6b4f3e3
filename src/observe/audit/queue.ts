// Rows of the audit on their way to the store: batches that fill while the one before them is written. Bounded: what has no room is lost, and
// counted.
import { mostBatchRows } from '../../core/ports/audit-store.ts'

/** Of what waits for the store. */
export const mostWaitingRows = 20_000
export const mostWaitingChars = 32_000_000

export class Batch {
  text = ''
  count = 0
  atMin = Number.POSITIVE_INFINITY
  /** When its first row came, in monotonic ms. */
  readonly since: number
  /** Whether it is safe, for whoever has to wait for that; made when somebody does. */
  private waiting: Promise<boolean> | undefined
  private tell: ((kept: boolean) => void) | undefined

  constructor(since: number) {
    this.since = since
  }

  add(row: string, at: number): void {
    this.text = this.count === 0 ? row : `${this.text}\n${row}`
    this.count += 1
    if (at < this.atMin) this.atMin = at
  }

  get kept(): Promise<boolean> {
    this.waiting ??= new Promise((resolve) => {
      this.tell = resolve
    })
    return this.waiting
  }

  /** Tells those who wait now; who waits after that is told the next time. */
  settle(kept: boolean): void {
    this.tell?.(kept)
    this.tell = undefined
    this.waiting = undefined
  }
}

export class Queue {
  /** Rows that wait, less those of a batch that was taken. */
  rows = 0
  private chars = 0
  private readonly batches: Batch[] = []

  /** The batch that has the row; undefined where there is no room. */
  add(row: string, at: number, now: number): Batch | undefined {
    if (this.rows >= mostWaitingRows || this.chars + row.length > mostWaitingChars) return undefined
    let batch = this.batches.at(-1)
    if (batch === undefined || batch.count >= mostBatchRows) {
      batch = new Batch(now)
      this.batches.push(batch)
    }
    batch.add(row, at)
    this.rows += 1
    this.chars += row.length
    return batch
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  /** Whether a batch cannot take more. */
  get hasFull(): boolean {
    return (this.batches[0]?.count ?? 0) >= mostBatchRows
  }

  get all(): readonly Batch[] {
    return this.batches
  }

  take(): Batch | undefined {
    const batch = this.batches.shift()
    if (batch === undefined) return undefined
    this.rows -= batch.count
    this.chars -= batch.text.length
    if (this.batches.length === 0) this.chars = 0
    return batch
  }
}
