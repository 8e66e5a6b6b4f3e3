// `GET /admin/v1/config`: what is in force, defaults and all, without secrets.
import { z } from 'zod'
import type { Resource } from '../resource.ts'

export interface ConfigParts {
  /** Without secrets. */
  config(): { readonly source: string; readonly config: Readonly<Record<string, unknown>> }
}

export const config: Resource<ConfigParts> = (app, parts) => {
  app.get(
    '/admin/v1/config',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'The configuration that is in force, with defaults and without secrets',
        response: {
          200: z.object({
            source: z.string().describe('Where it came from.'),
            config: z.looseObject({}).describe('As docs/configuration.md has it.'),
          }),
        },
      },
    },
    async () => {
      const { source, config: inForce } = parts.config()
      return { source, config: { ...inForce } }
    },
  )
}
