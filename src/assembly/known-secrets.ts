// The values that must never be written down, of those that are known when a gateway starts.
import { alertSecrets } from './alerting.ts'
import { credentialsOf } from './guards.ts'
import type { Settings } from './settings.ts'

/** Shorter credentials of servers are not told from other text: everything that is written would be full of holes. */
const shortest = 8

/** `given`: those that the environment, files and the state folder gave. */
export function knownSecrets(settings: Settings, given: readonly string[]): readonly string[] {
  const ofServers = Object.values(settings.servers).flatMap((server) => credentialsOf(server))
  return [...given, ...ofServers.filter(({ length }) => length >= shortest), ...alertSecrets(settings.alerts)]
}
