// Runs the move to a new key of the vault, where the configuration names keys that it has replaced: at the start and every hour, since other
// gateways of the store may still seal with an old one.
import type { Clock, Timer } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Log } from '../core/ports/report.ts'
import type { Vault } from '../core/ports/vault.ts'
import { rewrapAll } from '../platform/vault/rewrapping.ts'
import { domains } from './stores.ts'

const everyMs = 3_600_000

export interface Rewrapping {
  end(): void
}

export function keepRewrapping(durable: Durable, vault: Vault, clock: Clock, log: Log): Rewrapping {
  let timer: Timer | undefined
  let ended = false
  const run = async (): Promise<void> => {
    const done = await rewrapAll(durable, vault, domains)
    if (!done.ok)
      log('warn', 'Secrets of the store could not all be brought under `vault.key`; it is tried again', { reason: done.fault.message })
    else if (done.value.lost > 0)
      log('warn', 'Secrets of the store are under a key that is neither `vault.key` nor in `vault.previous`', { ...done.value })
    else
      log('info', 'All secrets of the store are under `vault.key`; once every gateway has it, `vault.previous` can go', { ...done.value })
    if (!ended) timer = clock.timer(everyMs, start)
  }
  const start = (): void => {
    run().catch((error: unknown) => log('error', 'A bug ended the move to `vault.key`', { error: String(error) }))
  }
  start()
  return {
    end: () => {
      ended = true
      timer?.cancel()
    },
  }
}
