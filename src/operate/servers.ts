// Servers for commands that look at what they serve: exits without doors, catalog and records, with the credentials of the configuration.
import { assembleAuth } from '../assembly/auth.ts'
import { assembleCredentials } from '../assembly/credentials.ts'
import { assembleGuards } from '../assembly/guards.ts'
import type { Settings } from '../assembly/settings.ts'
import { createDurable } from '../assembly/stores.ts'
import { assembleUpstreams } from '../assembly/upstreams.ts'
import { Deadline } from '../core/call/deadline.ts'
import type { Credentials, Issued } from '../core/ports/credentials.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { ownUrl, parseAddress } from './configuration/address.ts'
import type { Loaded } from './configuration/load.ts'
import { openStore } from './store.ts'

export interface ServersToOpen {
  readonly settings: Settings
  readonly broken: Loaded['broken']
  readonly proxies: Proxies
  /** Of a configuration: where the grants of the gateway are. */
  readonly loaded?: Loaded
}

export interface OpenServers {
  readonly all: ReadonlyMap<string, Upstream>
  /** Ends processes and connections. */
  close(): Promise<void>
}

/** How long servers get to end by themselves, in ms. */
const graceMs = 2_000

/** Nothing is started yet: the first look at a server does. */
export function openServers({ settings, broken, proxies, loaded }: ServersToOpen): OpenServers {
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const parts = { settings, clock: systemClock, random: systemRandom, report, proxies, decisions: { note: () => undefined } }
  const granted = Object.values(settings.servers).some(({ enabled, auth }) => enabled && auth !== undefined && auth.type !== 'none')
  // As the gateway does: what it shows and keeps of definitions is what is read here.
  const guarding = assembleGuards(settings, parts)
  const own = granted && loaded !== undefined ? openCredentials(parts, loaded, guarding.issued) : undefined
  const exits = assembleUpstreams({
    ...parts,
    broken: new Map(broken.map(({ server, reason }) => [server, reason])),
    ...(own === undefined ? {} : { credentials: own.of }),
    besides: (id) => guarding.besides(id),
    replica: systemRandom.id(),
    outside: { event: () => undefined, ask: async () => undefined },
    unclaimed: () => undefined,
  })
  return {
    all: exits.all,
    close: async () => {
      const deadline = new Deadline(systemClock, { idleMs: graceMs, totalMs: graceMs }, () => undefined)
      await Promise.all([...exits.all.values()].map((upstream) => upstream.drain(deadline)))
      deadline.close()
      await exits.close()
      await own?.close()
    },
  }
}

type CredentialParts = Pick<Parameters<typeof assembleAuth>[0], 'settings' | 'clock' | 'random' | 'report' | 'proxies' | 'decisions'>

/** What the gateway itself was granted; grants of its users are theirs. */
function openCredentials(
  parts: CredentialParts,
  loaded: Loaded,
  issued: Issued,
): { readonly of: (id: string) => Credentials; readonly close: () => Promise<void> } {
  const opened = openStore(loaded, false)
  const durable = typeof opened === 'string' ? createDurable({ stores: { durable: 'sqlite' } }, systemClock, parts.report) : opened.durable
  const settings = typeof opened === 'string' ? parts.settings : { ...parts.settings, stateDir: opened.stateDir }
  const none: readonly string[] = []
  const auth = assembleAuth({
    ...parts,
    settings,
    durable,
    scopes: { first: () => none, all: () => none },
    mounts: () => none,
    boundUrl: () => ownUrl(parseAddress(settings.listen) ?? loaded.listen),
    seen: () => undefined,
  })
  const credentials = assembleCredentials({
    ...parts,
    settings,
    auth,
    durable,
    issued,
    discoverable: () => undefined,
    rescoped: () => undefined,
  })
  return {
    of: (id) => credentials.of(id),
    close: async () => {
      credentials.close()
      await auth.close()
      await durable.close()
    },
  }
}
