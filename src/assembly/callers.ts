// Who may call, put together: the checks of credentials, our own tokens and keys, and the documents of the front door about them.
import type { Principal } from '../core/call/principal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Ephemeral } from '../core/ports/ephemeral.ts'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import type { Issuers } from '../core/ports/issuers.ts'
import type { LocalIssuer } from '../core/ports/local-issuer.ts'
import type { PublicAddress } from '../core/ports/public-address.ts'
import type { Report } from '../core/ports/report.ts'
import type { SigningKeys } from '../core/ports/signing-keys.ts'
import type { Vault } from '../core/ports/vault.ts'
import type { WebPages } from '../downstream/door.ts'
import { platformTokenPages, protectedResourcePages } from '../downstream/index.ts'
import {
  type Callers,
  callerMethods,
  createApiKeyStore,
  createCallers,
  createExchange,
  createNonces,
  createPlatformIssuer,
  createRevocationStore,
  type MountScopes,
  proofAlgorithms,
} from '../gateway/identity/index.ts'
import type { Settings } from './settings.ts'

export interface CallersParts {
  readonly settings: Settings
  readonly address: PublicAddress
  readonly keys: SigningKeys
  readonly vault: Vault
  readonly durable: Durable
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly ephemeral: Ephemeral
  readonly mounts: () => readonly string[]
  /** Our own authorization server, where there is one. */
  readonly local: LocalIssuer | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly decisions: Decisions
  readonly scopes: MountScopes
  /** Told of each credential that is let in for the first time. */
  readonly seen: (principal: Principal) => void
}

export interface AssembledCallers {
  readonly callers: Callers
  pages(): readonly WebPages[]
}

export function assembleCallers(parts: CallersParts): AssembledCallers {
  const { address, keys, vault, durable, fetch, issuers, ephemeral, clock, random, report, decisions, scopes, mounts, local, seen } = parts
  const { auth, profile } = parts.settings
  const platform = callerMethods(auth, profile, local !== undefined).includes('platform')
    ? createPlatformIssuer({ address, keys, clock, random })
    : undefined
  const callers = createCallers({
    settings: auth,
    profile,
    address,
    fetch,
    issuers,
    ephemeral,
    nonces: auth.dpop.requireNonce ? createNonces(vault, clock) : undefined,
    clock,
    report,
    decisions,
    scopes,
    local,
    platform,
    apiKeys: createApiKeyStore({ durable, vault, clock, random }),
    revocations: createRevocationStore(durable, clock),
    seen,
  })
  const authorizationServers = (): readonly string[] => callers.authorizationServers()

  const pages = (): readonly WebPages[] => {
    const found: WebPages[] = []
    if (authorizationServers().length > 0) {
      const all = (mount: string): readonly string[] => scopes.all(mount)
      found.push(protectedResourcePages({ address, mounts, authorizationServers, scopes: all, dpopAlgorithms: proofAlgorithms }))
    }
    if (platform !== undefined) {
      const { ttl, exchange = [] } = auth.platform ?? { ttl: defaultTtlMs }
      const exchanging = { settings: exchange, ttlMs: ttl, issuer: platform, address, mounts, issuers, clock, report, decisions }
      found.push(platformTokenPages({ ...platform, exchange: exchange.length === 0 ? undefined : createExchange(exchanging) }))
    }
    return found
  }
  return { callers, pages }
}

/** Of platform tokens where the configuration says nothing of them, in ms. */
export const defaultTtlMs = 300_000
