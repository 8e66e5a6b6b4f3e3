// Brings the tables of all domains to the versions that this program knows, in the one transaction that it is given; refuses a store that a
// newer program has written. For any engine.
import type { Domain, Reader, Transaction } from '../../core/ports/durable.ts'
import { StoreError } from './store-error.ts'

export const schemaTable = 'store_schema'

/** Domains by the version that the store has; those that it does not have are absent. */
export async function versionsOf(reader: Reader): Promise<ReadonlyMap<string, number>> {
  const rows = await reader.all(`SELECT domain, version FROM ${schemaTable}`)
  return new Map(rows.map(({ domain, version }) => [String(domain), Number(version)]))
}

/** True where nothing is to be done. Throws `newer` where the store is ahead of this program. */
export function isCurrent(domains: readonly Domain[], versions: ReadonlyMap<string, number>): boolean {
  for (const { name, migrations } of domains) {
    const version = versions.get(name) ?? 0
    if (version > migrations.length)
      throw new StoreError('newer', `its ${name} are of version ${version}, this one knows ${migrations.length}`)
  }
  return domains.every(({ name, migrations }) => versions.get(name) === migrations.length)
}

/** `program` is noted beside each version. Another program may have been quicker: what it did is left as it is. */
export async function migrate(transaction: Transaction, domains: readonly Domain[], program: string): Promise<void> {
  await transaction.run(
    `CREATE TABLE IF NOT EXISTS ${schemaTable} (domain TEXT PRIMARY KEY, version BIGINT NOT NULL, written_by TEXT NOT NULL)`,
  )
  const versions = await versionsOf(transaction)
  if (isCurrent(domains, versions)) return
  for (const { name, migrations } of domains) {
    const version = versions.get(name) ?? 0
    if (version === migrations.length) continue
    for (const { statements } of migrations.slice(version)) for (const sql of statements) await transaction.run(sql)
    await transaction.run(
      `INSERT INTO ${schemaTable} (domain, version, written_by) VALUES (?, ?, ?)
       ON CONFLICT (domain) DO UPDATE SET version = excluded.version, written_by = excluded.written_by`,
      [name, migrations.length, program],
    )
  }
}
