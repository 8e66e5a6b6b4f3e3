// `GET /admin/v1/policy/explain`: why somebody may use a tool or not, rule by rule, as calls are decided.
import { z } from 'zod'
import { notFound, Problem } from '../problem.ts'
import type { Resource } from '../resource.ts'

export interface Explained {
  readonly decision: 'allow' | 'step-up' | 'deny'
  readonly rule: string
  readonly listed: boolean
  readonly missing: readonly string[]
  readonly rules: readonly { readonly rule: string; readonly shadow: boolean; readonly says: string }[]
}

export interface PolicyParts {
  /** What is wrong with what is asked, or `none` where there are no rules. */
  explain(asked: {
    readonly principal: string
    readonly tool: string
    readonly args: string | undefined
  }): Explained | { readonly wrong: string } | 'none'
}

export const policy: Resource<PolicyParts> = (app, parts) => {
  app.get(
    '/admin/v1/policy/explain',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Why somebody may use a tool or not, rule by rule',
        querystring: z.object({
          principal: z
            .string()
            .min(1)
            .max(8_192)
            .describe('A subject, or JSON: `{"groups": [], "scopes": [], "sub": "", "client": "", "tenant": ""}`.'),
          tool: z.string().min(3).max(1_200).describe('`server/name`, by the server’s own name.'),
          args: z.string().max(16_384).optional().describe('Arguments of the call as JSON, for conditions.'),
        }),
        response: {
          200: z.object({
            tool: z.string(),
            decision: z.enum(['allow', 'step-up', 'deny']),
            rule: z.string().describe('The rule that decides; `default` where none grants it.'),
            listed: z.boolean().describe('Lists show it.'),
            missing: z.array(z.string()).readonly().describe('Scopes that are missing.'),
            rules: z.array(z.object({ rule: z.string(), shadow: z.boolean(), says: z.string() })).readonly(),
          }),
        },
      },
    },
    async ({ query: { principal, tool, args } }) => {
      const told = parts.explain({ principal, tool, args })
      if (told === 'none') throw notFound('There are no rules: without `access` everything is allowed (dev profile).')
      if ('wrong' in told) throw new Problem(400, 'Bad request', told.wrong)
      return { tool, ...told }
    },
  )
}
