// What agents did, for operators: `GET /admin/v1/runs`, `/admin/v1/runs/{run}`, `/admin/v1/calls/{id}`, and `GET /admin/v1/cost`. Arguments and the
// agents' own reasons are for auditors.
import { z } from 'zod'
import { billionthsOf } from '../../../core/call/money.ts'
import { badParameter, type Narrowed, narrowed, narrowing } from '../narrowing.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { withoutPayloads } from '../payloads.ts'
import { notFound, storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'
import type { SummaryEntries } from './summary-figures.ts'

/** As `observe` reads it from the audit. A value that is no answer is a sentence that says why. */
export interface LookingBack {
  readonly currency: string
  runs(filter: RunsAsked, most: number, after: RunPlace | undefined): Promise<RunEntries | string>
  /** Undefined where no call of the run is kept. */
  timeline(run: string, principal: string | undefined): Promise<object | undefined | string>
  /** The rows of a call, and what was decided under its id. */
  call(id: string): Promise<readonly object[] | string>
  cost(by: readonly string[], filter: Narrowed): Promise<CostEntries | string>
  readonly dimensions: readonly string[]
  /** Figures of the hours of a window that ends now. */
  summary(nowMs: number, windowMs: number): Promise<SummaryEntries | string>
}

export interface RunsAsked extends Narrowed {
  /** Kind of a fault; `*`: any. */
  readonly fault: string | undefined
  /** In 10^-9 of the currency. */
  readonly leastCostNano: number
}

/** When the last call of a run began, and its number among those of that moment. */
export type RunPlace = readonly [number, number]

export interface RunEntries {
  readonly runs: readonly RunEntry[]
  /** Of the last one, where there are more. */
  readonly next: RunPlace | undefined
}

export interface CostEntries {
  readonly lines: readonly (SumEntry & { readonly by: readonly string[] })[]
  readonly total: SumEntry
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
}

export interface RunEntry extends SumEntry {
  readonly run: string
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  readonly clients: readonly string[]
  readonly teams: readonly string[]
  readonly tools: readonly string[]
  readonly faultKinds: readonly string[]
  readonly firstMs: number
  readonly lastMs: number
}

export interface SumEntry {
  readonly calls: number
  readonly faults: number
  readonly denied: number
  readonly suspects: number
  readonly attempts: number
  readonly tokensSent: number
  readonly tokensGot: number
  readonly costNano: number
  readonly ms: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface RunParts {
  /** Undefined where there is no audit. */
  readonly lookingBack?: LookingBack | undefined
}

const off = 'There is no audit here: `stateDir` is off.'
const names = z.array(z.string()).readonly()
const whole = z.number().int()

const sums = z.object({
  calls: whole,
  faults: whole.describe('Calls that ended as a fault, or with an error of their tool.'),
  denied: whole,
  suspects: whole,
  attempts: whole,
  tokensSent: whole,
  tokensGot: whole,
  costNano: whole.describe('In billionths of the currency, so that sums are exact.'),
  ms: z.number().describe('Time in calls, one after the other.'),
  bytesIn: whole,
  bytesOut: whole,
})

const run = sums.extend({
  run: z.string(),
  tenant: z.string(),
  issuer: z.string(),
  subject: z.string(),
  clients: names,
  teams: names,
  tools: names.describe('`server/name`, at most a hundred.'),
  faultKinds: names.describe('Kinds of the faults with which its calls ended.'),
  firstMs: z.number().describe('When its first call began, in ms since the epoch.'),
  lastMs: z.number().describe('When its last call began.'),
})

const ofRuns = narrowing.extend({
  fault: z.string().max(64).optional().describe('Runs with a call that ended with this kind of fault; `*`: with any.'),
  cost: z.coerce.number().min(0).optional().describe('Runs that cost at least so much.'),
})

export const runs: Resource<RunParts> = (app, context) => {
  const looking = (): LookingBack => {
    const { lookingBack } = context
    if (lookingBack === undefined) throw notFound(off)
    return lookingBack
  }

  app.get(
    '/admin/v1/runs',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'Runs of agents that were under way in the time, by principal, tool, team, client, fault and cost, with all that they did; the one with the latest call first',
        querystring: pageQuery.extend(ofRuns.shape),
        response: { 200: pageShape('runs', run) },
      },
    },
    async ({ query }) => {
      const { limit, cursor: _cursor, ...asked } = query
      const { fault, cost = 0 } = query
      const back = looking()
      const name = `runs ${JSON.stringify(asked)}`
      const after = context.cursors.open(query, name) as RunPlace | undefined
      const filter = { ...narrowed(query, context.clock.now()), fault, leastCostNano: billionthsOf(cost) }
      const { runs: page, next } = given(await back.runs(filter, limit, after))
      return { runs: page, ...(next === undefined ? {} : { next: context.cursors.seal(name, next) }) }
    },
  )
  app.get(
    '/admin/v1/runs/:run',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What a run did, in order: its turns, their calls, and what belongs to each',
        params: z.object({ run: z.string().min(1).max(128) }),
        querystring: z.object({ principal: z.string().max(512).optional().describe('Of two that have a run of the same id.') }),
        response: { 200: z.object({ timeline: z.looseObject({}), currency: z.string() }) },
      },
    },
    async ({ params, query, operator }) => {
      const back = looking()
      const found = given(await back.timeline(params.run, query.principal))
      if (found === undefined) throw notFound(`No call of a run ${JSON.stringify(params.run)} is kept.`)
      return { timeline: { ...withoutPayloads(found, operator.role) }, currency: back.currency }
    },
  )
  app.get(
    '/admin/v1/calls/:id',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One call by its correlation id: its row of the audit, and those of what was decided under it',
        params: z.object({ id: z.string().min(1).max(128) }),
        response: { 200: z.object({ rows: z.array(z.looseObject({})).readonly() }) },
      },
    },
    async ({ params, operator }) => {
      const rows = given(await looking().call(params.id))
      if (rows.length === 0) throw notFound(`No call of the id ${JSON.stringify(params.id)} is kept.`)
      return { rows: rows.map((row) => ({ ...withoutPayloads(row, operator.role) })) }
    },
  )
  app.get(
    '/admin/v1/cost',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What calls cost, in whole hours, by what is named: the most expensive first',
        querystring: pageQuery.extend(narrowing.shape).extend({
          by: z
            .string()
            .max(128)
            .default('team,tool')
            .describe('Some of team, tool, server, principal, client, run, day, hour, with commas.'),
        }),
        response: {
          200: pageShape(
            'lines',
            sums.extend({ by: names.describe('By what was asked for, in its order; an empty text where a call has none.') }),
          ).extend({
            by: names,
            currency: z.string(),
            total: sums.describe('Of all lines.'),
            fromMs: z.number().optional().describe('Beginning of the first hour that was counted.'),
            toMs: z.number().optional().describe('End of the last hour that was counted.'),
          }),
        },
      },
    },
    async ({ query }) => {
      const back = looking()
      const by = query.by.split(',').map((one) => one.trim())
      const wrong = by.find((one) => !back.dimensions.includes(one))
      if (wrong !== undefined) throw badParameter('by', `has ${JSON.stringify(wrong)}, which is none of ${back.dimensions.join(', ')}`)
      const { limit: _limit, cursor: _cursor, ...asked } = query
      const { lines, total, fromMs, toMs } = given(await back.cost(by, narrowed(query, context.clock.now())))
      const { page, ...next } = context.cursors.page(query, {
        name: `cost ${JSON.stringify(asked)}`,
        entries: lines,
        key: (line) => [-line.costNano, -line.calls, line.by.join('\u0000')],
      })
      return { by, currency: back.currency, total, fromMs, toMs, lines: page, ...next }
    },
  )
}

function given<T>(answer: T | string): T {
  if (typeof answer === 'string') throw storeUnavailable(answer)
  return answer
}
