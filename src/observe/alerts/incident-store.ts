// Incidents and silences in the durable store, so that a restart tells nothing twice: the tables, and the one file that knows them. Times are
// kept as the wall clock says them. A row that is none of ours is as if it were not there.
import { z } from 'zod'
import type { Domain, Durable, Stored } from '../../core/ports/durable.ts'
import type { SteadyTime } from '../steady-time.ts'
import { type Condition, keyOf } from './condition.ts'
import { type Incident, noticeKinds } from './incident.ts'
import { limits } from './incidents.ts'
import { type AlertKind, isAlertKind } from './kinds.ts'
import type { Silence } from './silences.ts'
import { mostSilences } from './silences.ts'
import { tellingsMigration } from './tellings.ts'

export const alertsDomain: Domain = {
  name: 'alerts',
  migrations: [
    {
      what: 'incidents and silences',
      statements: [
        `CREATE TABLE incidents (
           tenant TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, is_open BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, id))`,
        `CREATE TABLE alert_silences (
           tenant TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, until_ms BIGINT NOT NULL, PRIMARY KEY (tenant, id))`,
      ],
    },
    tellingsMigration,
  ],
}

const tenant = 'default'
const allSilences = 'SELECT state FROM alert_silences WHERE tenant = ? ORDER BY until_ms LIMIT ?'
const longestState = 262_144
const keptForMs = 30 * 86_400_000

const text = z.string().max(4_000)
const ms = z.number().int().nonnegative()
const severity = z.enum(['info', 'warn', 'critical'])
const said = z.enum(['normal', 'fault'])
const deploy = z.object({ what: text, atMs: ms })

const keptCondition = z.object({
  kind: z.custom<AlertKind>(isAlertKind),
  severity: severity.optional(),
  server: text.optional(),
  tool: text.optional(),
  caller: text.optional(),
  part: text.optional(),
  text,
  usual: text.optional(),
  seen: text.optional(),
  results: z.number().optional(),
  affected: z.number().optional(),
  firstCall: text.optional(),
  deploy: deploy.optional(),
  sinceMs: ms.optional(),
  episode: text.optional(),
  acknowledged: said.optional(),
})

const keptIncident = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  scope: text,
  server: text.optional(),
  caller: text.optional(),
  owner: text.optional(),
  members: z
    .array(z.object({ condition: keptCondition, severity, sinceMs: ms, seenMs: ms, goneMs: ms.optional() }))
    .min(1)
    .max(limits.members),
  openedMs: ms,
  joinedMs: ms,
  seenMs: ms,
  resolvedMs: ms.optional(),
  reopened: z.number().int().nonnegative(),
  reopenedMs: ms.optional(),
  severity,
  firstCall: text.optional(),
  deploy: deploy.optional(),
  configuration: text.optional(),
  acknowledged: said.optional(),
  notice: z.object({ sequence: ms, what: z.enum(noticeKinds), atMs: ms, severity }).optional(),
  toldReopened: z.number().int().nonnegative(),
  told: z.record(z.string().max(100), ms),
  toldAs: z
    .string()
    .regex(/^[0-9a-f]{12}$/)
    .optional(),
})

const keptSilence = z.object({ id: text, selector: text, reason: text, by: text, fromMs: ms, untilMs: ms })

export interface Kept {
  readonly incidents: readonly Incident[]
  readonly silences: readonly Silence[]
}

export class IncidentStore {
  private readonly durable: Durable
  private readonly time: SteadyTime

  constructor(durable: Durable, time: SteadyTime) {
    this.durable = durable
    this.time = time
  }

  async load(): Promise<Stored<Kept>> {
    const found = await this.durable.read(async (reader) => ({
      incidents: await reader.all('SELECT state FROM incidents WHERE tenant = ? ORDER BY is_open DESC, updated_ms DESC LIMIT ?', [
        tenant,
        limits.open + limits.closed,
      ]),
      silences: await reader.all(allSilences, [tenant, mostSilences]),
    }))
    if (!found.ok) return found
    const { incidents, silences } = found.value
    return {
      ok: true,
      value: {
        incidents: incidents.flatMap(({ state }) => this.incidentIn(state) ?? []).reverse(),
        silences: silences.flatMap(({ state }) => this.silenceIn(state) ?? []),
      },
    }
  }

  async silences(): Promise<Stored<readonly Silence[]>> {
    const found = await this.durable.read((reader) => reader.all(allSilences, [tenant, mostSilences]))
    return found.ok ? { ok: true, value: found.value.flatMap(({ state }) => this.silenceIn(state) ?? []) } : found
  }

