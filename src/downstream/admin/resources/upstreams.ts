// `GET /admin/v1/upstreams`: every server with its state and why it is in it.
import { z } from 'zod'
import type { ServedState } from '../../../core/ports/upstream.ts'
import { pageQuery, pageShape } from '../paging.ts'
import type { Resource } from '../resource.ts'

export interface UpstreamStatus {
  readonly name: string
  readonly state: ServedState
  /** Why it is not ready, for people. */
  readonly reason?: string | undefined
  /** `open`: it is left alone, since it failed repeatedly; `half-open`: one call tries it; shown where it is not `closed`. */
  readonly circuit?: 'closed' | 'half-open' | 'open'
  /** Its tools and other items that are left alone, while the others go on. */
  readonly itemCircuits?: readonly unknown[]
  /** Definitions that are not served, with path and reason. */
  readonly quarantined?: readonly unknown[]
  /** Lists that could not be read to their end, of which a part is served. */
  readonly incomplete?: readonly unknown[]
  /** What of definitions that are served is left to the server: rules of a schema that are not enforced. */
  readonly notes?: readonly unknown[]
  /** Names and URIs on the aggregate that went to another server. */
  readonly collisions?: readonly unknown[]
  /** Selectors of `tools`, `prompts` and `resources` that select nothing of it. */
  readonly unmatched?: readonly unknown[]
  /** Items that the two eras of the server do not show alike. */
  readonly differences?: readonly unknown[]
  /** Calls that wait while it is paused. */
  readonly held?: number | undefined
  /** How each address of a server that has several fares. */
  readonly endpoints?: readonly unknown[] | undefined
}

const list = (what: string) => z.array(z.unknown()).readonly().optional().describe(what)

const upstream = z.object({
  name: z.string(),
  state: z.string().describe('`ready`, or what it is instead.'),
  reason: z.string().optional().describe('Why it is not ready.'),
  circuit: z
    .enum(['half-open', 'open'])
    .optional()
    .describe('`open`: it is left alone, since it failed repeatedly; `half-open`: one call tries it.'),
  itemCircuits: list('Its tools and other items that are left alone, while the others go on.'),
  quarantined: list('Definitions that are not served, with path and reason.'),
  incomplete: list('Lists that could not be read to their end, of which a part is served.'),
  notes: list('Rules of schemas that are left to the server.'),
  collisions: list('Names and URIs on the aggregate that went to another server.'),
  unmatchedSelectors: list('Selectors of the configuration that select nothing of it.'),
  differences: list('Items that the two eras of the server do not show alike.'),
  held: z.number().int().optional().describe('Calls that wait while it is paused.'),
  endpoints: list('How each address of a server that has several fares.'),
})

export const upstreams: Resource<{ upstreams(): readonly UpstreamStatus[] }> = (app, context) => {
  app.get(
    '/admin/v1/upstreams',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The servers behind the gateway, and how they fare',
        querystring: pageQuery,
        response: { 200: pageShape('upstreams', upstream) },
      },
    },
    async ({ query }) => {
      const entries = context.upstreams()
      const { page, ...next } = context.cursors.page(query, { name: 'upstreams', entries, key: ({ name }) => [name] })
      return { upstreams: page.map(shown), ...next }
    },
  )
}

function shown({
  name,
  state,
  reason,
  circuit = 'closed',
  itemCircuits,
  quarantined,
  incomplete,
  notes,
  collisions,
  unmatched,
  differences,
  held,
  endpoints,
}: UpstreamStatus): z.infer<typeof upstream> {
  return {
    name,
    state,
    reason,
    circuit: circuit === 'closed' ? undefined : circuit,
    itemCircuits: unlessEmpty(itemCircuits),
    quarantined: unlessEmpty(quarantined),
    incomplete: unlessEmpty(incomplete),
    notes: unlessEmpty(notes),
    collisions: unlessEmpty(collisions),
    unmatchedSelectors: unlessEmpty(unmatched),
    differences: unlessEmpty(differences),
    held,
    endpoints,
  }
}

function unlessEmpty(found: readonly unknown[] | undefined): readonly unknown[] | undefined {
  return found === undefined || found.length === 0 ? undefined : found
}
