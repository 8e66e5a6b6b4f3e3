// The credentials of one server as the gateway puts them together, on a store in memory and a clock of the test, with everything that they
// tell at hand.

import type { Fault } from '../../../src/core/faults/fault.ts'
import type { Clock } from '../../../src/core/ports/clock.ts'
import type { Credentials } from '../../../src/core/ports/credentials.ts'
import { type CredentialLease, isLease, type Leased } from '../../../src/core/ports/credentials.ts'
import type { Decision } from '../../../src/core/ports/decisions.ts'
import type { Durable } from '../../../src/core/ports/durable.ts'
import { publicAddress } from '../../../src/core/ports/public-address.ts'
import type { Vault } from '../../../src/core/ports/vault.ts'
import { Clients, upstreamClientsDomain } from '../../../src/gateway/credentials/clients.ts'
import { connectDomain } from '../../../src/gateway/credentials/connect-requests.ts'
import { durableGrants, type Grants, grantsDomain } from '../../../src/gateway/credentials/grants.ts'
import { UpstreamCredentials } from '../../../src/gateway/credentials/index.ts'
import { upstreamAuthSettings } from '../../../src/gateway/credentials/settings.ts'
import { systemClock } from '../../../src/platform/clock/system-clock.ts'
import { ReplaceableFiles } from '../../../src/platform/config/replaceable-files.ts'
import { createIssuers } from '../../../src/platform/issuers/issuers.ts'
import { createSigningKeys, signingKeysDomain } from '../../../src/platform/keys/signing-keys.ts'
import { createGuardedFetch } from '../../../src/platform/net/guarded-fetch.ts'
import { systemRandom } from '../../../src/platform/random/system-random.ts'
import { createVault } from '../../../src/platform/vault/envelope.ts'
import { testDurable } from '../durable.ts'
import { type Counted, countingReport } from '../upstream/upstream-rig.ts'

export interface CredentialRig {
  readonly credentials: Credentials
  readonly grants: Grants
  readonly durable: Durable
  readonly vault: Vault
  readonly report: Counted
  readonly decisions: Decision[]
  readonly links: string[]
  /** Servers, and users at one, whose lists are to be got anew. */
  readonly relisted: string[]
  /** `server value`, of what guards are told to look for. */
  readonly issued: string[]
  readonly upstream: UpstreamCredentials
  stop(): Promise<void>
}

export interface RigOptions {
  readonly clock: Clock
  readonly auth: Record<string, unknown>
  readonly address?: string
  readonly headers?: Record<string, string>
  readonly callMs?: number
  /** Shared by replicas. */
  readonly durable?: Durable
  readonly vault?: Vault
  readonly trusted?: readonly string[]
}

export const testDomains = [grantsDomain, upstreamClientsDomain, connectDomain, signingKeysDomain]

export function credentialRig(options: RigOptions): CredentialRig {
  const { clock, callMs = 10_000, address = 'http://127.0.0.1:9/mcp', headers = {}, trusted = [] } = options
  const report = countingReport()
  // Its time limits are of a disk, and not of the test's clock.
  const durable = options.durable ?? testDurable({ domains: testDomains, clock: systemClock, report })
  const vault = options.vault ?? createVault([Buffer.alloc(32, 7)], systemRandom)
  const guarded = createGuardedFetch({ trusted, loopback: true })
  const files = new ReplaceableFiles(clock)
  const decisions: Decision[] = []
  const links: string[] = []
  const relisted: string[] = []
  const issued: string[] = []
  const grants = durableGrants(durable, vault, clock, systemRandom)
  const keys = createSigningKeys({ durable, vault, clock, random: systemRandom })
  const clients = new Clients({
    durable,
    vault,
    clock,
    fetch: guarded.fetch,
    keys,
    address: publicAddress(() => 'https://gateway.example'),
  })
  const upstream = new UpstreamCredentials({
    grants,
    clients,
    fetch: guarded.fetch,
    issuers: createIssuers({ fetch: guarded.fetch, clock, report }),
    clock,
    random: systemRandom,
    decisions: { note: (decision) => void decisions.push(decision) },
    report,
    link: (server, principal) => {
      const link = `https://gateway.example/connect/${server}-${principal.sub}`
      links.push(link)
      return Promise.resolve(link)
    },
    issued: (server, values) => void issued.push(...values.map((value) => `${server} ${value}`)),
    discoverable: (server) => void relisted.push(server),
    rescoped: (_server, principal) => void relisted.push(principal.sub),
    readText: (file) => import('node:fs/promises').then(({ readFile }) => readFile(file, 'utf8')),
    abandoned: () => undefined,
    replaceable: (file) => files.of(file),
  })
  const auth = upstreamAuthSettings.parse(options.auth)
  return {
    credentials: upstream.of({ id: 'up', address, headers, auth, callMs }),
    grants,
    durable,
    vault,
    report,
    decisions,
    links,
    relisted,
    issued,
    upstream,
    stop: async () => {
      upstream.close()
      files.close()
      await guarded.close()
      if (options.durable === undefined) await durable.close()
    },
  }
}

/** The token that a lease carries; fails where it is a fault. */
export function tokenOf(leased: Leased): string {
  return String(leaseIn(leased).headers().authorization).replace(/^(Bearer|DPoP) /, '')
}

export function leaseIn(leased: Leased): CredentialLease {
  if (!isLease(leased)) throw new Error(`no lease but ${leased.kind}: ${leased.message}`)
  return leased
}

export function faultIn(leased: Leased): Fault {
  if (isLease(leased)) throw new Error('a lease where a fault is expected')
  return leased
}
