// Objectives of tools and servers, for operators: `GET /admin/v1/objectives`.
import { z } from 'zod'
import { pageQuery, pageShape } from '../paging.ts'
import type { Resource } from '../resource.ts'

const objective = z.object({
  server: z.string(),
  tool: z.string().optional().describe('Absent: of all calls of the server.'),
  objective: z.enum(['availability', 'latency']),
  target: z.number().describe('Percent of the calls that are to be good.'),
  latency: z.number().optional().describe('In ms: calls that take longer are not good.'),
  calls: z.number().int().describe('Of the last 30 days.'),
  bad: z.number().int(),
  good: z.number().optional().describe('Percent of them that were good; absent where there was none.'),
  budgetLeft: z.number().describe('Part of the error budget of 30 days that is left: 1 all, less than 0 where more was used.'),
  burnRates: z.record(z.string(), z.number()).readonly().describe('By window (`1h`, `3d`): 1 uses the budget up in 30 days.'),
})

export interface Objectives {
  report(): readonly z.infer<typeof objective>[]
}

export const objectives: Resource<{ readonly objectives: Objectives }> = (app, context) => {
  app.get(
    '/admin/v1/objectives',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Objectives with their error budgets, those with the least left first',
        querystring: pageQuery,
        response: { 200: pageShape('objectives', objective) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, {
        name: 'objectives',
        entries: context.objectives.report(),
        key: ({ server, tool = '', objective, budgetLeft }) => [budgetLeft, server, tool, objective],
      })
      return { objectives: page, ...next }
    },
  )
}
