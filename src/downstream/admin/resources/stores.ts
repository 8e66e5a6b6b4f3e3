// `GET /admin/v1/stores`: what is kept, and whether it can be.
import { z } from 'zod'
import { pageQuery, pageShape } from '../paging.ts'
import type { Resource } from '../resource.ts'

export interface StoreStatus {
  readonly name: string
  /** A degraded store keeps nothing for now; calls are served. */
  readonly state: 'ready' | 'degraded'
  /** What is wrong, and what to do, for people. */
  readonly reason?: string
}

const store = z.object({ name: z.string(), state: z.enum(['ready', 'degraded']), reason: z.string().optional() })

export const stores: Resource<{ stores(): readonly StoreStatus[] }> = (app, context) => {
  app.get(
    '/admin/v1/stores',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The stores of the gateway, and how they fare',
        querystring: pageQuery,
        response: { 200: pageShape('stores', store) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, { name: 'stores', entries: context.stores(), key: ({ name }) => [name] })
      return { stores: page, ...next }
    },
  )
}
