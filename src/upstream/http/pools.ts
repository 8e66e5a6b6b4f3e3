// Connections to HTTP upstreams, direct or through a forward proxy: one pool an origin, shared by all wires that go there, ended with the
// last of them.
import { Pool } from 'undici'
import type { ForwardProxy, Proxies } from '../../platform/net/proxies.ts'
import { type Origin, proxiedOrigin } from './proxied-origin.ts'

export interface PoolLimits {
  /** Requests and open streams to one origin at a time; more are refused. Each takes a connection. */
  readonly perOrigin: number
  /** How long an idle connection is kept, in ms, where the server names no time of its own. */
  readonly keepAliveMs: number
}

const defaults: PoolLimits = { perOrigin: 1_024, keepAliveMs: 4_000 }

interface Shared {
  readonly origin: string
  readonly pool: Origin
  readonly proxy: ForwardProxy | undefined
  readonly limit: number
  users: number
  open: number
}

/** The right of one wire to use the pool of its origin. */
export class PoolLease {
  private readonly shared: Shared
  private readonly last: () => Promise<void>
  private released = false

  constructor(shared: Shared, last: () => Promise<void>) {
    this.shared = shared
    this.last = last
    shared.users += 1
  }

  get pool(): Origin {
    return this.shared.pool
  }

  get origin(): string {
    return this.shared.origin
  }

  get limit(): number {
    return this.shared.limit
  }

  /** The proxy that reads the requests, and answers some by itself. One that carries a tunnel sees none. */
  get forwarder(): ForwardProxy | undefined {
    return this.shared.origin.startsWith('https:') ? undefined : this.shared.proxy
  }

  /** Takes a place for one exchange; false where the origin has none left. Each place taken is given back by `leave`. */
  enter(): boolean {
    if (this.released || this.shared.open >= this.shared.limit) return false
    this.shared.open += 1
    return true
  }

  leave(): void {
    this.shared.open -= 1
  }

  /** The wire is done. The last one destroys the pool. */
  async release(): Promise<void> {
    if (this.released) return
    this.released = true
    this.shared.users -= 1
    if (this.shared.users === 0) await this.last()
  }
}

/** Owned by the assembly; outlives reloads. */
export class HttpPools {
  private readonly limits: PoolLimits
  private readonly proxies: Pick<Proxies, 'find'> | undefined
  private readonly pools = new Map<string, Shared>()

  constructor(limits: Partial<PoolLimits> = {}, proxies?: Pick<Proxies, 'find'>) {
    this.limits = { ...defaults, ...limits }
    this.proxies = proxies
  }

  /** `origin` as `URL.origin` gives it, http or https. */
  take(origin: string, connectTimeoutMs: number): PoolLease {
    const key = `${connectTimeoutMs} ${origin}`
    let shared = this.pools.get(key)
    if (shared === undefined) {
      const proxy = this.proxies?.find(origin)
      shared = { origin, pool: this.make(origin, proxy, connectTimeoutMs), proxy, limit: this.limits.perOrigin, users: 0, open: 0 }
      this.pools.set(key, shared)
    }
    const mine = shared
    return new PoolLease(mine, async () => {
      if (this.pools.get(key) === mine) this.pools.delete(key)
      await mine.pool.destroy()
    })
  }

  /** Exchanges that run or wait, all origins together. */
  get open(): number {
    let sum = 0
    for (const shared of this.pools.values()) sum += shared.open
    return sum
  }

  /** Destroys every connection. */
  async close(): Promise<void> {
    const pools = [...this.pools.values()]
    this.pools.clear()
    await Promise.all(pools.map((shared) => shared.pool.destroy()))
  }

  private make(origin: string, proxy: ForwardProxy | undefined, connectTimeoutMs: number): Origin {
    const options: Pool.Options = {
      // The bound is `perOrigin`, which refuses at once where a bound here would queue silently.
      connections: null,
      pipelining: 1,
      keepAliveTimeout: this.limits.keepAliveMs,
      // Deadlines are the caller's, by signal; a quiet stream is no broken one.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
    if (proxy !== undefined) return proxiedOrigin(origin, proxy, options, connectTimeoutMs)
    return new Pool(origin, { ...options, connectTimeout: connectTimeoutMs })
  }
}
