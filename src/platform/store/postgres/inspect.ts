// A look at a database before a gateway uses it: whether it answers, what it is, and whether the tables can be kept there.
import type { Clock } from '../../../core/ports/clock.ts'
import type { Domain } from '../../../core/ports/durable.ts'
import { isCurrent, schemaTable, versionsOf } from '../migrations.ts'
import { StoreError } from '../store-error.ts'
import { StatementTransaction } from '../transaction.ts'
import { type PostgresAddress, shownAddress } from './address.ts'
import { defaultPostgresLimits } from './durable.ts'
import { PostgresPool } from './pool.ts'

export interface Inspected {
  /** For people: where it is, without who comes to it. */
  readonly address: string
  /** Of the server, for example `15.14`; undefined where it does not answer. */
  readonly version?: string
  /** `toBeMade`: the next start makes them, or brings them forward. */
  readonly tables?: 'current' | 'toBeMade'
  /** Why it cannot be used as it is, and what to do. */
  readonly trouble?: string
}

export async function inspectPostgres(address: PostgresAddress, domains: readonly Domain[], clock: Clock): Promise<Inspected> {
  const pool = new PostgresPool({ address, clock, limits: { ...defaultPostgresLimits, connections: 1 } })
  const found: { address: string; version?: string; tables?: 'current' | 'toBeMade' } = { address: shownAddress(address) }
  try {
    return await pool.use(async (session) => {
      const reader = new StatementTransaction({
        all: async (sql, params) => (await session.ask([{ sql, rows: [params] }])).rows,
        each: async (sql, rows) => (await session.ask([{ sql, rows }])).changed,
      })
      const [row] = await reader.all(
        `SELECT current_setting('server_version') AS version, to_regclass(?) AS made, current_schema() AS place,
           has_schema_privilege(current_schema(), 'CREATE') AS may_create, current_setting('transaction_read_only') AS read_only`,
        [schemaTable],
      )
      // Packagers put their own version behind it.
      found.version = String(row?.version).split(' ')[0] ?? ''
      found.tables = row?.made !== null && isCurrent(domains, await versionsOf(reader)) ? 'current' : 'toBeMade'
      if (row?.read_only === 'on') return { ...found, trouble: 'it may only be read: name the primary' }
      if (found.tables === 'current' || row?.may_create === 1) return found
      return { ...found, trouble: `its user may make no tables in the schema ${row?.place}: GRANT CREATE, USAGE ON SCHEMA` }
    })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const { kind, message } = error.fault
    return { ...found, trouble: kind === 'newer' ? `it was written by a newer Signalbox (${message}): use that version` : message }
  } finally {
    await pool.close()
  }
}
