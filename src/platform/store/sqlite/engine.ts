// SQLite behind requests and answers. It runs where it may block: in a thread of its own for a file, in the gateway's for memory.
import type { Cell } from '../../../core/ports/durable.ts'

export type Sqlite = typeof import('@photostructure/sqlite')

export type EngineRequest =
  | { readonly op: 'open'; readonly file: string; readonly busyMs: number }
  | { readonly op: 'exec'; readonly sql: string }
  | { readonly op: 'all'; readonly sql: string; readonly params: readonly Cell[] }
  /** Answers with the number of changed rows. */
  | { readonly op: 'each'; readonly sql: string; readonly rows: readonly (readonly Cell[])[] }
  | { readonly op: 'close' }

export type EngineAnswer =
  | { readonly value: unknown }
  /** `code` is SQLite's primary result code; undefined where the error is none of SQLite's. */
  | { readonly error: { readonly code: number | undefined; readonly message: string } }

/**
 * Stands by itself, with no name from outside its body: the thread is given its text, since a thread started from a file would need that
 * file built, and tests run the sources.
 */
export function createEngine(sqlite: Sqlite): (request: EngineRequest) => EngineAnswer {
  const mostStatements = 64
  const statements = new Map<string, ReturnType<InstanceType<Sqlite['DatabaseSync']>['prepare']>>()
  let database: InstanceType<Sqlite['DatabaseSync']> | undefined

  function statement(sql: string) {
    const known = statements.get(sql)
    if (known !== undefined) return known
    if (statements.size >= mostStatements) statements.clear()
    const fresh = opened().prepare(sql)
    statements.set(sql, fresh)
    return fresh
  }

  function opened() {
    if (database === undefined) throw new Error('No store is open')
    return database
  }

  function close(): void {
    statements.clear()
    if (database === undefined) return
    // Closing would do this by itself, if statements did not hold the file until they are collected.
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    database = undefined
  }

  function open(file: string, busyMs: number): void {
    close()
    const fresh = new sqlite.DatabaseSync(file, { timeout: busyMs })
    try {
      // Readers and one writer do not wait for each other, in any number of processes on one machine.
      fresh.exec('PRAGMA journal_mode = WAL')
      // After a power failure the last commits may be missing; the file is whole.
      fresh.exec('PRAGMA synchronous = NORMAL')
      database = fresh
    } catch (error) {
      fresh.close()
      throw error
    }
  }

  function perform(request: EngineRequest): unknown {
    switch (request.op) {
      case 'open':
        return open(request.file, request.busyMs)
      case 'exec':
        return opened().exec(request.sql)
      case 'all':
        return statement(request.sql).all(...request.params)
      case 'each': {
        let changed = 0
        for (const row of request.rows) changed += statement(request.sql).run(...row).changes
        return changed
      }
      case 'close':
        return close()
    }
  }

  return (request) => {
    try {
      return { value: perform(request) }
    } catch (error) {
      const { errcode, message } = error as { readonly errcode?: number; readonly message?: string }
      return { error: { code: errcode === undefined ? undefined : errcode & 0xff, message: message ?? String(error) } }
    }
  }
}
