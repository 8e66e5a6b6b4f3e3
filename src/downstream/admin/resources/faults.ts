// Groups of faults, for operators: `GET /admin/v1/faults`, and `POST /admin/v1/faults/{id}/actions` with `{"action": "resolve"}`.
import { z } from 'zod'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound } from '../problem.ts'
import type { Resource } from '../resource.ts'

const states = z.enum(['new', 'known', 'resolved', 'regressed'])

const revision = z.object({
  contract: z.string().optional().describe('Digest of the contract of the tool.'),
  version: z.string().optional().describe('As the server says it.'),
  configuration: z.string().describe('Digest of the configuration.'),
})

const group = z.object({
  id: z.string().describe('The same for what fails in the same way.'),
  state: states.describe('`new` for a day; `regressed`: it was over, and is back.'),
  kind: z.string().describe('Of the fault; of a result what it was found to be.'),
  server: z.string(),
  item: z.string().optional(),
  cause: z.string().describe('For people: what differs from call to call is left out.'),
  count: z.number().int(),
  first: z.object({ at: z.string(), ...revision.shape }),
  last: z.object({ at: z.string(), ...revision.shape }),
  resolved: z.string().optional(),
  regressions: z.number().int().optional().describe('How often it came back.'),
  calls: z.array(z.string()).readonly().describe('Correlation ids: of the first call, and of the last ones.'),
})

export type FaultEntry = z.infer<typeof group>

export interface Faults {
  /** The one that was seen last is first. */
  all(): readonly FaultEntry[]
  resolve(id: string): FaultEntry | undefined
}

export const faults: Resource<{ readonly faults: Faults }> = (app, context) => {
  app.get(
    '/admin/v1/faults',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What fails, grouped, the last seen first',
        querystring: pageQuery.extend({ state: states.optional(), server: z.string().max(100).optional() }),
        response: { 200: pageShape('faults', group) },
      },
    },
    async ({ query }) => {
      const { state, server } = query
      const { page, ...next } = context.cursors.page(query, {
        name: `faults ${state ?? ''} ${server ?? ''}`,
        entries: context.faults
          .all()
          .filter((one) => (state === undefined || one.state === state) && (server === undefined || one.server === server)),
        key: ({ id, last }) => [-Date.parse(last.at), id],
      })
      return { faults: page, ...next }
    },
  )
  app.post(
    '/admin/v1/faults/:id/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Say that a fault is mended: where it comes back, people are told',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.literal('resolve') }),
        response: { 200: group },
      },
    },
    async (request) => {
      const { id } = request.params
      const found = context.faults.resolve(id)
      context.operations.note(request, {
        action: 'resolve fault',
        upstream: found?.server,
        item: found?.item,
        allowed: found !== undefined,
        result: found === undefined ? `no fault ${id}` : `fault ${id}: ${found.kind}, ${found.cause}`,
      })
      if (found === undefined) throw notFound(`There is no fault ${id}.`)
      return found
    },
  )
}
