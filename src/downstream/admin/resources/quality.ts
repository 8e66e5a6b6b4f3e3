// What is usual of the results of a tool, for operators: `GET /admin/v1/tools/{server}/{tool}/quality`.
import { z } from 'zod'
import { iso, quoted } from '../operations.ts'
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
  report(upstream: string, tool: string): QualityReport | undefined
}

export interface QualityReport {
  readonly results: object
  readonly usual: object
  readonly contract: string | undefined
  readonly version: string | undefined
  readonly alerts: readonly AlertEntry[]
}

export interface QualityParts {
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

export const quality: Resource<QualityParts> = (app, context) => {
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
      const found = context.quality?.report(server, tool)
      if (found === undefined)
        throw notFound(context.quality === undefined ? off : `No result of ${quoted(tool)} of ${quoted(server)} was seen yet.`)
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
