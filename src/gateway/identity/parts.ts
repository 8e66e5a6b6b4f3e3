// What the check of callers is made of.
import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Ephemeral } from '../../core/ports/ephemeral.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import type { Issuers } from '../../core/ports/issuers.ts'
import type { LocalIssuer } from '../../core/ports/local-issuer.ts'
import type { PublicAddress } from '../../core/ports/public-address.ts'
import type { Report } from '../../core/ports/report.ts'
import type { ApiKeyStore } from './api-key-store.ts'
import type { Nonces } from './nonces.ts'
import type { PlatformIssuer } from './platform.ts'
import type { RevocationStore } from './revocation-store.ts'
import type { CallerSettings } from './settings.ts'

/** The scopes that the access rules name for a mount. */
export interface MountScopes {
  /** What a first call needs: for clients that can step up. */
  first(mount: string): readonly string[]
  /** All of them: for clients that can not, and for the metadata. */
  all(mount: string): readonly string[]
}

export interface CallersParts {
  readonly settings: CallerSettings
  readonly profile: 'dev' | 'production'
  readonly address: PublicAddress
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly ephemeral: Ephemeral
  /** Absent where the proofs of callers need none. */
  readonly nonces?: Nonces | undefined
  readonly clock: Clock
  readonly report: Report
  readonly decisions: Decisions
  readonly scopes: MountScopes
  /** Our own authorization server, where there is one. */
  readonly local?: LocalIssuer | undefined
  readonly platform?: PlatformIssuer | undefined
  readonly apiKeys: ApiKeyStore
  readonly revocations: RevocationStore
  /** Told of each credential that is let in for the first time. */
  readonly seen?: ((principal: Principal) => void) | undefined
}
