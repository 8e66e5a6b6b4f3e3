// What is got for one caller's token is worth nothing without it and is got anew in one request: it is kept by the process alone.
import type { Grant, GrantKey, Grants } from './grants.ts'

/** Of one key. There is nobody to share it with, so every lease is had. */
export function memoryGrants(): Grants {
  let grant: Grant | undefined
  const put = (key: GrantKey, version: number, change: Pick<Grant, 'token' | 'clientId' | 'scopes'>): void => {
    grant = { key, status: 'active', version, reason: undefined, ...change }
  }
  return {
    read: () => Promise.resolve(grant),
    find: () => Promise.resolve(grant),
    claim: (_key, version) => Promise.resolve({ owner: '', version }),
    renewed: (key, { version }, change) => {
      put(key, version + 1, change)
      return Promise.resolve(true)
    },
    failed: () => Promise.resolve(),
    given: (key, change) => {
      put(key, (grant?.version ?? 0) + 1, change)
      return Promise.resolve()
    },
    takenBack: () => Promise.resolve([]),
    ended: () => Promise.resolve(),
    changedSince: () => Promise.resolve([]),
  }
}
