// `GET /admin/v1/summary`: whether somebody must act now, in figures beside what is usual of them.
import { z } from 'zod'
import { dayMs, durationMs } from '../../../core/text/duration.ts'
import type { OpenSession } from '../../legacy/open-sessions.ts'
import { badParameter } from '../narrowing.ts'
import { iso } from '../operations.ts'
import { storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'
import type { Incidents } from './alerts.ts'
import type { BudgetEntry, Budgets } from './budgets.ts'
import type { Objectives } from './objectives.ts'
import type { RunParts } from './runs.ts'
import { figures, rows } from './summary-figures.ts'
import type { UpstreamStatus } from './upstreams.ts'

const whole = z.number().int()

const answer = z.object({
  window: z.string(),
  from: z.string().describe('Whole hours are counted: the beginning of the one in which the window begins.'),
  to: z.string(),
  currency: z.string().nullable(),
  figures: figures.nullable().describe('Null where there is no audit.'),
  rows: rows.nullable(),
  alerts: z.object({
    open: whole,
    critical: whole,
    warn: whole,
    info: whole,
    first: z
      .array(
        z.object({
          id: z.string(),
          severity: z.string(),
          kind: z.string(),
          server: z.string().optional(),
          tool: z.string().optional(),
          owner: z.string().optional(),
          text: z.string(),
          since: z.string(),
          runbook: z.string(),
        }),
      )
      .readonly()
      .describe('The most severe, ten at most.'),
  }),
  upstreams: z.object({
    all: whole,
    ready: whole,
    circuitsOpen: whole.describe('That are left alone, since they failed repeatedly, or tried.'),
    others: z
      .array(
        z.object({ name: z.string(), state: z.string(), reason: z.string().optional(), circuit: z.enum(['closed', 'half-open', 'open']) }),
      )
      .readonly()
      .describe('Those that are not ready, or whose circuit is not closed; 100 at most.'),
  }),
  budgets: z
    .array(
      z.object({
        id: z.string(),
        kind: z.string(),
        scope: z.string(),
        of: z.string().describe('Whose: a run, subject, team, server or tool.'),
        unit: z.string(),
        used: z.number(),
        limit: z.number(),
        share: z.number(),
        resets: z.string().optional(),
      }),
    )
    .readonly()
    .describe('Limits nearest their end, ten at most.'),
  objectives: z
    .array(
      z.object({
        server: z.string(),
        tool: z.string().optional(),
        objective: z.enum(['availability', 'latency']),
        target: z.number(),
        budgetLeft: z.number(),
        burnRate: z.number().nullable().describe('Of the last hour.'),
      }),
    )
    .readonly()
    .describe('With the least error budget left, ten at most.'),
  sessions: z
    .array(z.object({ transport: z.string(), revision: z.string(), sessions: whole, clients: whole }))
    .readonly()
    .describe('That are open now; clients are told apart by name and version.'),
})

type Answer = z.infer<typeof answer>

interface SummaryParts extends RunParts {
  readonly alerts: Incidents
  readonly budgets: Budgets
  readonly objectives: Objectives
  upstreams(): readonly UpstreamStatus[]
  sessions(): readonly OpenSession[]
}

export const summary: Resource<SummaryParts> = (app, context) => {
  app.get(
    '/admin/v1/summary',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Figures of the last hours beside their usual, and what is wrong now',
        querystring: z.object({
          window: z
            .string()
            .max(16)
            .default('1h')
            .describe('A duration of a day at most, such as `15m` or `24h`; whole hours are counted.'),
        }),
        response: { 200: answer },
      },
    },
    async ({ query: { window } }) => {
      const windowMs = durationMs(window)
      if (windowMs === undefined || windowMs < 1 || windowMs > dayMs)
        throw badParameter('window', 'is no duration of a day at most, such as 1h')
      const nowMs = context.clock.now()
      const read = await context.lookingBack?.summary(nowMs, windowMs)
      if (typeof read === 'string') throw storeUnavailable(read)
      return {
        window,
        from: iso(read?.fromMs ?? nowMs - windowMs),
        to: iso(nowMs),
        currency: context.lookingBack?.currency ?? null,
        figures: read?.figures ?? null,
        rows: read?.rows ?? null,
        alerts: alertsOf(context.alerts),
        upstreams: upstreamsOf(context.upstreams()),
        budgets: budgetsOf(context.budgets.show()),
        objectives: objectivesOf(context.objectives),
        sessions: sessionsOf(context.sessions()),
      }
    },
  )
}