  save(incidents: readonly Incident[], nowMs: number): Promise<Stored<unknown>> {
    const wallMs = Math.max(0, this.time.wall(nowMs))
    const rows = incidents.flatMap((incident) => {
      const state = whole(JSON.stringify(this.plain(incident)))
      return state.length > longestState ? [] : [[tenant, incident.id, state, incident.resolvedMs === undefined ? 1 : 0, wallMs]]
    })
    return this.durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO incidents (tenant, id, state, is_open, updated_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, is_open = excluded.is_open, updated_ms = excluded.updated_ms`,
        rows,
      )
      await transaction.run('DELETE FROM incidents WHERE tenant = ? AND updated_ms < ?', [tenant, wallMs - keptForMs])
    })
  }

  keepSilence({ fromMs, untilMs, ...rest }: Silence): Promise<Stored<unknown>> {
    const kept = { ...rest, fromMs: this.time.wall(fromMs), untilMs: this.time.wall(untilMs) }
    return this.durable.transact(async (transaction) => {
      await transaction.run('DELETE FROM alert_silences WHERE tenant = ? AND until_ms < ?', [tenant, this.time.wall(this.time.now())])
      await transaction.run('INSERT INTO alert_silences (tenant, id, state, until_ms) VALUES (?, ?, ?, ?)', [
        tenant,
        rest.id,
        whole(JSON.stringify(kept)),
        kept.untilMs,
      ])
    })
  }

  forgetSilence(id: string): Promise<Stored<unknown>> {
    return this.durable.run('DELETE FROM alert_silences WHERE tenant = ? AND id = ?', [tenant, id])
  }

  private plain(incident: Incident): object {
    const { members, told, changed: _, beyond: _beyond, notice, ...rest } = incident
    const wall = (at: number | undefined) => (at === undefined ? undefined : Math.max(0, this.time.wall(at)))
    return {
      ...rest,
      openedMs: wall(rest.openedMs),
      joinedMs: wall(rest.joinedMs),
      seenMs: wall(rest.seenMs),
      resolvedMs: wall(rest.resolvedMs),
      reopenedMs: wall(rest.reopenedMs),
      notice: notice === undefined ? undefined : { ...notice, atMs: wall(notice.atMs) },
      told: Object.fromEntries(told),
      members: [...members.values()].map((one) => ({
        ...one,
        sinceMs: wall(one.sinceMs),
        seenMs: wall(one.seenMs),
        goneMs: wall(one.goneMs),
      })),
    }
  }

  private incidentIn(state: unknown): Incident | undefined {
    const found = read(keptIncident, state)
    if (found === undefined) return undefined
    const steady = (at: number): number => this.time.steady(at)
    const maybe = (at: number | undefined): number | undefined => (at === undefined ? undefined : steady(at))
    const { members, told, notice } = found
    return {
      id: found.id,
      scope: found.scope,
      server: found.server,
      caller: found.caller,
      owner: found.owner,
      members: new Map(
        members.map((one) => [
          keyOf(one.condition as Condition),
          {
            condition: one.condition as Condition,
            severity: one.severity,
            sinceMs: steady(one.sinceMs),
            seenMs: steady(one.seenMs),
            goneMs: maybe(one.goneMs),
          },
        ]),
      ),
      beyond: 0,
      openedMs: steady(found.openedMs),
      joinedMs: steady(found.joinedMs),
      seenMs: steady(found.seenMs),
      resolvedMs: maybe(found.resolvedMs),
      reopened: found.reopened,
      reopenedMs: maybe(found.reopenedMs),
      severity: found.severity,
      firstCall: found.firstCall,
      deploy: found.deploy,
      configuration: found.configuration,
      acknowledged: found.acknowledged,
      notice: notice === undefined ? undefined : { ...notice, atMs: steady(notice.atMs) },
      toldReopened: found.toldReopened,
      told: new Map(Object.entries(told)),
      toldAs: found.toldAs,
      changed: false,
    }
  }

  private silenceIn(state: unknown): Silence | undefined {
    const found = read(keptSilence, state)
    if (found === undefined) return undefined
    // Not clamped: it ends in the future.
    const shift = this.time.now() - this.time.wall(this.time.now())
    return { ...found, fromMs: found.fromMs + shift, untilMs: found.untilMs + shift }
  }
}

function read<T>(schema: z.ZodType<T>, state: unknown): T | undefined {
  if (typeof state !== 'string' || state.length > longestState) return undefined
  try {
    const found = schema.safeParse(JSON.parse(state))
    return found.success ? found.data : undefined
  } catch {
    return undefined
  }
}

/** SQL has no NUL in texts. */
function whole(json: string): string {
  return json.replaceAll('\\u0000', '')
}
