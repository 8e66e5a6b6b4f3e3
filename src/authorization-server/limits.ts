// How much the authorization server takes before anybody has signed in.
import { tenantKey } from '../core/call/tenant-key.ts'
import type { Bucket, Ephemeral } from '../core/ports/ephemeral.ts'
import { tenant } from './domain.ts'

/** What an address or a name may do: at once, and then one each so many ms. */
const rates = {
  register: { burst: 20, intervalMs: 60_000 },
  document: { burst: 20, intervalMs: 15_000 },
  signIn: { burst: 10, intervalMs: 30_000 },
} as const

export interface Limits {
  /** 0 where it is let through, else the ms after which it would be. `of`: an address, a name. */
  wait(what: keyof typeof rates, ...of: readonly string[]): Promise<number>
}

export function createLimits(ephemeral: Pick<Ephemeral, 'take'>): Limits {
  return {
    wait: async (what, ...of) => {
      const buckets = of.map((one): Bucket => ({ key: tenantKey(tenant, 'authorization', what, one), cost: 1, ...rates[what] }))
      const taken = await ephemeral.take(buckets)
      return taken.ok ? 0 : taken.waitMs
    },
  }
}

/** Whom an address stands for: one IPv4 address, or the /64 of IPv6 that one household or machine has. */
export function addressOf(remote: string | undefined): string {
  const address = (remote ?? '').replace(/^::ffff:/, '')
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
}
