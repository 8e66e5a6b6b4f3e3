// The store of what must outlive a restart. Each domain that keeps something owns its tables, its migrations and one repository; the engine
// owns transactions, and turns whatever happens to the disk into a value. test/contracts/durable-contract.ts is the contract.

/** What a column holds. Whole numbers are safe integers; text has no NUL (a `conflict`). */
export type Cell = string | number | Uint8Array | null
export type Row = Readonly<Record<string, Cell>>

/**
 * The tables of one domain. Statements are SQL that SQLite and PostgreSQL both know: `?` for parameters; TEXT, BIGINT, BYTEA and DOUBLE
 * PRECISION as types; `ON CONFLICT … DO UPDATE`; no functions of one of them. The primary key of every table begins with `tenant`.
 */
export interface Domain {
  /** Lower case; stands in the schema table. Never changes. */
  readonly name: string
  /** Version n is the state after the first n. They go forward only: a released one is never edited, a new one is put at the end. */
  readonly migrations: readonly Migration[]
  /** Columns whose values the vault has sealed. A new key of the vault is brought to them while the gateway runs. */
  readonly sealed?: readonly SealedColumn[]
}

/** The place of its values in the vault is table, column and the values of the key, in this order. */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** The primary key: text, the tenant first. */
  readonly key: readonly string[]
}

export interface Migration {
  readonly what: string
  readonly statements: readonly string[]
}

export type StoreFaultKind =
  /** Somebody else writes, longer than a writer waits. */
  | 'locked'
  | 'full'
  /** Damaged; what could be read is gone, the store begins anew. */
  | 'corrupt'
  /** Written by a newer version: not touched. */
  | 'newer'
  /** A row is there already, or a constraint says no. The caller's matter; nothing is wrong with the store. */
  | 'conflict'
  /** Too many operations wait. */
  | 'overloaded'
  | 'unavailable'
  /** The gateway has ended it. */
  | 'closed'

export interface StoreFault {
  readonly kind: StoreFaultKind
  /** For people. */
  readonly message: string
}

export type Stored<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: StoreFault }

export interface Reader {
  all(sql: string, params?: readonly Cell[]): Promise<readonly Row[]>
}

/** After a statement that failed, every further one fails too, and nothing is kept. */
export interface Transaction extends Reader {
  /** The number of rows that it changed. */
  run(sql: string, params?: readonly Cell[]): Promise<number>
  /** The same statement for each list of parameters, in one round trip. */
  runEach(sql: string, rows: readonly (readonly Cell[])[]): Promise<number>
}

export interface Durable {
  /** One consistent view; does not wait for writers. */
  read<T>(work: (reader: Reader) => Promise<T>): Promise<Stored<T>>
  /**
   * All of it or nothing; one at a time, so `work` waits for nothing but the transaction and calls no other operation of the store. Off
   * the path of a call: it may take as long as a disk does. Rejects only with what `work` itself throws.
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<Stored<T>>
  /** One statement by itself, in one round trip: the number of rows that it changed. Never rejects. */
  run(sql: string, params?: readonly Cell[]): Promise<Stored<number>>
  /** What is wrong now; undefined where nothing is known to be. */
  trouble(): StoreFault | undefined
  /** Ends after what waits. Further operations are `closed`. */
  close(): Promise<void>
}
