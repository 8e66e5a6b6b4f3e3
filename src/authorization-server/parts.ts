// What the authorization server is given, and what the rest of the gateway has of it.
import type { IncomingMessage, ServerResponse } from 'node:http'
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
import type { EmbeddedSettings } from './settings.ts'

export interface AuthorizationServerParts {
  readonly settings: EmbeddedSettings
  /** Whether proofs of clients need a nonce (RFC 9449 §8). */
  readonly requireDpopNonce?: boolean
  readonly address: PublicAddress
  readonly durable: Durable
  readonly ephemeral: Pick<Ephemeral, 'take'>
  readonly vault: Vault
  readonly keys: SigningKeys
  readonly fetch: GuardedFetch
  readonly issuers: Issuers
  readonly decisions: Decisions
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  /** Names of what is served at `/mcp/{name}`. */
  mounts(): readonly string[]
  /** Scopes that rules of access name for a mount; '' is `/mcp`. */
  scopes(mount: string): readonly string[]
}

export interface AuthorizationServer {
  /** For the front door; see `WebPages` there. */
  readonly pages: {
    readonly paths: readonly string[]
    serve(req: IncomingMessage, res: ServerResponse): Promise<void>
  }
  readonly issuer: LocalIssuer
  /** Where the first operator is made; undefined where people can sign in. Whoever has it can make one, so it goes to the terminal alone. */
  setupLink(): Promise<string | undefined>
  close(): void
}
