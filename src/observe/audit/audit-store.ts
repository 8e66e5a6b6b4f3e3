// The audit in the durable store: the table, and the one file that knows it. A row of the table is a batch of rows of one chain.
import type { Domain, Durable, Row, Stored } from '../../core/ports/durable.ts'

export const auditDomain: Domain = {
  name: 'audit',
  migrations: [
    {
      what: 'batches of audit rows, by the chain of the gateway that wrote them',
      statements: [
        `CREATE TABLE audit_batches (
           tenant TEXT NOT NULL, chain TEXT NOT NULL, first BIGINT NOT NULL, row_count BIGINT NOT NULL,
           at_min_ms BIGINT NOT NULL, at_max_ms BIGINT NOT NULL, body BYTEA NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
           PRIMARY KEY (tenant, chain, first))`,
        'CREATE INDEX audit_batches_by_time ON audit_batches (tenant, at_max_ms)',
      ],
    },
  ],
}

/** The audit is the gateway's, and each row names its own tenant. */
const owner = ''

export interface Batch {
  readonly chain: string
  /** Number of the first row; a chain begins with 0. */
  readonly first: number
  readonly atMinMs: number
  readonly atMaxMs: number
  /** How many rows. */
  readonly count: number
  /** As it was hashed. */
  readonly text: string
  readonly prev: string
  readonly hash: string
}

export interface AuditStore {
  append(batch: Batch): Promise<Stored<unknown>>
  /** Whole batches that ended before then. */
  drop(beforeMs: number): Promise<Stored<number>>
  /** Batches with rows between the two times, in the order of time; `after`: the last of the page before. */
  page(fromMs: number, toMs: number, after: Batch | undefined, most: number): Promise<Stored<readonly Batch[]>>
  chains(): Promise<Stored<readonly string[]>>
  /** The batches of a chain in order. */
  ofChain(chain: string, from: number, most: number): Promise<Stored<readonly Batch[]>>
}

const columns = 'chain, first, row_count, at_min_ms, at_max_ms, body, prev, hash'

export function createAuditStore(durable: Durable): AuditStore {
  return {
    append: ({ chain, first, count, atMinMs, atMaxMs, text, prev, hash }) =>
      durable.run(`INSERT INTO audit_batches (tenant, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
        owner,
        chain,
        first,
        count,
        atMinMs,
        atMaxMs,
        Buffer.from(text),
        prev,
        hash,
      ]),
    drop: (beforeMs) =>
      durable.transact((transaction) => transaction.run('DELETE FROM audit_batches WHERE tenant = ? AND at_max_ms < ?', [owner, beforeMs])),
    page: (fromMs, toMs, after, most) =>
      durable.read(async (reader) => {
        const more = after === undefined ? '' : 'AND (at_max_ms > ? OR (at_max_ms = ? AND (chain > ? OR (chain = ? AND first > ?))))'
        const from = after === undefined ? [] : [after.atMaxMs, after.atMaxMs, after.chain, after.chain, after.first]
        const sql = `SELECT ${columns} FROM audit_batches WHERE tenant = ? AND at_max_ms >= ? AND at_min_ms <= ? ${more}
                     ORDER BY at_max_ms, chain, first LIMIT ?`
        return (await reader.all(sql, [owner, fromMs, toMs, ...from, most])).map(batchOf)
      }),
    chains: () =>
      durable.read(async (reader) =>
        (await reader.all('SELECT DISTINCT chain FROM audit_batches WHERE tenant = ? ORDER BY chain', [owner])).map(({ chain }) =>
          String(chain),
        ),
      ),
    ofChain: (chain, from, most) =>
      durable.read(async (reader) => {
        const sql = `SELECT ${columns} FROM audit_batches WHERE tenant = ? AND chain = ? AND first >= ? ORDER BY first LIMIT ?`
        return (await reader.all(sql, [owner, chain, from, most])).map(batchOf)
      }),
  }
}

function batchOf(row: Row): Batch {
  return {
    chain: String(row.chain),
    first: Number(row.first),
    atMinMs: Number(row.at_min_ms),
    atMaxMs: Number(row.at_max_ms),
    count: Number(row.row_count),
    text: row.body instanceof Uint8Array ? Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength).toString('utf8') : '',
    prev: String(row.prev),
    hash: String(row.hash),
  }
}
