// One reader of what issuers publish, for whoever needs it: each document is fetched once for all who ask, kept within a bound, and used beyond
// its age for a while where it cannot be fetched.
import type { JSONWebKeySet } from 'jose'
import { LRUCache } from 'lru-cache'
import { gatewayKey, type TenantKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { GuardedFetch } from '../../core/ports/guarded-fetch.ts'
import { type IssuerMetadata, type Issuers, MetadataFailure } from '../../core/ports/issuers.ts'
import type { Report } from '../../core/ports/report.ts'
import { FetchedKeySet } from './key-set.ts'
import { readKeySet, readMetadata } from './metadata.ts'

export interface IssuersParts {
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly report: Report
}

/** How long metadata are used without being read again, how long where they cannot be, and the pause between two attempts then; in ms. */
const freshMs = 600_000
const staleMs = 3_600_000
const cooldownMs = 5_000

/** Issuers that are remembered: servers may name whom they like. */
const most = 1_000

/** Keys that are at hand are looked at often. */
const own = { maxAgeMs: 30_000, cooldownMs: 1_000 }

interface Held {
  readonly metadata: IssuerMetadata
  /** Monotonic ms. */
  readonly at: number
  attemptedAt: number
}

export function createIssuers({ fetch, clock, report }: IssuersParts): Issuers {
  const known = new LRUCache<TenantKey, Held>({ max: most })
  const reading = new Map<string, Promise<IssuerMetadata>>()
  const sets = new LRUCache<TenantKey, FetchedKeySet>({ max: most })

  const fetched = async (issuer: string): Promise<IssuerMetadata> => {
    const held = known.get(gatewayKey('issuer', issuer))
    if (held !== undefined) held.attemptedAt = clock.mono()
    try {
      const metadata = await readMetadata(fetch, issuer)
      known.set(gatewayKey('issuer', issuer), { metadata, at: clock.mono(), attemptedAt: clock.mono() })
      return metadata
    } catch (error) {
      const isUsable = held !== undefined && clock.mono() - held.at < staleMs
      if (!isUsable || !(error instanceof MetadataFailure) || error.kind === 'refused') throw error
      report.log('warn', 'The metadata of an issuer cannot be read; those that are known are used', { issuer, error: error.message })
      return held.metadata
    }
  }

  const read = (issuer: string): Promise<IssuerMetadata> => {
    let running = reading.get(issuer)
    if (running === undefined) {
      running = fetched(issuer).finally(() => reading.delete(issuer))
      reading.set(issuer, running)
    }
    return running
  }

  const load = async (issuer: string, jwksUri: string | undefined): Promise<JSONWebKeySet> =>
    readKeySet(fetch, jwksUri ?? jwksUriIn(await read(issuer)))

  return {
    metadata: (issuer) => {
      const held = known.get(gatewayKey('issuer', issuer))
      if (held === undefined) return read(issuer)
      const now = clock.mono()
      const cools = now - held.at < staleMs && now - held.attemptedAt < cooldownMs
      return now - held.at < freshMs || (cools && !reading.has(issuer)) ? Promise.resolve(held.metadata) : read(issuer)
    },
    keys: (issuer, jwksUri) => {
      const key = gatewayKey('issuer-keys', issuer, jwksUri ?? '')
      let set = sets.get(key)
      if (set === undefined) {
        set = new FetchedKeySet({ issuer, load: () => load(issuer, jwksUri), clock, report })
        sets.set(key, set)
      }
      return set
    },
    ownKeys: (name, issuer) => {
      // Our own are public keys of elliptic curves.
      const at = async (): Promise<JSONWebKeySet> => (await issuer.keySet()) as unknown as JSONWebKeySet
      return new FetchedKeySet({ issuer: name, load: at, clock, report, ...own })
    },
  }
}

function jwksUriIn({ jwks_uri: uri }: IssuerMetadata): string {
  if (typeof uri !== 'string') throw new Error('The metadata name no jwks_uri')
  return uri
}
