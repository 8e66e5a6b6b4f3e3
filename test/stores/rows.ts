// Looks into the durable store of a gateway, beside the gateway.
import { DatabaseSync } from '@photostructure/sqlite'

/** All rows of a table; none where it is not there yet. */
export function rowsOf(file: string, table: string): Record<string, unknown>[] {
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 })
    try {
      return database.prepare(`SELECT * FROM ${table}`).all()
    } finally {
      database.close()
    }
  } catch {
    return []
  }
}
