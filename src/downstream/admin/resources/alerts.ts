// Tools whose results are not as usual, for operators: `GET /admin/v1/alerts`, `POST /admin/v1/alerts/{id}/actions` with
// `{"action": "normal"}` or `{"action": "fault"}`, and `GET /admin/v1/tools/{server}/{tool}/quality`.
import { z } from 'zod'
import { iso, quoted } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound } from '../problem.ts'
import type { Resource } from '../resource.ts'
import { toolParams } from './tool-params.ts'

/** As `gateway/quality` keeps it. */
export interface AlertEntry {
  readonly id: string
  readonly upstream: string
  readonly tool: string
  readonly owner: string | undefined
  readonly kind: string
  readonly severity: 'info' | 'warn'
  readonly text: string
  readonly sinceMs: number
  readonly updatedMs: number
  readonly results: number
  readonly affected: number
  readonly firstCall: string | undefined
  readonly deploy: { readonly what: string; readonly atMs: number } | undefined
  readonly acknowledged: string | undefined
  readonly closedMs: number | undefined
}

export interface Quality {
  alerts(): readonly AlertEntry[]
  acknowledge(id: string, as: 'normal' | 'fault'): AlertEntry | undefined
  report(upstream: string, tool: string): QualityReport | undefined
}

export interface QualityReport {
  readonly results: object
  readonly usual: object
  readonly contract: string | undefined
  readonly version: string | undefined
  readonly alerts: readonly AlertEntry[]
}

export interface AlertParts {
  /** Undefined where results are not judged. */
  readonly quality?: Quality | undefined
}

const off = 'Results are not judged here: `quality.enabled` is false.'

const alert = z.object({
  id: z.string(),
  server: z.string(),
  tool: z.string(),
  owner: z.string().optional(),
  kind: z.string().describe('What is unusual.'),
  severity: z.enum(['info', 'warn']),
  text: z.string().describe('For people.'),
  since: z.string(),
  updated: z.string(),
  results: z.number().int().describe('Results since it began.'),
  affected: z.number().int().describe('Of these, results that are so.'),
  firstCall: z.string().optional().describe('Correlation id of the first call of it.'),
  deploy: z.object({ what: z.string(), at: z.string() }).optional().describe('What changed shortly before.'),
  acknowledged: z.string().optional(),
  closed: z.string().optional(),
})

export const alerts: Resource<AlertParts> = (app, context) => {
  app.get(
    '/admin/v1/alerts',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Tools whose results are not as usual, open alerts first',
        querystring: pageQuery,
        response: { 200: pageShape('alerts', alert) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, {
        name: 'alerts',
        entries: context.quality?.alerts() ?? [],
        key: ({ id, closedMs, sinceMs }) => [closedMs === undefined ? 0 : 1, -(closedMs ?? sinceMs), id],
      })
      return { alerts: page.map(shownAlert), ...next }
    },
  )
  app.post(
    '/admin/v1/alerts/:id/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Say of an alert whether the tool is so now (`normal`), which ends it, or has a fault (`fault`)',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.enum(['normal', 'fault']) }),
        response: { 200: alert },
      },
    },
    async (request) => {
      const { id } = request.params
      const { action } = request.body
      const found = context.quality?.acknowledge(id, action)
      context.operations.note(request, {
        action: `ack ${action}`,
        upstream: found?.upstream,
        item: found?.tool,
        allowed: found !== undefined,
        result: found === undefined ? `no open alert ${id}` : `alert ${id}: ${found.text}`,
      })
      if (found === undefined) throw notFound(`There is no alert ${id} that is open.`)
      return shownAlert(found)
    },
  )
  app.get(
    '/admin/v1/tools/:server/:tool/quality',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What is usual of the results of a tool, and what is not',
        params: toolParams,
        response: {
          200: z.object({
            server: z.string(),
            tool: z.string(),
            results: z.looseObject({}).describe('How many results of each kind there were.'),
            usual: z.looseObject({}),
            contract: z.string().optional(),
            version: z.string().optional(),
            alerts: z.array(alert).readonly(),
          }),
        },
      },
    },
    async ({ params: { server, tool } }) => {
      const { quality } = context
      const found = quality?.report(server, tool)
      if (found === undefined)
        throw notFound(quality === undefined ? off : `No result of ${quoted(tool)} of ${quoted(server)} was seen yet.`)
      const { results, usual, contract, version } = found
      return { server, tool, results: { ...results }, usual: { ...usual }, contract, version, alerts: found.alerts.map(shownAlert) }
    },
  )
}

export function shownAlert({ upstream, sinceMs, updatedMs, closedMs, deploy, ...rest }: AlertEntry): z.infer<typeof alert> {
  return {
    ...rest,
    server: upstream,
    since: iso(sinceMs),
    updated: iso(updatedMs),
    deploy: deploy === undefined ? undefined : { what: deploy.what, at: iso(deploy.atMs) },
    closed: closedMs === undefined ? undefined : iso(closedMs),
  }
}
