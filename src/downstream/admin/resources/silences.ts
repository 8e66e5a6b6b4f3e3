// What operators do not want to be told of for a while: `GET` and `POST /admin/v1/silences`, and `POST /admin/v1/silences/{id}/actions` with
// `{"action": "end"}`.
import { z } from 'zod'
import { operatorOf } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound, Problem } from '../problem.ts'
import type { Resource } from '../resource.ts'

const silence = z.object({
  id: z.string(),
  selector: z.string(),
  reason: z.string(),
  by: z.string(),
  from: z.string(),
  until: z.string(),
})

type Silence = z.infer<typeof silence>

export interface Silences {
  silences(): readonly Silence[]
  /** Undefined where there are too many. */
  silence(selector: string, forMs: number, reason: string, by: string): Silence | undefined
  unsilence(id: string): Silence | undefined
}

const longestMs = 90 * 86_400_000

const wanted = z.strictObject({
  selector: z
    .string()
    .max(300)
    .regex(/^(\*|[^*/\s]+(\/([^*]+\*?|\*))?)$/)
    .describe('`server`, `server/tool`, `server/start*` or `*`.'),
  forMs: z.number().int().positive().max(longestMs).describe('For how long, in ms.'),
  reason: z.string().min(1).max(500).describe('For people.'),
})

export const silences: Resource<{ readonly alerts: Silences }> = (app, context) => {
  app.get(
    '/admin/v1/silences',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Silences that hold, those that end first first',
        querystring: pageQuery,
        response: { 200: pageShape('silences', silence) },
      },
    },
    async ({ query }) => {
      const { page, ...next } = context.cursors.page(query, {
        name: 'silences',
        entries: context.alerts.silences(),
        key: ({ id, until }) => [Date.parse(until), id],
      })
      return { silences: page, ...next }
    },
  )
  app.post(
    '/admin/v1/silences',
    {
      config: { role: 'operator' },
      schema: { summary: 'Tell nothing of incidents at some servers or tools for a while', body: wanted, response: { 200: silence } },
    },
    async (request) => {
      const { selector, forMs, reason } = request.body
      const made = context.alerts.silence(selector, forMs, reason, operatorOf(request))
      context.operations.note(request, {
        action: 'silence',
        ...about(selector),
        allowed: made !== undefined,
        result: made === undefined ? `${selector}: too many silences` : `${selector} until ${made.until}: ${made.reason}`,
      })
      if (made === undefined) throw new Problem(409, 'Too many silences', 'End one of the silences that hold first.')
      return made
    },
  )
  app.post(
    '/admin/v1/silences/:id/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'End a silence',
        params: z.object({ id: z.string().regex(/^[0-9a-f]{1,64}$/) }),
        body: z.strictObject({ action: z.literal('end') }),
        response: { 200: silence },
      },
    },
    async (request) => {
      const { id } = request.params
      const ended = context.alerts.unsilence(id)
      context.operations.note(request, {
        action: 'end silence',
        ...(ended === undefined ? {} : about(ended.selector)),
        allowed: ended !== undefined,
        result: ended === undefined ? `no silence ${id}` : `${ended.selector}, made by ${ended.by}: ${ended.reason}`,
      })
      if (ended === undefined) throw notFound(`There is no silence ${id}.`)
      return ended
    },
  )
}

function about(selector: string): { readonly upstream?: string; readonly item?: string } {
  const [upstream, ...rest] = selector.split('/')
  if (upstream === undefined || upstream === '*') return {}
  return rest.length === 0 ? { upstream } : { upstream, item: rest.join('/') }
}
