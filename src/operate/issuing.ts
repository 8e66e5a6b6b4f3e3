// What signs tokens and keeps API keys for a gateway, for commands: on its store and with its keys, whether it runs or not.

import { publicAddress } from '../core/ports/public-address.ts'
import {
  type ApiKeyStore,
  createApiKeyStore,
  createPlatformIssuer,
  createRevocationStore,
  type PlatformIssuer,
  type RevocationStore,
} from '../gateway/identity/index.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import { createSigningKeys } from '../platform/keys/signing-keys.ts'
import { systemRandom } from '../platform/random/system-random.ts'
import { createVault } from '../platform/vault/envelope.ts'
import { vaultKeys } from '../platform/vault/keys.ts'
import { ownUrl } from './configuration/address.ts'
import type { Loaded } from './configuration/load.ts'
import { openStore } from './store.ts'

export interface Issuing {
  readonly platform: PlatformIssuer
  readonly apiKeys: ApiKeyStore
  readonly revocations: RevocationStore
  close(): Promise<void>
}

/** A sentence where it cannot be had. */
export function openIssuing(loaded: Loaded): Issuing | string {
  const { settings, listen } = loaded
  const opened = openStore(loaded, true)
  if (typeof opened === 'string') return opened
  const { durable, stateDir } = opened
  const vault = createVault(vaultKeys(settings.vault, stateDir), systemRandom)
  const parts = { durable, vault, clock: systemClock, random: systemRandom }
  const url = (settings.publicUrl ?? ownUrl(listen)).replace(/\/+$/, '')
  return {
    platform: createPlatformIssuer({ ...parts, keys: createSigningKeys(parts), address: publicAddress(() => url) }),
    apiKeys: createApiKeyStore(parts),
    revocations: createRevocationStore(durable, systemClock),
    close: () => durable.close(),
  }
}
