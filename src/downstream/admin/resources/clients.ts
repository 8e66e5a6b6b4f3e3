// `GET /admin/v1/clients`: who has come in, by which transport and revision.
import { z } from 'zod'
import { iso } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import type { Resource } from '../resource.ts'

/** One client as it came in one way, as `observe` keeps it. */
export interface ClientEntry {
  readonly name: string
  readonly version: string
  readonly transport: string
  readonly revision: string
  /** Milliseconds since the epoch. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly calls: number
  /** `unknown` where nothing tells. */
  readonly sdk: string
  readonly sdkVersion: string
  readonly owner: string
}

export interface ClientParts {
  /** The inventory of clients. */
  clients(): readonly ClientEntry[] | Promise<readonly ClientEntry[]>
}

const client = z.object({
  name: z.string(),
  version: z.string(),
  transport: z.string(),
  revision: z.string(),
  sdk: z.string(),
  sdkVersion: z.string(),
  calls: z.number().int(),
  owner: z.string(),
  firstSeen: z.string(),
  lastSeen: z.string(),
})

export const clients: Resource<ClientParts> = (app, context) => {
  app.get(
    '/admin/v1/clients',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The clients that were seen, by transport and revision',
        querystring: pageQuery,
        response: { 200: pageShape('clients', client) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, {
        name: 'clients',
        entries: await context.clients(),
        key: ({ name, version, transport, revision, owner }) => [name, version, transport, revision, owner],
      })
      return { clients: page.map(shown), ...next }
    },
  )
}

function shown({ firstSeenMs, lastSeenMs, ...entry }: ClientEntry): z.infer<typeof client> {
  return { ...entry, firstSeen: iso(firstSeenMs), lastSeen: iso(lastSeenMs) }
}
