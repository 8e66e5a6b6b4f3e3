// What all of authentication stands on: the public address, the vault, the signing keys and the guarded fetch, each made once.
import { type AuthorizationServer, createAuthorizationServer } from '../authorization-server/index.ts'
import type { Principal } from '../core/call/principal.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Decisions } from '../core/ports/decisions.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { GuardedFetch } from '../core/ports/guarded-fetch.ts'
import type { Issuers } from '../core/ports/issuers.ts'
import { type PublicAddress, publicAddress } from '../core/ports/public-address.ts'
import type { Report } from '../core/ports/report.ts'
import type { SigningKeys } from '../core/ports/signing-keys.ts'
import type { Vault } from '../core/ports/vault.ts'
import type { WebPages } from '../downstream/door.ts'
import type { Callers, MountScopes } from '../gateway/identity/index.ts'
import { createIssuers } from '../platform/issuers/issuers.ts'
import { createSigningKeys } from '../platform/keys/signing-keys.ts'
import { createGuardedFetch } from '../platform/net/guarded-fetch.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import { createMemoryEphemeral } from '../platform/store/memory/ephemeral.ts'
import { createVault } from '../platform/vault/envelope.ts'
import { vaultKeys } from '../platform/vault/keys.ts'
import { assembleCallers } from './callers.ts'
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
  /** Names of what is served at `/mcp/{name}`, and `adminResource` where its tokens are taken; asked once the gateway stands. */
  mounts(): readonly string[]
  /** The address that the front door is bound to, as a URL; asked once it is. */
  boundUrl(): string
  /** Told of each credential of a caller that is let in for the first time. */
  readonly seen: (principal: Principal) => void
}

export interface Auth {
  readonly address: PublicAddress
  readonly vault: Vault
  readonly keys: SigningKeys
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly decisions: Decisions
  readonly callers: Callers
  /** Absent where other issuers are trusted, or no tokens are taken. */
  readonly server: AuthorizationServer | undefined
  /** What the front door serves beside MCP. */
  pages(): readonly WebPages[]
  /** Another configuration is in force: its addresses are those that may be private. */
  reconfigured(): void
  close(): Promise<void>
}

export function assembleAuth(parts: AuthParts): Auth {
  const { settings, clock, random, durable, decisions, proxies, report, scopes, mounts, boundUrl, seen } = parts
  const vault = createVault(vaultKeys(settings.vault, settings.stateDir), random)
  const guarded = createGuardedFetch({ trusted: configuredAddresses(settings), loopback: settings.profile === 'dev', proxies })
  const stated = settings.publicUrl?.replace(/\/+$/, '')
  const address = publicAddress(() => stated ?? boundUrl())
  const keys = createSigningKeys({ durable, vault, clock, random })
  const ephemeral = createMemoryEphemeral(clock, report)
  const { fetch } = guarded
  const issuers = createIssuers({ fetch, clock, report })
  const server = isEmbedded(settings)
    ? createAuthorizationServer({
        settings: settings.auth.embedded,
        requireDpopNonce: settings.auth.dpop.requireNonce,
        address,
        durable,
        ephemeral,
        vault,
        keys,
        fetch,
        issuers,
        decisions,
        clock,
        random,
        report,
        mounts,
        scopes: (mount) => scopes.all(mount),
      })
    : undefined
  const shared = {
    settings,
    address,
    keys,
    vault,
    durable,
    fetch,
    issuers,
    ephemeral,
    clock,
    random,
    report,
    decisions,
    scopes,
    mounts,
    seen,
  }
  const { callers, pages } = assembleCallers({ ...shared, local: server?.issuer })
  return {
    address,
    vault,
    keys,
    fetch,
    issuers,
    decisions,
    callers,
    server,
    // Those of the platform lie below a path of the authorization server's.
    pages: () => [...pages(), ...(server === undefined ? [] : [server.pages])],
    reconfigured: () => guarded.trust(configuredAddresses(settings)),
    close: async () => {
      callers.close()
      server?.close()
      await guarded.close()
    },
  }
}

/** Whether our own authorization server is served: where callers bring tokens and nobody else is there to issue them, unless it is said. */
function isEmbedded({ auth }: Settings): boolean {
  return auth.embedded.enabled ?? (auth.callers?.includes('oauth') === true && auth.issuers.length + auth.introspection.length === 0)
}

/** What the operator has named may be private; what a peer names may not. */
function configuredAddresses(settings: Settings): readonly string[] {
  const servers = Object.values(settings.servers).flatMap(({ url, endpoints, auth }) => [
    ...(endpoints ?? (url === undefined ? [] : [url])),
    ...[auth?.issuer, auth?.discovery?.issuer, auth?.identityProvider?.issuer],
  ])
  const { issuers, introspection, platform, trustedHeader, embedded } = settings.auth
  const signed = trustedHeader?.proof.jwt
  const issuing = [...issuers, ...(platform?.exchange ?? []), ...embedded.idJag, ...(signed === undefined ? [] : [signed])]
  const asked = issuing.flatMap(({ issuer, jwksUri }) => [issuer, jwksUri])
  const signIns = [...settings.connect.clients.map(({ issuer }) => issuer), embedded.login.oidc?.issuer]
  const addresses = [...servers, ...asked, ...introspection.map(({ endpoint }) => endpoint), ...signIns, settings.publicUrl]
  // An issuer may be named by what is no address: a trust domain.
  return addresses.filter((address) => address?.startsWith('http') === true) as readonly string[]
}
