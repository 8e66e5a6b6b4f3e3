// How much the authorization server takes before anybody has signed in.
import { tenantKey } from '../core/call/tenant-key.ts'
import type { Bucket, Ephemeral } from '../core/ports/ephemeral.ts'
import { tenant } from './domain.ts'

/** What one may do: so many at once, and then one each so many ms. */
const rates = {
  authorize: { burst: 120, intervalMs: 500 },
  register: { burst: 20, intervalMs: 60_000 },
  document: { burst: 20, intervalMs: 15_000 },
  /** Of one name, whether or not it succeeds: what comes at the same moment is counted before it is tried. */
  name: { burst: 10, intervalMs: 30_000 },
  /** Of one address: failures alone, since everybody behind a proxy has one address. */
  failure: { burst: 30, intervalMs: 20_000 },
} as const

export interface Limits {
  /** Counts one. 0 where it is let through, else the ms after which it would be. `of`: an address, a name. */
  wait(what: keyof typeof rates, of: string): Promise<number>
  /** What `wait` would say, without counting one. */
  left(what: keyof typeof rates, of: string): Promise<number>
}

export function createLimits(ephemeral: Pick<Ephemeral, 'take'>): Limits {
  const take = async (what: keyof typeof rates, of: string, turn: Partial<Bucket>): Promise<number> => {
    const bucket = { key: tenantKey(tenant, 'authorization', what, of), cost: 1, ...rates[what], ...turn }
    const taken = await ephemeral.take([bucket])
    return taken.ok ? 0 : taken.waitMs
  }
  return {
    wait: (what, of) => take(what, of, {}),
    // A bucket with room for one less, of which nothing is taken, is over where the real one is empty.
    left: (what, of) => take(what, of, { cost: 0, burst: rates[what].burst - 1 }),
  }
}

/** Whom an address stands for: one IPv4 address, or the /64 of IPv6 that one household or machine has. */
export function addressOf(remote: string | undefined): string {
  const address = (remote ?? '').replace(/^::ffff:/, '')
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
}
