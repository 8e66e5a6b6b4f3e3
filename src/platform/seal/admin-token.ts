// The token of the admin door: follows from the key of the state folder, so that gateways which share one have one token, and stands in a file
// there for those who may read it: an operator, a scraper of metrics.
import { createHmac } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes `admin.token` (mode 0600) into the folder, and gives what stands in it. */
export function adminToken(stateDir: string, key: Uint8Array): string {
  const token = createHmac('sha256', key).update('signalbox admin token').digest('base64url')
  const file = join(stateDir, 'admin.token')
  const next = `${file}.${process.pid}`
  writeFileSync(next, `${token}\n`, { mode: 0o600 })
  renameSync(next, file)
  return token
}
