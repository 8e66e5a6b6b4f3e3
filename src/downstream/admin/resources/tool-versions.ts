// Versions of a tool, for operators: `GET /admin/v1/tools/{server}/{tool}/usage` says who uses which and who is pinned to it, and
// `POST /admin/v1/tools/{server}/{tool}/deprecate` plans the end of one. A tool is named as its server names it, or by its family.
import { z } from 'zod'
import { dateMs } from '../../../core/text/date.ts'
import { dayMs } from '../../../core/text/duration.ts'
import { iso, quoted } from '../operations.ts'
import { notFound, Problem, storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'
import { toolParams } from './tool-params.ts'

interface Plan {
  readonly fromMs: number
  readonly sunsetMs: number | undefined
  readonly replacement: string | undefined
  readonly brownouts: readonly never[]
}

interface Objection {
  readonly kind: string
  readonly reason: string
}

/** The plan that holds, and whether configuration, an operator or the lock file made it. */
interface PlannedEnd {
  readonly plan: Omit<Plan, 'brownouts'>
  readonly by: string
}

/** As `gateway/versions` answers it. */
export interface ToolVersions {
  planned(upstream: string, tool: string): PlannedEnd | undefined
  report(
    upstream: string,
    tool: string,
  ): Promise<
    | {
        readonly days: number
        readonly usage: readonly { readonly lastMs: number }[] | undefined
        readonly isIncomplete: boolean
        readonly pins: readonly unknown[]
        readonly tools: readonly { readonly tool: string; readonly end: PlannedEnd | undefined }[]
      }
    | undefined
  >
  end(
    upstream: string,
    tool: string,
    wanted: { readonly version: number | undefined; readonly plan: Plan | undefined; readonly override: boolean },
  ): Promise<
    | { readonly kind: 'planned'; readonly tool: string; readonly version: number | undefined; readonly overridden: readonly Objection[] }
    | { readonly kind: 'refused'; readonly tool: string; readonly objections: readonly Objection[] }
    | { readonly kind: 'unknown'; readonly reason: string }
    | { readonly kind: 'unkept'; readonly tool: string; readonly reason: string }
  >
}

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((one) => one.trim() !== '' && !one.includes('\0'), { error: 'is no text' })
    .optional()

const day = z
  .string()
  .refine((one) => dateMs(one) !== undefined, { error: 'is no day: write YYYY-MM-DD' })
  .optional()

const wanted = z
  .strictObject({
    version: z
      .number()
      .int()
      .positive()
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('Of a tool that stands beside other versions of itself.'),
    from: day.describe('Day, as YYYY-MM-DD. Default: today.'),
    sunset: day.describe('Day from which it is refused.'),
    replacement: text(256),
    override: z.boolean().default(false).describe('Plans it whatever speaks against it; needs a `reason`.'),
    reason: text(500).describe('Kept in the audit.'),
    cancel: z.boolean().default(false).describe('Takes the plan back.'),
  })
  .refine(({ override, reason }) => !override || reason !== undefined, { error: 'an override needs it', path: ['reason'] })
  .refine(({ from, sunset }) => from === undefined || sunset === undefined || from <= sunset, {
    error: 'is before `from`',
    path: ['sunset'],
  })

export const deprecation = z.object({ from: z.string(), sunset: z.string().optional(), replacement: z.string().optional(), by: z.string() })

const objection = z.object({ kind: z.string(), reason: z.string() })

export const toolVersions: Resource<{ readonly versions: ToolVersions }> = (app, context) => {
  app.get(
    '/admin/v1/tools/:server/:tool/usage',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who uses which version of a tool, and who is pinned to it',
        params: toolParams,
        response: {
          200: z.object({
            server: z.string(),
            tool: z.string(),
            days: z.number().int().describe('How many days back.'),
            usage: z.array(z.looseObject({ lastCall: z.string() })).readonly(),
            incomplete: z.literal(true).optional().describe('Calls are missing that could not be counted.'),
            pins: z.array(z.unknown()).readonly(),
            versions: z.array(z.looseObject({ tool: z.string(), deprecation: deprecation.nullable() })).readonly(),
          }),
        },
      },
    },
    async ({ params: { server, tool } }) => {
      const found = await context.versions.report(server, tool)
      if (found === undefined) throw notFound(`${quoted(server)} has no tool ${quoted(tool)}.`)
      const { days, usage, isIncomplete, pins, tools } = found
      if (usage === undefined) throw storeUnavailable('The durable store cannot say who used it.')
      return {
        server,
        tool,
        days,
        usage: usage.map(({ lastMs, ...use }) => ({ ...use, lastCall: iso(lastMs) })),
        incomplete: isIncomplete ? (true as const) : undefined,
        pins,
        versions: tools.map(({ end, ...one }) => ({ ...one, deprecation: end === undefined ? null : shownEnd(end) })),
      }
    },
  )
  app.post(
    '/admin/v1/tools/:server/:tool/deprecate',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Plan the end of a tool or of a version of it, or take the plan back',
        params: toolParams,
        body: wanted,
        response: {
          200: z.object({
            server: z.string(),
            tool: z.string(),
            version: z.number().int().optional(),
            deprecation: deprecation.nullable(),
            overridden: z.array(objection).readonly(),
          }),
        },
      },
    },
    async (request) => {
      const { server, tool } = request.params
      const { version, override, reason } = request.body
      const plan = planIn(request.body, context.clock.now())
      const end = await context.versions.end(server, tool, { version, plan, override })
      const action = plan === undefined ? 'cancel deprecation' : 'deprecate'
      const because = reason === undefined ? '' : ` (${reason})`
      const note = (item: string, allowed: boolean, result: string): void =>
        context.operations.note(request, { action, upstream: server, item, allowed, result: `${result}${because}` })
      if (end.kind === 'unknown') {
        note(tool, false, end.reason)
        throw notFound(`${end.reason}.`)
      }
      if (end.kind === 'unkept') {
        note(end.tool, false, 'it could not be kept')
        throw storeUnavailable(`The plan could not be kept: ${end.reason}.`)
      }
      if (end.kind === 'refused') {
        const said = reasons(end.objections)
        note(end.tool, false, said)
        throw new Problem(409, 'Conflict', `Not done: ${said}.`, { members: { objections: end.objections } })
      }
      const over = end.overridden.length === 0 ? '' : `, over: ${reasons(end.overridden)}`
      note(end.tool, true, `${plan === undefined ? 'taken back' : JSON.stringify(shown(plan))}${over}`)
      // Where a plan was taken back, the one of the lock file may hold again.
      const holds = context.versions.planned(server, end.tool)
      const { overridden } = end
      return { server, tool: end.tool, version: end.version, deprecation: holds === undefined ? null : shownEnd(holds), overridden }
    },
  )
}

/** Undefined where the plan is to be taken back. */
function planIn({ cancel, from, sunset, replacement }: z.infer<typeof wanted>, now: number): Plan | undefined {
  if (cancel) return undefined
  const fromMs = from === undefined ? Math.floor(now / dayMs) * dayMs : (dateMs(from) as number)
  const sunsetMs = sunset === undefined ? undefined : dateMs(sunset)
  if (sunsetMs !== undefined && sunsetMs < fromMs) throw new Problem(400, 'Bad request', '`sunset` is before `from`.')
  return { fromMs, sunsetMs, replacement, brownouts: [] }
}

function reasons(objections: readonly Objection[]): string {
  return objections.map(({ reason }) => reason).join('; ')
}

function shown({ fromMs, sunsetMs, replacement }: Omit<Plan, 'brownouts'>): Omit<z.infer<typeof deprecation>, 'by'> {
  return { from: iso(fromMs), ...(sunsetMs === undefined ? {} : { sunset: iso(sunsetMs) }), replacement }
}

export function shownEnd({ plan, by }: PlannedEnd): z.infer<typeof deprecation> {
  return { ...shown(plan), by }
}
