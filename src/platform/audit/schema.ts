// The tables of the audit. SQL that SQLite and PostgreSQL both know, but for what SQLite adds for tables that are their own index.
import { runKey, runUsageKey, usageSums } from '../../core/audit/usage-columns.ts'

/** The audit is the gateway's, and each row names its own tenant. */
export const auditOwner = ''

export interface AuditMigration {
  readonly what: string
  readonly statements: readonly string[]
}

/** `end`: what follows the definition of a table that is found by its key alone. */
export function auditMigrations(end: string): readonly AuditMigration[] {
  return [
    { what: 'rows of the audit in chains, and what they are found by', statements: firstTables(end) },
    { what: 'sums by run; all is indexed anew, from the rows', statements: runTables(end) },
  ]
}

const ints = (columns: readonly string[]): string => columns.map((column) => `${column} BIGINT NOT NULL`).join(', ')
const keyed = (columns: readonly string[]): string =>
  columns.map((column) => (column === 'hour' || column === 'k' ? `${column} BIGINT NOT NULL` : `${column} TEXT NOT NULL`)).join(', ')

function runTables(end: string): readonly string[] {
  const table = (name: string, key: readonly string[], more: readonly string[] = []): string =>
    `CREATE TABLE ${name} (tenant TEXT NOT NULL, ${keyed(key)}, ${ints([...usageSums, ...more])}, PRIMARY KEY (tenant, ${key.join(', ')}))${end}`
  return [
    'DROP TABLE audit_usage',
    'DELETE FROM audit_keys',
    'UPDATE audit_marks SET next = 0',
    table('audit_run_usage', runUsageKey),
    table('audit_runs', runKey, ['first_ms', 'last_ms']),
    'CREATE INDEX audit_runs_by_time ON audit_runs (tenant, last_ms, k)',
  ]
}

function firstTables(end: string): readonly string[] {
  return [
    // Lines of JSON, a row each, and the hashes of the rows one after the other, 32 bytes each.
    `CREATE TABLE audit_chain_batches (
       tenant TEXT NOT NULL, chain TEXT NOT NULL, first BIGINT NOT NULL, row_count BIGINT NOT NULL, at_ms BIGINT NOT NULL,
       at_min_ms BIGINT NOT NULL, lines BYTEA NOT NULL, prev TEXT NOT NULL, hashes BYTEA NOT NULL,
       PRIMARY KEY (tenant, chain, first))`,
    'CREATE INDEX audit_chain_batches_by_time ON audit_chain_batches (tenant, at_ms, chain, first, at_min_ms)',
    // Rows below `next` are indexed.
    'CREATE TABLE audit_marks (tenant TEXT NOT NULL, chain TEXT NOT NULL, next BIGINT NOT NULL, PRIMARY KEY (tenant, chain))',
    // Which batches have rows of a key, by a number of 53 bits that is made of it; another key may have the same.
    `CREATE TABLE audit_keys (
       tenant TEXT NOT NULL, k BIGINT NOT NULL, at_ms BIGINT NOT NULL, chain TEXT NOT NULL, first BIGINT NOT NULL,
       at_min_ms BIGINT NOT NULL,
       PRIMARY KEY (tenant, k, at_ms, chain, first))${end}`,
    `CREATE TABLE audit_usage (
       tenant TEXT NOT NULL, hour BIGINT NOT NULL, team TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL, client TEXT NOT NULL,
       run TEXT NOT NULL, upstream TEXT NOT NULL, item TEXT NOT NULL, calls BIGINT NOT NULL, faults BIGINT NOT NULL,
       denied BIGINT NOT NULL, suspects BIGINT NOT NULL, attempts BIGINT NOT NULL, tokens_sent BIGINT NOT NULL,
       tokens_got BIGINT NOT NULL, cost_nano BIGINT NOT NULL, us BIGINT NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL,
       first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL,
       PRIMARY KEY (tenant, hour, team, issuer, subject, client, run, upstream, item))${end}`,
    `CREATE TABLE audit_checkpoints (
       tenant TEXT NOT NULL, chain TEXT NOT NULL, seq BIGINT NOT NULL, hash TEXT NOT NULL, at_ms BIGINT NOT NULL, key_id TEXT NOT NULL,
       signature TEXT NOT NULL,
       PRIMARY KEY (tenant, chain))`,
  ]
}