/** Of each list. */
const mostShown = 10
const mostUpstreams = 100
const severities = ['critical', 'warn', 'info'] as const

function alertsOf(incidents: Incidents): Answer['alerts'] {
  const open = incidents.all().filter(({ state }) => state !== 'resolved')
  const count = (severity: (typeof severities)[number]): number => open.filter((one) => one.severity === severity).length
  const sorted = [...open].sort(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || Date.parse(a.since) - Date.parse(b.since),
  )
  return {
    open: open.length,
    critical: count('critical'),
    warn: count('warn'),
    info: count('info'),
    first: sorted.slice(0, mostShown).map(({ id, severity, kind, server, tool, owner, text, since, runbook }) => ({
      id,
      severity,
      kind,
      server,
      tool,
      owner,
      text,
      since,
      runbook,
    })),
  }
}

function upstreamsOf(all: readonly UpstreamStatus[]): Answer['upstreams'] {
  const others = all.filter(({ state, circuit = 'closed' }) => state !== 'ready' || circuit !== 'closed')
  return {
    all: all.length,
    ready: all.filter(({ state }) => state === 'ready').length,
    circuitsOpen: all.filter(({ circuit = 'closed' }) => circuit !== 'closed').length,
    others: others.slice(0, mostUpstreams).map(({ name, state, reason, circuit = 'closed' }) => ({ name, state, reason, circuit })),
  }
}

function budgetsOf(all: readonly BudgetEntry[]): Answer['budgets'] {
  return [...all]
    .sort((a, b) => b.used / b.limit - a.used / a.limit || (a.id < b.id ? -1 : 1))
    .slice(0, mostShown)
    .map((entry) => {
      const { id, kind, scope, unit, used, limit, resetsAtMs } = entry
      const { run, subject, team, upstream, tool, prompt, resource } = entry
      const item = tool ?? prompt ?? resource
      const of = run ?? subject ?? team ?? (item === undefined ? (upstream ?? '') : `${upstream ?? ''}/${item}`)
      return { id, kind, scope, of, unit, used, limit, share: used / limit, resets: resetsAtMs === undefined ? undefined : iso(resetsAtMs) }
    })
}

function objectivesOf(objectives: Objectives): Answer['objectives'] {
  return [...objectives.report()]
    .sort((a, b) => a.budgetLeft - b.budgetLeft)
    .slice(0, mostShown)
    .map(({ server, tool, objective, target, budgetLeft, burnRates }) => ({
      server,
      tool,
      objective,
      target,
      budgetLeft,
      burnRate: burnRates['1h'] ?? null,
    }))
}

function sessionsOf(all: readonly OpenSession[]): Answer['sessions'] {
  const ways = new Map<string, { transport: string; revision: string; sessions: number; clients: Set<string> }>()
  for (const { transport, revision, client } of all) {
    const key = `${transport}\0${revision}`
    const way = ways.get(key) ?? { transport, revision, sessions: 0, clients: new Set<string>() }
    ways.set(key, way)
    way.sessions += 1
    way.clients.add(client === undefined ? '' : `${client.name}\0${client.version}`)
  }
  return [...ways.values()]
    .map((way) => ({ ...way, clients: way.clients.size }))
    .sort((a, b) => b.sessions - a.sessions || (`${a.transport} ${a.revision}` < `${b.transport} ${b.revision}` ? -1 : 1))
}
