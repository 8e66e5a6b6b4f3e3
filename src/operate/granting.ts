// What was granted, towards servers and by people to clients, for commands: on the store of a gateway and with its keys, whether it runs or not.
// What they end is told to the issuers that gave it, and noted in the audit.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { assembleAudit } from '../assembly/audit.ts'
import { assembleAuth } from '../assembly/auth.ts'
import { assembleCredentials } from '../assembly/credentials.ts'
import { createOversight, type Oversight } from '../authorization-server/index.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import { Redaction } from '../core/secrets/redaction.ts'
import type { Revocation } from '../gateway/credentials/index.ts'
import { createRevocationStore, type RevocationStore } from '../gateway/identity/index.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { ownUrl } from './configuration/address.ts'
import type { Loaded } from './configuration/load.ts'
import { openStore } from './store.ts'

export interface Granting {
  readonly durable: Durable
  readonly revocation: Revocation
  readonly oversight: Oversight
  /** Of the tokens that callers have. */
  readonly revocations: RevocationStore
  readonly decisions: Decisions
  close(): Promise<void>
}

/** A sentence where there is no store. */
export function openGranting(loaded: Loaded): Granting | string {
  const opened = openStore(loaded, false)
  if (typeof opened === 'string') return opened
  const { durable, stateDir } = opened
  // One of its own would open nothing that is kept there.
  if (loaded.settings.vault.key === undefined && stateDir !== undefined && !existsSync(join(stateDir, 'vault.key'))) {
    return `There is no key of the vault in ${stateDir}: give \`vault.key\`, or run this where the gateway keeps its state.`
  }
  const settings = { ...loaded.settings, stateDir }
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const parts = { settings, clock: systemClock, random: systemRandom, durable, report }
  const audit = assembleAudit({ ...parts, redaction: new Redaction(settings.redact) })
  const decisions: Decisions = audit ?? { note: () => undefined }
  const none: readonly string[] = []
  const auth = assembleAuth({
    ...parts,
    decisions,
    proxies: loaded.proxies,
    scopes: { first: () => none, all: () => none },
    mounts: () => none,
    boundUrl: () => ownUrl(loaded.listen),
    seen: () => undefined,
  })
  const credentials = assembleCredentials({
    ...parts,
    auth,
    issued: () => undefined,
    discoverable: () => undefined,
    rescoped: () => undefined,
  })
  return {
    durable,
    revocation: credentials.revocation,
    oversight: createOversight(durable, auth.vault, systemClock),
    revocations: createRevocationStore(durable, systemClock),
    decisions,
    close: async () => {
      credentials.close()
      await auth.close()
      await audit?.end()
      await durable.close()
    },
  }
}
