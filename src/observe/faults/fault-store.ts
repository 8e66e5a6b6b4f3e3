// Fault groups in the durable store, so that what is known stays known over restarts: the table, and the one file that knows it. Times are kept as the
// wall clock says them. A row that is none of ours is as if it were not there. Of gateways that share the store the last that wrote counts.
import { z } from 'zod'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Domain, Durable } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { SteadyTime } from '../steady-time.ts'
import { type FaultGroup, type FaultGroups, mostGroups } from './fault-groups.ts'

export const faultsDomain: Domain = {
  name: 'faults',
  migrations: [
    {
      what: 'fault groups',
      statements: [
        'CREATE TABLE fault_groups (tenant TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, last_ms BIGINT NOT NULL, PRIMARY KEY (tenant, id))',
        'CREATE INDEX fault_groups_by_time ON fault_groups (last_ms)',
      ],
    },
  ],
}

const tenant = 'default'
const gatherMs = 30_000
const keptForMs = 90 * dayMs
const longestState = 16_384

const text = z.string().max(1_000)
const ms = z.number().int().nonnegative()
const revision = z.object({ contract: text.optional(), version: text.optional(), configuration: text })
const keptGroup = z.object({
  id: z.string().regex(/^[0-9a-f]{12}$/),
  kind: text,
  server: text,
  item: text.optional(),
  cause: text,
  count: ms,
  firstMs: ms,
  lastMs: ms,
  first: revision,
  last: revision,
  examples: z.array(text).max(10),
  resolved: z.object({ atMs: ms, by: z.enum(['operator', 'quiet']) }).optional(),
  regressions: ms,
  regressedMs: ms.optional(),
})

export interface FaultStoreParts {
  readonly durable: Durable
  readonly clock: Clock
  readonly time: SteadyTime
  readonly report: Report
  readonly groups: FaultGroups
}

export class FaultStore {
  private readonly parts: FaultStoreParts
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private ended = false
  private failing = false

  constructor(parts: FaultStoreParts) {
    this.parts = parts
  }

  /** Never rejects. */
  async start(): Promise<void> {
    const { durable, groups, report } = this.parts
    const found = await durable.read((reader) =>
      reader.all('SELECT state FROM fault_groups WHERE tenant = ? ORDER BY last_ms DESC LIMIT ?', [tenant, mostGroups]),
    )
    if (found.ok) for (const { state } of found.value.toReversed()) this.groupIn(state, (group) => groups.restore(group))
    else report.log('warn', 'Faults from before the start are not known', { reason: found.fault.message })
    this.later()
  }

  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    await this.flush()
  }

  private later(): void {
    if (this.ended) return
    this.timer = this.parts.clock.timer(gatherMs, () => {
      void this.flush()
      this.later()
    })
  }

  private flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write()).catch((bug: unknown) => reportBug(this.parts.report, 'faults', bug))
    return this.writing
  }

  private async write(): Promise<void> {
    const { durable, groups, report, time } = this.parts
    const changed = groups.all().filter((one) => one.changed)
    if (changed.length === 0) return
    for (const one of changed) one.changed = false
    const rows = changed.map((one) => [tenant, one.id, this.stateOf(one), time.wall(one.lastMs)])
    const kept = await durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO fault_groups (tenant, id, state, last_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (tenant, id) DO UPDATE SET state = excluded.state, last_ms = excluded.last_ms`,
        rows,
      )
      await transaction.run('DELETE FROM fault_groups WHERE tenant = ? AND last_ms < ?', [tenant, time.wall(time.now()) - keptForMs])
    })
    if (kept.ok) {
      this.failing = false
      return
    }
    if (kept.fault.kind !== 'conflict') for (const one of changed) one.changed = true
    if (!this.failing) report.log('warn', 'Faults are not kept for now', { reason: kept.fault.message })
    this.failing = true
  }

  private stateOf({ changed: _, returned: _returned, ...group }: FaultGroup): string {
    const { time } = this.parts
    const wall = (at: number): number => Math.max(0, time.wall(at))
    return JSON.stringify({
      ...group,
      firstMs: wall(group.firstMs),
      lastMs: wall(group.lastMs),
      resolved: group.resolved && { ...group.resolved, atMs: wall(group.resolved.atMs) },
      regressedMs: group.regressedMs === undefined ? undefined : wall(group.regressedMs),
    }).replaceAll('\\u0000', '')
  }

  private groupIn(state: unknown, take: (group: FaultGroup) => void): void {
    if (typeof state !== 'string' || state.length > longestState) return
    const { time } = this.parts
    try {
      const found = keptGroup.safeParse(JSON.parse(state))
      if (!found.success) return
      const { item, resolved, regressedMs, firstMs, lastMs, first, last, ...rest } = found.data
      take({
        ...rest,
        item,
        firstMs: time.steady(firstMs),
        lastMs: time.steady(lastMs),
        first: { contract: first.contract, version: first.version, configuration: first.configuration },
        last: { contract: last.contract, version: last.version, configuration: last.configuration },
        resolved: resolved && { ...resolved, atMs: time.steady(resolved.atMs) },
        regressedMs: regressedMs === undefined ? undefined : time.steady(regressedMs),
        returned: undefined,
        changed: false,
      })
    } catch {
      // No JSON: no row of ours.
    }
  }
}
