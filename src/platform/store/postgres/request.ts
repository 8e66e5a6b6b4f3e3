// Statements that are sent in one go and answered in one: one round trip, and, outside a transaction, all of them or none.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
import type { Cell, Row } from '../../../core/ports/durable.ts'
import { StoreError } from '../store-error.ts'
import { cellReader, parameter } from './cells.ts'
import { numbered } from './placeholders.ts'

/** One statement, for each list of parameters. */
export interface Step {
  readonly sql: string
  readonly rows: readonly (readonly Cell[])[]
}

export interface Answer {
  /** Of the last step. */
  readonly rows: readonly Row[]
  /** How many rows the last step changed. */
  readonly changed: number
  /** What the server says that it did last, for example `COMMIT`. */
  readonly did: string
}

/** What the library's connection has for those who speak the protocol themselves, as its cursors do. */
export interface Wire {
  readonly stream: { cork(): void; uncork(): void }
  parse(query: { readonly text: string }): void
  bind(config: { readonly values: readonly (string | Buffer | null)[] }): void
  describe(message: { readonly type: 'P' }): void
  execute(config: undefined): void
  sync(): void
}

interface Field {
  readonly name: string
  readonly dataTypeID: number
}

/** What one request may answer, in bytes of text. */
const longestAnswer = 256 * 1024 * 1024

/** Parameters of one statement. https://www.postgresql.org/docs/current/limits.html */
const mostParameters = 65_535

/** The library hands each message of the server to the request that it is about. */
export class Request {
  readonly done: Promise<Answer>
  private readonly steps: readonly Step[]
  private resolve!: (answer: Answer) => void
  private reject!: (error: unknown) => void
  private step = 0
  /** Executions of this step that were answered. */
  private executed = 0
  private changed = 0
  private did = ''
  private rows: Row[] = []
  private fields: readonly { readonly name: string; readonly read: (text: string) => Cell }[] = []
  private bytes = 0
  private failure: unknown

  constructor(steps: readonly Step[]) {
    this.steps = steps.filter(({ rows }) => rows.length > 0)
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  submit(wire: Wire): Error | null {
    if (this.steps.some(({ rows }) => rows.some((row) => row.length > mostParameters))) return new Error('Too many parameters')
    wire.stream.cork()
    try {
      for (const { sql, rows } of this.steps) {
        wire.parse({ text: numbered(sql) })
        for (const row of rows) {
          wire.bind({ values: row.map(parameter) })
          wire.describe({ type: 'P' })
          wire.execute(undefined)
        }
      }
      wire.sync()
    } finally {
      wire.stream.uncork()
    }
    return null
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    this.fields = fields.map(({ name, dataTypeID }) => ({ name, read: cellReader(dataTypeID) }))
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.failure !== undefined) return
    try {
      this.rows.push(this.row(fields))
    } catch (error) {
      this.fail(error)
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.did = text
    // `INSERT 0 3`, `UPDATE 3`, `DELETE 3`.
    if (/^(INSERT|UPDATE|DELETE|MERGE) /.test(text)) this.changed += Number(/\d+$/.exec(text)?.[0] ?? 0)
    this.executed += 1
    if (this.executed < (this.steps[this.step]?.rows.length ?? 0) || this.step === this.steps.length - 1) return
    this.step += 1
    this.executed = 0
    this.changed = 0
    this.rows = []
    this.bytes = 0
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  handlePortalSuspended(): void {
    this.fail(new StoreError('unavailable', 'it answered with a part of the rows'))
  }

  handleCopyInResponse(): void {
    this.fail(new StoreError('unavailable', 'it asked for data that nobody has'))
  }

  handleCopyData(): void {
    this.fail(new StoreError('unavailable', 'it sent data that nobody asked for'))
  }

  /** Of the server, or of a connection that ended. */
  handleError(error: unknown): void {
    this.reject(this.failure ?? error)
  }

  handleReadyForQuery(): void {
    const last = this.steps.length - 1
    const isWhole = last === -1 || (this.step === last && this.executed === this.steps[last]?.rows.length)
    if (!isWhole) this.fail(new StoreError('unavailable', 'it answered less than it was asked'))
    const { rows, changed, did } = this
    if (this.failure === undefined) this.resolve({ rows, changed, did })
    else this.reject(this.failure)
  }

  private row(values: readonly (string | null)[]): Row {
    if (values.length !== this.fields.length) throw new StoreError('unavailable', 'it sent a row with other columns than it said')
    const row: Record<string, Cell> = Object.create(null)
    for (const [i, { name, read }] of this.fields.entries()) {
      const value = values[i] ?? null
      this.bytes += value?.length ?? 0
      row[name] = value === null ? null : read(value)
    }
    this.bytes += 64
    if (this.bytes > longestAnswer) throw new StoreError('unavailable', `its answer is longer than ${longestAnswer} bytes`)
    return row
  }

  private fail(error: unknown): void {
    this.failure ??= error
    this.rows = []
  }
}
