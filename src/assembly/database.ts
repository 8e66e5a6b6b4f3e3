// Whether what outlives a restart is in a database. By itself, so that commands that ask need not load all that has tables in it.
import { isPostgresUrl, type PostgresAddress, parsePostgresUrl } from '../platform/store/postgres/address.ts'

/** Of the settings. */
export interface StorePlace {
  readonly stateDir?: string | undefined
  readonly stores: { readonly durable: string }
}

/** The database of the store; undefined where it is a file, or memory. */
export function databaseOf({ stores }: StorePlace): PostgresAddress | undefined {
  if (!isPostgresUrl(stores.durable)) return undefined
  const address = parsePostgresUrl(stores.durable)
  if (typeof address === 'string') throw new Error(`stores.durable ${address}`)
  return address
}
