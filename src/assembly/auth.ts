// What all of authentication stands on: the public address, the vault, the signing keys and the guarded fetch, each made once.
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import { type PublicAddress, publicAddress } from '../core/ports/public-address.ts'
import type { SigningKeys } from '../core/ports/signing-keys.ts'
import type { Vault } from '../core/ports/vault.ts'
import { createSigningKeys } from '../platform/keys/signing-keys.ts'
import { createGuardedFetch } from '../platform/net/guarded-fetch.ts'
import type { Proxies } from '../platform/net/proxies.ts'
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
  /** The address that the front door is bound to, as a URL; asked once it is. */
  boundUrl(): string
}

export interface Auth {
  readonly address: PublicAddress
  readonly vault: Vault
  readonly keys: SigningKeys
  readonly fetch: GuardedFetch
  readonly decisions: Decisions
  /** Value of `WWW-Authenticate` for a credential that lacks scopes (RFC 6750 §3.1, RFC 9728 §5.1). */
  challenge(mount: string, scopes: readonly string[]): string
  close(): Promise<void>
}

export function assembleAuth({ settings, clock, random, durable, decisions, proxies, boundUrl }: AuthParts): Auth {
  const vault = createVault(vaultKeys(settings.vault, settings.stateDir), random)
  const guarded = createGuardedFetch({ trusted: configuredAddresses(settings), loopback: settings.profile === 'dev', proxies })
  const stated = settings.publicUrl?.replace(/\/+$/, '')
  const address = publicAddress(() => stated ?? boundUrl())
  return {
    address,
    vault,
    keys: createSigningKeys({ durable, vault, clock, random }),
    fetch: guarded.fetch,
    decisions,
    challenge: (mount, scopes) =>
      `Bearer error="insufficient_scope", scope="${scopes.join(' ')}", resource_metadata="${address.metadata(mount)}"`,
    close: () => guarded.close(),
  }
}

/** What the operator has named may be private; what a peer names may not. */
function configuredAddresses(settings: Settings): readonly string[] {
  return Object.values(settings.servers).flatMap(({ url, endpoints }) => endpoints ?? (url === undefined ? [] : [url]))
}
