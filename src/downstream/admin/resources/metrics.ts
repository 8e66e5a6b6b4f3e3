// `GET /metrics`: for a scraper.
import { z } from 'zod'
import type { Resource } from '../resource.ts'

export interface MetricParts {
  /** The text exposition that `Accept` prefers: that of OpenMetrics, or of Prometheus. */
  metrics(accept: string | undefined): Promise<{ readonly type: string; readonly text: string }>
}

export const metrics: Resource<MetricParts> = (app, parts) => {
  app.get(
    '/metrics',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The metrics of the gateway, in the text format of Prometheus or OpenMetrics',
        response: {
          200: {
            description: 'Metrics',
            content: { 'text/plain': { schema: z.string() }, 'application/openmetrics-text': { schema: z.string() } },
          },
        },
      },
    },
    async ({ headers }, reply) => {
      const { type, text } = await parts.metrics(headers.accept)
      return reply.type(type).send(text)
    },
  )
}
