// The statements of one transaction. They end with it, and with the first that fails.
import type { Cell, Row, Transaction } from '../../../core/ports/durable.ts'
import { StoreError } from '../store-error.ts'
import type { EngineRequest } from './engine.ts'

export class SqliteTransaction implements Transaction {
  private readonly ask: (request: EngineRequest) => Promise<unknown>
  private failure: unknown
  private over = false

  constructor(ask: (request: EngineRequest) => Promise<unknown>) {
    this.ask = ask
  }

  async all(sql: string, params: readonly Cell[] = []): Promise<readonly Row[]> {
    return (await this.step({ op: 'all', sql, params }, [params])) as readonly Row[]
  }

  run(sql: string, params: readonly Cell[] = []): Promise<number> {
    return this.runEach(sql, [params])
  }

  async runEach(sql: string, rows: readonly (readonly Cell[])[]): Promise<number> {
    return (await this.step({ op: 'each', sql, rows }, rows)) as number
  }

  /** Before the end that keeps it. Throws what a statement threw, also where the caller has caught that. */
  end(): void {
    this.over = true
    if (this.failure !== undefined) throw this.failure
  }

  abandon(): void {
    this.over = true
  }

  private async step(request: EngineRequest, rows: readonly (readonly Cell[])[]): Promise<unknown> {
    if (this.over) throw new Error('The transaction has ended')
    if (this.failure !== undefined) throw this.failure
    try {
      // The library would cut it off there.
      if (rows.some((row) => row.some((cell) => typeof cell === 'string' && cell.includes('\0')))) {
        throw new StoreError('conflict', 'Text with a NUL cannot be kept')
      }
      return await this.ask(request)
    } catch (error) {
      this.failure ??= error
      throw error
    }
  }
}
