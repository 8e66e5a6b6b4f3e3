// What all of authentication stands on: the public address, the vault, the signing keys and the guarded fetch, each made once.
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import { type PublicAddress, publicAddress } from '../core/ports/public-address.ts'
import type { Report } from '../core/ports/report.ts'
import type { SigningKeys } from '../core/ports/signing-keys.ts'
import type { Vault } from '../core/ports/vault.ts'
import type { WebPages } from '../downstream/door.ts'
import { protectedResourcePages } from '../downstream/index.ts'
import { type Callers, createCallers, type MountScopes, proofAlgorithms } from '../gateway/identity/index.ts'
import { createSigningKeys } from '../platform/keys/signing-keys.ts'
import { createGuardedFetch } from '../platform/net/guarded-fetch.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import { createMemoryEphemeral } from '../platform/store/memory/ephemeral.ts'
import { createVault } from '../platform/vault/envelope.ts'
import { vaultKeys } from '../platform/vault/keys.ts'
import type { Settings } from './settings.ts'

export interface AuthParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  /** In memory where nothing outlives a restart. */
  readonly durable: Durable
  readonly decisions: Decisions
  readonly proxies: Proxies | undefined
  readonly report: Report
  /** That the access rules name; asked once the gateway stands. */
  readonly scopes: MountScopes
  /** The address that the front door is bound to, as a URL; asked once it is. */
  boundUrl(): string
}

export interface Auth {
  readonly address: PublicAddress
  readonly vault: Vault
  readonly keys: SigningKeys
  readonly fetch: GuardedFetch
  readonly decisions: Decisions
  readonly callers: Callers
  /** What the front door serves beside MCP. `mounts`: those that have an address of their own. */
  pages(mounts: () => readonly string[]): readonly WebPages[]
  close(): Promise<void>
}

export function assembleAuth(parts: AuthParts): Auth {
  const { settings, clock, random, durable, decisions, proxies, report, scopes, boundUrl } = parts
  const vault = createVault(vaultKeys(settings.vault, settings.stateDir), random)
  const guarded = createGuardedFetch({ trusted: configuredAddresses(settings), loopback: settings.profile === 'dev', proxies })
  const stated = settings.publicUrl?.replace(/\/+$/, '')
  const address = publicAddress(() => stated ?? boundUrl())
  const callers = createCallers({
    settings: settings.auth,
    profile: settings.profile,
    address,
    fetch: guarded.fetch,
    ephemeral: createMemoryEphemeral(clock, report),
    clock,
    report,
    decisions,
    scopes,
  })
  const authorizationServers = () => callers.authorizationServers()
  return {
    address,
    vault,
    keys: createSigningKeys({ durable, vault, clock, random }),
    fetch: guarded.fetch,
    decisions,
    callers,
    pages: (mounts) =>
      authorizationServers().length === 0
        ? []
        : [
            protectedResourcePages({
              address,
              mounts,
              authorizationServers,
              scopes: (mount) => scopes.all(mount),
              dpopAlgorithms: proofAlgorithms,
            }),
          ],
    close: () => guarded.close(),
  }
}

/** What the operator has named may be private; what a peer names may not. */
function configuredAddresses(settings: Settings): readonly string[] {
  const servers = Object.values(settings.servers).flatMap(({ url, endpoints }) => endpoints ?? (url === undefined ? [] : [url]))
  const issuers = settings.auth.issuers.flatMap(({ issuer, jwksUri }) => (jwksUri === undefined ? [issuer] : [issuer, jwksUri]))
  return [...servers, ...issuers]
}
