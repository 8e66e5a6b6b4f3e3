// Calls of objectives by the hour, in the durable store, so that an error budget outlives a restart: the table, and the one file that knows it.
// What gateways that share the store add is added up; each reads it at its start.

import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import type { SteadyTime } from '../steady-time.ts'
import { hourMs, monthMs, type Sums } from './counts.ts'
import type { Counted, Objectives } from './objectives.ts'

export const objectivesDomain: Domain = {
  name: 'objectives',
  migrations: [
    {
      what: 'calls of objectives by the hour',
      statements: [
        `CREATE TABLE objective_hours (
           tenant TEXT NOT NULL, server TEXT NOT NULL, tool TEXT NOT NULL, hour BIGINT NOT NULL,
           calls BIGINT NOT NULL, bad BIGINT NOT NULL, timed BIGINT NOT NULL, slow BIGINT NOT NULL,
           PRIMARY KEY (tenant, server, tool, hour))`,
      ],
    },
  ],
}

const tenant = 'default'
/** How long calls are gathered, in ms: what a crash forgets. */
const gatherMs = 30_000
/** Rows that are read at the start. */
const most = 400_000
const longestName = 1_024

export interface ObjectiveStoreParts {
  readonly durable: Durable
  readonly clock: Clock
  readonly time: SteadyTime
  readonly report: Report
  readonly objectives: Objectives
}

export class ObjectiveStore {
  private readonly parts: ObjectiveStoreParts
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private ended = false
  private failing = false

  constructor(parts: ObjectiveStoreParts) {
    this.parts = parts
  }

  /** Never rejects. */
  async start(): Promise<void> {
    const { durable, time, report } = this.parts
    const since = this.hourOf(time.now() - monthMs)
    const found = await durable.read((reader) =>
      reader.all('SELECT * FROM objective_hours WHERE tenant = ? AND hour >= ? ORDER BY hour DESC LIMIT ?', [tenant, since, most]),
    )
    if (found.ok) for (const row of found.value) this.restore(row)
    else report.log('warn', 'What was used of error budgets is not known from before the start', { reason: found.fault.message })
    this.later()
  }

  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    await this.flush()
  }

  private restore({ server, tool, hour, calls, bad, timed, slow }: Row): void {
    if (typeof server !== 'string' || typeof tool !== 'string') return
    const sums: Sums = { calls: Number(calls), bad: Number(bad), timed: Number(timed), slow: Number(slow) }
    if (![Number(hour), ...Object.values(sums)].every((value) => Number.isSafeInteger(value) && value >= 0)) return
    this.parts.objectives.restore(server, tool === '' ? undefined : tool, Number(hour) - this.shift(), sums)
  }

  private later(): void {
    if (this.ended) return
    this.timer = this.parts.clock.timer(gatherMs, () => {
      void this.flush()
      this.later()
    })
  }

  private flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write()).catch((bug: unknown) => reportBug(this.parts.report, 'objectives', bug))
    return this.writing
  }

  private async write(): Promise<void> {
    const { durable, objectives, report, time } = this.parts
    const taken: [Counted, ReadonlyMap<number, Sums>][] = []
    const rows: Cell[][] = []
    const shift = this.shift()
    for (const one of objectives.all()) {
      const { server, tool = '' } = one
      if (tool.length > longestName || tool.includes('\0')) continue
      const unkept = one.counts.takeUnkept()
      if (unkept.size === 0) continue
      taken.push([one, unkept])
      for (const [hour, { calls, bad, timed, slow }] of unkept) rows.push([tenant, server, tool, hour + shift, calls, bad, timed, slow])
    }
    if (rows.length === 0) return
    const kept = await durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO objective_hours (tenant, server, tool, hour, calls, bad, timed, slow) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, server, tool, hour) DO UPDATE SET calls = objective_hours.calls + excluded.calls,
           bad = objective_hours.bad + excluded.bad, timed = objective_hours.timed + excluded.timed,
           slow = objective_hours.slow + excluded.slow`,
        rows,
      )
      await transaction.run('DELETE FROM objective_hours WHERE tenant = ? AND hour < ?', [tenant, this.hourOf(time.now() - monthMs) - 24])
    })
    if (kept.ok) {
      this.failing = false
      return
    }
    for (const [one, unkept] of taken) one.counts.giveBack(unkept)
    if (!this.failing) report.log('warn', 'What is used of error budgets is not kept for now', { reason: kept.fault.message })
    this.failing = true
  }

  /** Hours of the wall clock less those of steady time. */
  private shift(): number {
    const { time } = this.parts
    const now = time.now()
    return Math.round((time.wall(now) - now) / hourMs)
  }

  private hourOf(steadyMs: number): number {
    return Math.floor(steadyMs / hourMs) + this.shift()
  }
}
