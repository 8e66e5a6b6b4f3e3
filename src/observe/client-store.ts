// The inventory of clients in the durable store: the table, and the one file that knows it.
import type { Domain, Durable, Row, Stored } from '../core/ports/durable.ts'

export const clientsDomain: Domain = {
  name: 'clients',
  migrations: [
    {
      what: 'clients, by the way in which they came',
      statements: [
        `CREATE TABLE clients (
           tenant TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, transport TEXT NOT NULL, revision TEXT NOT NULL,
           first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL, calls BIGINT NOT NULL,
           PRIMARY KEY (tenant, name, version, transport, revision))`,
      ],
    },
    {
      what: 'what clients are made with, and who answers for them',
      statements: [
        "ALTER TABLE clients ADD COLUMN sdk TEXT NOT NULL DEFAULT 'unknown'",
        "ALTER TABLE clients ADD COLUMN sdk_version TEXT NOT NULL DEFAULT 'unknown'",
        "ALTER TABLE clients ADD COLUMN owner TEXT NOT NULL DEFAULT 'unknown'",
      ],
    },
  ],
}

export interface ClientRow {
  readonly tenant: string
  readonly name: string
  readonly version: string
  readonly transport: string
  readonly revision: string
  /** With which it is made, as it said last; `unknown` where nothing tells. */
  readonly sdk: string
  readonly sdkVersion: string
  /** Who answers for it: the team of its last caller, else that caller; `unknown` where it was nobody in particular. */
  readonly owner: string
  /** Milliseconds since the epoch. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly calls: number
}

export interface ClientStore {
  load(): Promise<Stored<readonly ClientRow[]>>
  /** Adds the calls of each to what is kept, and gives all that is kept then: gateways that share the store count together. */
  add(rows: readonly ClientRow[]): Promise<Stored<readonly ClientRow[]>>
}

const select = 'SELECT * FROM clients ORDER BY last_seen_ms'
const key = 'tenant, name, version, transport, revision'

/** At most `most` are kept, those that were seen last. */
export function createClientStore(durable: Durable, most: number): ClientStore {
  return {
    load: () => durable.read(async (reader) => (await reader.all(select)).map(rowOf)),
    add: (rows) =>
      durable.transact(async (transaction) => {
        await transaction.runEach(
          `INSERT INTO clients (${key}, sdk, sdk_version, owner, first_seen_ms, last_seen_ms, calls) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (${key}) DO UPDATE SET
             calls = clients.calls + excluded.calls,
             sdk = CASE WHEN excluded.sdk = 'unknown' THEN clients.sdk ELSE excluded.sdk END,
             sdk_version = CASE WHEN excluded.sdk = 'unknown' THEN clients.sdk_version ELSE excluded.sdk_version END,
             owner = CASE WHEN excluded.owner = 'unknown' THEN clients.owner ELSE excluded.owner END,
             last_seen_ms = CASE WHEN excluded.last_seen_ms > clients.last_seen_ms THEN excluded.last_seen_ms ELSE clients.last_seen_ms END`,
          rows.map((row) => [
            row.tenant,
            row.name,
            row.version,
            row.transport,
            row.revision,
            row.sdk,
            row.sdkVersion,
            row.owner,
            row.firstSeenMs,
            row.lastSeenMs,
            row.calls,
          ]),
        )
        await transaction.run(
          `DELETE FROM clients WHERE (${key}) NOT IN (SELECT ${key} FROM clients ORDER BY last_seen_ms DESC, ${key} LIMIT ?)`,
          [most],
        )
        return (await transaction.all(select)).map(rowOf)
      }),
  }
}

function rowOf(row: Row): ClientRow {
  return {
    tenant: String(row.tenant),
    name: String(row.name),
    version: String(row.version),
    transport: String(row.transport),
    revision: String(row.revision),
    sdk: String(row.sdk),
    sdkVersion: String(row.sdk_version),
    owner: String(row.owner),
    firstSeenMs: Number(row.first_seen_ms),
    lastSeenMs: Number(row.last_seen_ms),
    calls: Number(row.calls),
  }
}
