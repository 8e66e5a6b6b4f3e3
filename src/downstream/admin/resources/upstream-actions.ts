// What operators do to a server of a running gateway: `POST /admin/v1/upstreams/{upstream}/actions` with `{"action": "pause", "waitMs": 30000}`.
import { z } from 'zod'
import { longestName, quoted } from '../operations.ts'
import { notFound } from '../problem.ts'
import type { Resource } from '../resource.ts'

const actions = ['pause', 'resume', 'restart', 'drain'] as const

/** How the server stands afterwards. */
export interface ActionEnd {
  readonly state: string
  readonly inFlight: number
  readonly held: number
  /** What the action was for came about in time; else `reason`. */
  readonly done: boolean
  readonly reason?: string
}

export interface Maintenance {
  knows(upstream: string): boolean
  act(upstream: string, action: (typeof actions)[number], waitMs: number): Promise<ActionEnd>
}

const longestWaitMs = 600_000

export const upstreamActions: Resource<{ readonly maintenance: Maintenance }> = (app, context) => {
  app.post(
    '/admin/v1/upstreams/:upstream/actions',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Hold the calls of a server, let them go on, start it anew, or refuse them',
        params: z.object({ upstream: z.string().describe('Name of the server in the configuration.') }),
        body: z.strictObject({
          action: z.enum(actions),
          waitMs: z.number().int().min(0).max(longestWaitMs).default(30_000).describe('How long that may take, in ms.'),
        }),
        response: {
          200: z.object({
            name: z.string(),
            state: z.string(),
            inFlight: z.number().int().describe('Calls at it that were not held.'),
            held: z.number().int().describe('Calls that wait.'),
            done: z.boolean().describe('What the action was for came about in time.'),
            reason: z.string().optional().describe('Why not.'),
          }),
        },
      },
    },
    async (request) => {
      const { action, waitMs } = request.body
      const { upstream: name } = request.params
      const upstream = name.slice(0, longestName)
      if (!context.maintenance.knows(name)) {
        context.operations.note(request, { action, upstream, allowed: false, result: 'there is no such server' })
        throw notFound(`The gateway has no server ${quoted(name)}.`)
      }
      let result = 'a bug of the gateway ended it'
      try {
        const end = await context.maintenance.act(name, action, waitMs)
        result = resultOf(end)
        return { name, ...end }
      } finally {
        context.operations.note(request, { action, upstream, allowed: true, result })
      }
    },
  )
}

function resultOf({ state, inFlight, held, done, reason }: ActionEnd): string {
  return `${state}, ${inFlight} in flight, ${held} held${done ? '' : `; not done: ${reason ?? 'nobody knows why'}`}`
}
