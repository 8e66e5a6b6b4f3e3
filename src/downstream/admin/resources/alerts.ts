// Incidents, for operators: `GET /admin/v1/alerts`, and `POST /admin/v1/alerts/{id}/actions` with `{"action": "normal"}` or `{"action": "fault"}`.
import { z } from 'zod'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound } from '../problem.ts'
import type { Resource } from '../resource.ts'

const severity = z.enum(['info', 'warn', 'critical'])

const condition = z.object({
  kind: z.string(),
  severity,
  tool: z.string().optional(),
  text: z.string(),
  usual: z.string().optional(),
  seen: z.string().optional(),
  results: z.number().optional(),
  affected: z.number().optional(),
  since: z.string(),
  gone: z.string().optional().describe('When it was gone; absent while it stands.'),
})

const incident = z.object({
  id: z.string(),
  state: z.enum(['open', 'acknowledged', 'silenced', 'resolved']),
  severity: severity.describe('`info` is told to nobody.'),
  kind: z.string().describe('Of the condition that stands for it (docs/alerts.md#what-is-told).'),
  server: z.string().optional(),
  tool: z.string().optional().describe('Where it is about one alone.'),
  caller: z.string().optional().describe('Whose calls it is about, where it is about no server.'),
  owner: z.string().optional(),
  text: z.string().describe('For people.'),
  since: z.string(),
  updated: z.string(),
  closed: z.string().optional(),
  reopened: z.number().int().optional().describe('How often it came back.'),
  acknowledged: z.enum(['normal', 'fault']).optional(),
  firstCall: z.string().optional().describe('Correlation id of the first call of it.'),
  results: z.number().optional().describe('Calls since it began, where it is of one condition that counts them.'),
  affected: z.number().optional().describe('Of these, calls that are so.'),
  deploy: z.object({ what: z.string(), at: z.string() }).optional().describe('What changed shortly before.'),
  configuration: z.string().optional().describe('Digest of the configuration that it was first seen with.'),
  conditions: z.array(condition).readonly(),
  more: z.number().int().optional().describe('Conditions that are not shown one by one.'),
  runbook: z.string(),
})

export interface Incidents {
  /** As of now; open ones first. */
  all(): readonly z.infer<typeof incident>[]
  acknowledge(id: string, as: 'normal' | 'fault'): z.infer<typeof incident> | undefined
}

export const alerts: Resource<{ readonly alerts: Incidents }> = (app, context) => {
  app.get(
    '/admin/v1/alerts',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Incidents, open ones first',
        querystring: pageQuery,
        response: { 200: pageShape('alerts', incident) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, {
        name: 'alerts',
        entries: context.alerts.all(),
        key: ({ id, closed, since }) => [closed === undefined ? 0 : 1, -Date.parse(closed ?? since), id],
      })
      return { alerts: page, ...next }
    },
  )
  app.post(
    '/admin/v1/alerts/:id/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Say of an incident that it is known (`fault`), or that what was judged unusual is so now (`normal`), which ends it',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.enum(['normal', 'fault']) }),
        response: { 200: incident },
      },
    },
    async (request) => {
      const { id } = request.params
      const { action } = request.body
      const found = context.alerts.acknowledge(id, action)
      context.operations.note(request, {
        action: `ack ${action}`,
        upstream: found?.server,
        item: found?.tool,
        allowed: found !== undefined,
        result: found === undefined ? `no open alert ${id}` : `alert ${id}: ${found.text}`,
      })
      if (found === undefined) throw notFound(`There is no alert ${id} that is open.`)
      return found
    },
  )
}
