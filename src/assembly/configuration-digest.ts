// What tells one configuration from another, where it is said with which of them something was first seen.
import { createHash } from 'node:crypto'
import type { Settings } from './settings.ts'

/** Twelve hex digits. Of all that is set, defaults included; where they differ a new version of the gateway is another configuration too. */
export function configurationDigest(settings: Settings): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 12)
}
