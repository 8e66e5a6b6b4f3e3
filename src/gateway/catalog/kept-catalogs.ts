// The last known catalogues in the durable store: the tables, and the one file that knows them. Loads of one moment are one read, saves are
// written behind.

import { defaultTenant } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Domain, Durable, Reader, Stored } from '../../core/ports/durable.ts'
import { PendingWrites } from '../../core/ports/pending-writes.ts'
import type { Log } from '../../core/ports/report.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { CatalogStore } from './snapshot.ts'

export const catalogsDomain: Domain = {
  name: 'catalogs',
  migrations: [
    {
      what: 'last known catalogues, by the hash of the configuration of their server',
      statements: [
        `CREATE TABLE catalogs (
           tenant TEXT NOT NULL, config_hash TEXT NOT NULL, snapshot BYTEA NOT NULL, used_at_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, config_hash))`,
      ],
    },
  ],
}

/** A catalogue of a configuration that nobody has started for so long goes. */
const keptMs = 90 * dayMs
/** At most one for each server waits. */
const mostWaiting = 10_000

/** Servers are the gateway's and not a tenant's, as long as one configuration serves all: their catalogues are of the default tenant. */
const tenant = defaultTenant

export function keptCatalogs(durable: Durable, clock: Clock, log: Log): CatalogStore {
  return new KeptCatalogs(durable, clock, log)
}

class KeptCatalogs implements CatalogStore {
  private readonly durable: Durable
  private readonly clock: Clock
  private readonly log: Log
  private asked: string[] = []
  private reading: Promise<ReadonlyMap<string, Uint8Array>> | undefined
  private readonly saves: PendingWrites<Uint8Array>

  constructor(durable: Durable, clock: Clock, log: Log) {
    this.durable = durable
    this.clock = clock
    this.log = log
    const failed = 'A catalogue could not be kept'
    this.saves = new PendingWrites({ clock, log, failed, most: mostWaiting, write: (snapshots) => this.write(snapshots) })
  }

  async load(configHash: string): Promise<Uint8Array | undefined> {
    this.asked.push(configHash)
    this.reading ??= Promise.resolve().then(() => this.read())
    return (await this.reading).get(configHash)
  }

  save(configHash: string, snapshot: Uint8Array): Promise<void> {
    return this.saves.add(configHash, snapshot)
  }

  private async read(): Promise<ReadonlyMap<string, Uint8Array>> {
    const hashes = this.asked
    this.asked = []
    this.reading = undefined
    const found = await this.durable.read((reader) => snapshotsOf(reader, hashes))
    // What is wrong with the store it has told itself; the servers are asked anyway.
    if (!found.ok) return new Map()
    if (found.value.size > 0) void this.used([...found.value.keys()])
    return found.value
  }

  private async used(hashes: readonly string[]): Promise<void> {
    const now = this.clock.now()
    const rows = hashes.map((hash) => [now, tenant, hash])
    await this.durable
      .transact((transaction) => transaction.runEach('UPDATE catalogs SET used_at_ms = ? WHERE tenant = ? AND config_hash = ?', rows))
      .catch((error: unknown) => this.log('error', 'The use of a catalogue could not be noted', { error: String(error) }))
  }

  private write(snapshots: ReadonlyMap<string, Uint8Array>): Promise<Stored<unknown>> {
    const now = this.clock.now()
    const rows = [...snapshots].map(([hash, snapshot]) => [tenant, hash, snapshot, now])
    return this.durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO catalogs (tenant, config_hash, snapshot, used_at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (tenant, config_hash) DO UPDATE SET snapshot = excluded.snapshot, used_at_ms = excluded.used_at_ms`,
        rows,
      )
      await transaction.run('DELETE FROM catalogs WHERE tenant = ? AND used_at_ms < ?', [tenant, now - keptMs])
    })
  }
}

async function snapshotsOf(reader: Reader, hashes: readonly string[]): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for (const hash of hashes) {
    const [row] = await reader.all('SELECT snapshot FROM catalogs WHERE tenant = ? AND config_hash = ?', [tenant, hash])
    if (row?.snapshot instanceof Uint8Array) found.set(hash, row.snapshot)
  }
  return found
}
