// `GET /admin/v1/openapi.json`: the addresses of this door, as OpenAPI 3.1.
import { z } from 'zod'
import type { Resource } from '../resource.ts'

export const openApiDocument: Resource = (app) => {
  app.get(
    '/admin/v1/openapi.json',
    {
      config: { role: 'viewer' },
      schema: { summary: 'This document', response: { 200: z.looseObject({ openapi: z.string() }).describe('The OpenAPI document') } },
    },
    async () => app.swagger() as { openapi: string },
  )
}
