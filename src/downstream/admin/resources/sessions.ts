// `GET /admin/v1/sessions`: the session-era clients that are connected now.
import { z } from 'zod'
import type { OpenSession } from '../../legacy/open-sessions.ts'
import { iso } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import type { Resource } from '../resource.ts'

const session = z.object({
  id: z.string().describe('Names the session, and is no `Mcp-Session-Id`.'),
  client: z.object({ name: z.string(), version: z.string() }).optional(),
  principal: z.object({ issuer: z.string(), subject: z.string() }),
  transport: z.string(),
  revision: z.string(),
  mount: z.string(),
  since: z.string(),
  calls: z.number().int().describe('Calls that run.'),
})

export const sessions: Resource<{ sessions(): readonly OpenSession[] }> = (app, parts) => {
  app.get(
    '/admin/v1/sessions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The sessions of session-era clients that are open now, the oldest first',
        querystring: pageQuery,
        response: { 200: pageShape('sessions', session) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = parts.cursors.page(query, {
        name: 'sessions',
        entries: parts.sessions(),
        key: ({ sinceMs, id }) => [sinceMs, id],
      })
      return { sessions: page.map(shown), ...next }
    },
  )
}

function shown({ sinceMs, principal: { iss, sub }, client, ...rest }: OpenSession): z.infer<typeof session> {
  const named = client === undefined ? undefined : { name: client.name, version: client.version }
  return { ...rest, client: named, principal: { issuer: iss, subject: sub }, since: iso(sinceMs) }
}
