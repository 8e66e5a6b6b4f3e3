// The statements of one transaction. They end with it, and with the first that fails. For any engine.
import type { Cell, Row, Transaction } from '../../core/ports/durable.ts'
import { StoreError } from './store-error.ts'

/** How the engine runs a statement. Rejects where it cannot. */
export interface Statements {
  all(sql: string, params: readonly Cell[]): Promise<readonly Row[]>
  /** The number of changed rows. */
  each(sql: string, rows: readonly (readonly Cell[])[]): Promise<number>
}

export class StatementTransaction implements Transaction {
  private readonly statements: Statements
  private failure: unknown
  private over = false

  constructor(statements: Statements) {
    this.statements = statements
  }

  all(sql: string, params: readonly Cell[] = []): Promise<readonly Row[]> {
    return this.step([params], () => this.statements.all(sql, params))
  }

  run(sql: string, params: readonly Cell[] = []): Promise<number> {
    return this.runEach(sql, [params])
  }

  runEach(sql: string, rows: readonly (readonly Cell[])[]): Promise<number> {
    return this.step(rows, () => this.statements.each(sql, rows))
  }

  /** Before the end that keeps it. Throws what a statement threw, also where the caller has caught that. */
  end(): void {
    this.over = true
    if (this.failure !== undefined) throw this.failure
  }

  abandon(): void {
    this.over = true
  }

  private async step<T>(rows: readonly (readonly Cell[])[], statement: () => Promise<T>): Promise<T> {
    if (this.over) throw new Error('The transaction has ended')
    if (this.failure !== undefined) throw this.failure
    try {
      // SQLite would cut it off there, PostgreSQL cannot keep it.
      if (rows.some((row) => row.some((cell) => typeof cell === 'string' && cell.includes('\0')))) {
        throw new StoreError('conflict', 'Text with a NUL cannot be kept')
      }
      return await statement()
    } catch (error) {
      this.failure ??= error
      throw error
    }
  }
}
