// The store of the audit: rows as lines of JSON, many in a batch, each batch of one chain; and what is made of them so that they are found.
// What a row says is the matter of `observe`; the store hashes its bytes and never changes them.
import type { Cell, Row, Stored } from './durable.ts'

/** Rows of one batch at most: to read one row all of its batch is read. */
export const mostBatchRows = 256

export interface AuditBatch {
  /** Of the gateway that writes it, and of nobody else. */
  readonly chain: string
  /** Number of its first row; a chain begins with 0. */
  readonly first: number
  readonly count: number
  /** When it was written, in ms since the epoch; the earliest time that one of its rows tells of. */
  readonly atMs: number
  readonly atMinMs: number
  /** A row a line, UTF-8, no line end after the last. Handed over for good. */
  readonly lines: Uint8Array
  /** Hash of the row before it, in hex; of the first of a chain that of its name (`beginning`). */
  readonly prev: string
}

export interface Appended {
  /** Of the last row, in hex. */
  readonly hash: string
  /** How long the write took, with what it had to wait for, in ms. */
  readonly ms: number
}

export interface ChainHead {
  readonly chain: string
  /** Number of its last row. */
  readonly seq: number
  readonly hash: string
}

/** Where a chain begins, once what was before it is gone for its age. */
export interface Checkpoint extends ChainHead {
  readonly atMs: number
  /** Id of the key and its signature (Ed25519, base64url) of `checkpointText`. */
  readonly key: string
  readonly signature: string
}

/** What one row adds to the sums by hour, run and tool. Whole numbers, so that sums are exact. */
export interface RowSums {
  readonly atMs: number
  readonly team: string
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly client: string
  readonly run: string
  readonly upstream: string
  readonly item: string
  /** Its kind; '' where there was none. */
  readonly fault: string
  readonly faults: 0 | 1
  readonly denied: 0 | 1
  readonly suspects: 0 | 1
  readonly attempts: number
  readonly tokensSent: number
  readonly tokensGot: number
  /** In 10^-9 of the currency. */
  readonly costNano: number
  readonly us: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** What a row is found by, as texts such as `run:ID`, and what it adds to the sums; undefined of what counts nowhere. */
export interface Indexed {
  readonly keys: readonly string[]
  readonly sums: RowSums | undefined
}

/** Stands by itself, with no name from outside its body: the thread of the store is given its text. Never throws. */
export type IndexRow = (line: string) => Indexed

export type AuditQuery = readonly [sql: string, params: readonly Cell[]]

export interface AuditRead {
  /** The rows of each query, all of one moment; waits for no writer. SQL that SQLite and PostgreSQL both know. Never rejects. */
  read(queries: readonly AuditQuery[]): Promise<Stored<readonly (readonly Row[])[]>>
}

export interface AuditStore extends AuditRead {
  /** Resolves when it is safe. A batch that is there already is safe. Never rejects. */
  append(batch: AuditBatch): Promise<Stored<Appended>>
  /** The last rows of chains, the newest chains first. */
  heads(most: number): Promise<Stored<readonly ChainHead[]>>
  /** For each chain the last row of the batches that were written before then. */
  expiring(beforeMs: number): Promise<Stored<readonly ChainHead[]>>
  /** Removes the batches of the chain up to the checkpoint, and what was made of their rows, some in each step. The number of rows. */
  drop(checkpoint: Checkpoint): Promise<Stored<number>>
  /** Rows that are kept and not yet found by what they say, of the gateway itself. */
  readonly unindexed: number
  /** Ends after what waits. */
  close(): Promise<void>
}
