// Callers that show an API key. What is known of a key is asked of the store again after some seconds, so that a revoked one is worth nothing then.
import type { Clock } from '../../core/ports/clock.ts'
import { type ApiKeyStore, isApiKey } from './api-key-store.ts'
import { type Checked, refused } from './checked.ts'
import type { TokenKind } from './token-kind.ts'

/** How long what the store says of a key is used again, in ms. */
const holdsMs = 5_000
/** How often it is noted that a key is used, in ms. */
const noteMs = 60_000

export function apiKeys(store: ApiKeyStore, clock: Clock, background: (work: Promise<void>) => void): TokenKind {
  return {
    takes: ({ token }) => isApiKey(token),
    check: async ({ token }): Promise<Checked> => {
      let known: Awaited<ReturnType<ApiKeyStore['find']>>
      try {
        known = await store.find(token)
      } catch {
        return { kind: 'unavailable', reason: 'the store of the keys cannot be read' }
      }
      if (known === undefined) return refused('it is no key that is known here')
      if (known.revokedMs !== undefined) return refused('it was revoked')
      const now = clock.now()
      if (known.expiresMs <= now) return refused('it has expired')
      if (known.usedMs === undefined || now - known.usedMs >= noteMs) background(store.used(known.id))
      const { tenant, id, subject, scopes, groups, expiresMs, madeMs } = known
      const principal = {
        tenant,
        iss: 'signalbox:keys',
        sub: subject,
        clientId: undefined,
        kind: 'key',
        groups,
        scopes,
        credential: id,
        actors: [],
        run: undefined,
        team: undefined,
        expiresAt: expiresMs,
        method: 'apiKey',
      } as const
      return { kind: 'good', principal, confirmation: undefined, mustBeBound: false, issuedAtMs: madeMs, holdsMs }
    },
  }
}
