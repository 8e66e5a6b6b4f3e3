// `GET /admin/v1/keys` and `POST /admin/v1/keys/{id}/actions` with `{"action": "revoke"}`: API keys, never their values.
import { z } from 'zod'
import { iso } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound } from '../problem.ts'
import type { Resource } from '../resource.ts'

/** As `gateway/identity` keeps it. */
export interface KeyEntry {
  readonly id: string
  readonly tenant: string
  readonly subject: string
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  /** Milliseconds since the epoch. */
  readonly madeMs: number
  readonly expiresMs: number
  readonly usedMs: number | undefined
  readonly revokedMs: number | undefined
}

/** Each of them rejects with a `Problem` where the store is away. */
export interface Keys {
  list(): Promise<readonly KeyEntry[]>
  /** False where there is no such key, or it was revoked before. */
  revoke(id: string): Promise<boolean>
}

const key = z.object({
  id: z.string(),
  tenant: z.string(),
  subject: z.string(),
  scopes: z.array(z.string()).readonly(),
  groups: z.array(z.string()).readonly(),
  made: z.string(),
  expires: z.string(),
  used: z.string().nullable(),
  revoked: z.string().nullable(),
  state: z.enum(['good', 'expired', 'revoked']),
})

export const keys: Resource<{ readonly keys: Keys }> = (app, parts) => {
  app.get(
    '/admin/v1/keys',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'API keys, the oldest first; never their values',
        querystring: pageQuery,
        response: { 200: pageShape('keys', key) },
      },
    },
    async ({ query }) => {
      const entries = await parts.keys.list()
      const { page, ...next } = parts.cursors.page(query, { name: 'keys', entries, key: ({ madeMs, id }) => [madeMs, id] })
      const now = parts.clock.now()
      return { keys: page.map((one) => shown(one, now)), ...next }
    },
  )
  app.post(
    '/admin/v1/keys/:id/actions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Revoke an API key; every gateway of the store refuses it within seconds',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.literal('revoke') }),
        response: { 200: z.object({ id: z.string(), revoked: z.literal(true) }) },
      },
    },
    async (request) => {
      const { id } = request.params
      const revoked = await parts.keys.revoke(id)
      const result = revoked ? `key ${id}` : `no key ${id} that is not revoked`
      parts.operations.note(request, { about: 'key', action: 'revoke', allowed: revoked, result })
      if (!revoked) throw notFound(`There is no key ${id} that is not revoked.`)
      return { id, revoked: true as const }
    },
  )
}

function shown({ madeMs, expiresMs, usedMs, revokedMs, ...rest }: KeyEntry, now: number): z.infer<typeof key> {
  return {
    ...rest,
    made: iso(madeMs),
    expires: iso(expiresMs),
    used: usedMs === undefined ? null : iso(usedMs),
    revoked: revokedMs === undefined ? null : iso(revokedMs),
    state: revokedMs !== undefined ? 'revoked' : expiresMs <= now ? 'expired' : 'good',
  }
}
