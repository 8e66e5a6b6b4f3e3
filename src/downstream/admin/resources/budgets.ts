// What is used of limits, for operators: `GET /admin/v1/budgets`, and `POST /admin/v1/budgets/{id}/actions` with `{"action": "clear"}`.
import { z } from 'zod'
import { iso } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound, storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'

/** As `gateway/limits` keeps it; `id` is what `clear` takes. */
export interface BudgetEntry {
  readonly id: string
  readonly kind: string
  readonly scope: string
  readonly unit: string
  readonly upstream?: string
  readonly tool?: string
  readonly prompt?: string
  readonly resource?: string
  readonly issuer?: string
  readonly subject?: string
  readonly run?: string
  readonly team?: string
  readonly used: number
  readonly limit: number
  readonly windowMs?: number
  readonly resetsAtMs?: number
}

export interface Budgets {
  show(): readonly BudgetEntry[]
  clear(id: string): Promise<{ readonly kind: 'cleared' | 'unknown' } | { readonly kind: 'unkept'; readonly reason: string }>
}

const name = z.string().optional()

const budget = z.object({
  id: z.string().describe('What `clear` takes.'),
  kind: z.string().describe('`rate` or `budget`.'),
  scope: z.string().describe('Whose it is.'),
  unit: z.string(),
  upstream: name,
  tool: name,
  prompt: name,
  resource: name,
  issuer: name,
  subject: name,
  run: name,
  team: name,
  used: z.number(),
  limit: z.number(),
  window_ms: z.number().optional(),
  resets_at: z.string().optional().describe('When some of it comes back.'),
})

export const budgets: Resource<{ readonly budgets: Budgets }> = (app, context) => {
  app.get(
    '/admin/v1/budgets',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Limits of which something is used, the fullest first',
        querystring: pageQuery,
        response: { 200: pageShape('budgets', budget).extend({ all: z.number().int().describe('How many there are on all pages.') }) },
      },
    },
    async ({ query }) => {
      const entries = context.budgets.show()
      const { page, ...next } = context.cursors.page(query, { name: 'budgets', entries, key: ({ id, used, limit }) => [-used / limit, id] })
      return { budgets: page.map(shown), all: entries.length, ...next }
    },
  )
  app.post(
    '/admin/v1/budgets/:id/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Give back all that is used of a limit',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.literal('clear') }),
        response: { 200: z.object({ id: z.string(), cleared: z.literal(true) }) },
      },
    },
    async (request) => {
      const { id } = request.params
      const found = context.budgets.show().find((one) => one.id === id)
      const done = await context.budgets.clear(id)
      const { upstream, tool: item } = found ?? {}
      const results = {
        cleared: () => `limit ${toldOf(id, found)}`,
        unknown: () => `no limit ${id}`,
        unkept: () => `the store did not give back limit ${toldOf(id, found)}`,
      }
      context.operations.note(request, { action: 'clear', upstream, item, allowed: done.kind === 'cleared', result: results[done.kind]() })
      if (done.kind === 'unknown') throw notFound(`There is no limit ${id} of which anything is known to be used.`)
      if (done.kind === 'unkept') throw storeUnavailable(`Nothing was given back, since the store would count it again: ${done.reason}.`)
      return { id, cleared: true as const }
    },
  )
}

function shown({ windowMs, resetsAtMs, ...entry }: BudgetEntry): z.infer<typeof budget> {
  return { ...entry, window_ms: windowMs, resets_at: resetsAtMs === undefined ? undefined : iso(resetsAtMs) }
}

/** What was given back, and of whom. */
function toldOf(id: string, found: BudgetEntry | undefined): string {
  return found === undefined ? id : JSON.stringify(found)
}
