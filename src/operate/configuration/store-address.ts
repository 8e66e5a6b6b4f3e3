// The address of the store's database, as the file has it: its paths start from the folder of the file, its password is a secret.
import { resolve } from 'node:path'
import type { Settings } from '../../assembly/settings.ts'
import { isPostgresUrl, passwordsIn } from '../../platform/store/postgres/address.ts'

/** Shorter ones would take half of every log line with them. */
const shortestSecret = 4

export function storesFrom({ stores }: Settings, baseDir: string): Settings['stores'] {
  if (!isPostgresUrl(stores.durable)) return stores
  const url = new URL(stores.durable)
  const file = url.searchParams.get('sslrootcert')
  if (file === null) return stores
  url.searchParams.set('sslrootcert', resolve(baseDir, file))
  return { ...stores, durable: url.href }
}

/** For redaction, in every form in which it may be written. */
export function storeSecrets({ stores }: Settings): string[] {
  return isPostgresUrl(stores.durable) ? passwordsIn(stores.durable).filter((one) => one.length >= shortestSecret) : []
}