/** Adds sums to those that are there. */
function adding(table: string, key: readonly string[], more = ''): string {
  const columns = [...key, ...usageSums, ...(more === '' ? [] : ['first_ms', 'last_ms'])]
  return `INSERT INTO ${table} (tenant, ${columns.join(', ')}) VALUES ('', ${columns.map(() => '?').join(', ')})
     ON CONFLICT (tenant, ${key.join(', ')}) DO UPDATE SET ${usageSums.map((sum) => `${sum} = ${table}.${sum} + excluded.${sum}`).join(', ')}${more}`
}

/** Statements of the writer, by name. */
export const auditSql = {
  append: `INSERT INTO audit_chain_batches (tenant, chain, first, row_count, at_ms, at_min_ms, lines, prev, hashes)
     VALUES ('', ?, ?, ?, ?, ?, ?, ?, ?)`,
  there: "SELECT row_count, prev, hashes FROM audit_chain_batches WHERE tenant = '' AND chain = ? AND first = ?",
  /** Chains with rows that are not indexed. */
  behind: `SELECT DISTINCT m.chain AS chain FROM audit_marks m
     JOIN audit_chain_batches b ON b.tenant = m.tenant AND b.chain = m.chain AND b.first >= m.next WHERE m.tenant = '' LIMIT 16`,
  begun: "INSERT INTO audit_marks (tenant, chain, next) VALUES ('', ?, 0) ON CONFLICT DO NOTHING",
  mark: "SELECT next FROM audit_marks WHERE tenant = '' AND chain = ?",
  setMark: `INSERT INTO audit_marks (tenant, chain, next) VALUES ('', ?, ?)
     ON CONFLICT (tenant, chain) DO UPDATE SET next = excluded.next`,
  from: `SELECT first, row_count, at_ms, at_min_ms, lines FROM audit_chain_batches WHERE tenant = '' AND chain = ? AND first >= ?
     ORDER BY first LIMIT ?`,
  /** Whole batches, of about so many rows from there on: a store that was begun anew has none of the first. */
  toIndex: `SELECT first, row_count, at_ms, at_min_ms, lines FROM audit_chain_batches WHERE tenant = '' AND chain = ? AND first >= ?
     AND first < ? + (SELECT MIN(o.first) FROM audit_chain_batches o WHERE o.tenant = '' AND o.chain = ? AND o.first >= ?)
     ORDER BY first`,
  addKey: `INSERT INTO audit_keys (tenant, k, at_ms, chain, first, at_min_ms) VALUES ('', ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  removeKey: "DELETE FROM audit_keys WHERE tenant = '' AND k = ? AND at_ms = ? AND chain = ? AND first = ?",
  addRunUsage: adding('audit_run_usage', runUsageKey),
  // Where rows go, the run began when it did.
  addRun: adding(
    'audit_runs',
    runKey,
    `,
       first_ms = CASE WHEN excluded.first_ms < audit_runs.first_ms THEN excluded.first_ms ELSE audit_runs.first_ms END,
       last_ms = CASE WHEN excluded.last_ms > audit_runs.last_ms THEN excluded.last_ms ELSE audit_runs.last_ms END`,
  ),
  emptyRunUsage: "DELETE FROM audit_run_usage WHERE tenant = '' AND run = ? AND calls = 0",
  emptyRun: "DELETE FROM audit_runs WHERE tenant = '' AND k = ? AND calls = 0",
  removeBatch: "DELETE FROM audit_chain_batches WHERE tenant = '' AND chain = ? AND first = ?",
  setCheckpoint: `INSERT INTO audit_checkpoints (tenant, chain, seq, hash, at_ms, key_id, signature) VALUES ('', ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, at_ms = excluded.at_ms,
       key_id = excluded.key_id, signature = excluded.signature`,
  heads: `SELECT b.chain AS chain, b.first AS first, b.row_count AS row_count, b.hashes AS hashes FROM audit_chain_batches b
     WHERE b.tenant = '' AND b.first = (SELECT MAX(o.first) FROM audit_chain_batches o WHERE o.tenant = '' AND o.chain = b.chain)
     ORDER BY b.at_ms DESC LIMIT ?`,
  expiring: `SELECT b.chain AS chain, b.first AS first, b.row_count AS row_count, b.hashes AS hashes FROM audit_chain_batches b
     WHERE b.tenant = '' AND b.first = (SELECT MAX(o.first) FROM audit_chain_batches o WHERE o.tenant = '' AND o.chain = b.chain AND o.at_ms < ?)`,
} as const

export type AuditSql = typeof auditSql
