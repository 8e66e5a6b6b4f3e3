// What is known of legacy sessions after a restart, in the durable store: the table, and the one file that knows it. A session needs no row:
// its sealed id says what it is. A row says that it has ended, or what of its state does not stand in the id. Written behind.
import { inBackground } from '../../core/ports/boundary.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Domain, Durable, Stored } from '../../core/ports/durable.ts'
import { PendingWrites } from '../../core/ports/pending-writes.ts'
import type { Report } from '../../core/ports/report.ts'

export const sessionsDomain: Domain = {
  name: 'sessions',
  migrations: [
    {
      what: 'legacy sessions that have ended, and the state of those that have any',
      statements: [
        `CREATE TABLE legacy_sessions (
           tenant TEXT NOT NULL, id TEXT NOT NULL, state TEXT, kept_until_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, id))`,
        'CREATE INDEX legacy_sessions_by_end ON legacy_sessions (kept_until_ms)',
      ],
    },
  ],
}

/** Most rows that wait while the store is away. */
const mostWaiting = 20_000

interface Waiting {
  readonly tenant: string
  readonly id: string
  readonly state: string | null
  readonly untilMs: number
}

export type Kept = { readonly kind: 'ended' } | { readonly kind: 'state'; readonly state: string }

export class KeptSessions {
  private readonly durable: Durable
  private readonly report: Report
  private readonly writes: PendingWrites<Waiting>

  constructor(durable: Durable, clock: Clock, report: Report) {
    this.durable = durable
    this.report = report
    const write = (rows: ReadonlyMap<string, Waiting>): Promise<Stored<unknown>> => this.write([...rows.values()], clock.now())
    this.writes = new PendingWrites({ clock, log: report.log, failed: 'Sessions could not be kept', most: mostWaiting, write })
  }

  /** Undefined also where the store cannot be read: the sealed id is trusted then. */
  async find(tenant: string, id: string): Promise<Kept | undefined> {
    const waiting = this.writes.waitingFor(keyOf(tenant, id))
    if (waiting !== undefined) return keptOf(waiting.state)
    const found = await this.durable.read((reader) =>
      reader.all('SELECT state FROM legacy_sessions WHERE tenant = ? AND id = ?', [tenant, id]),
    )
    const row = found.ok ? found.value[0] : undefined
    return row === undefined ? undefined : keptOf(typeof row.state === 'string' ? row.state : null)
  }

  /** `untilMs`: when the id can no longer be revived, in ms since the epoch. */
  keep(tenant: string, id: string, state: string, untilMs: number): void {
    this.add({ tenant, id, state, untilMs })
  }

  ended(tenant: string, id: string, untilMs: number): void {
    this.add({ tenant, id, state: null, untilMs })
  }

  private add(row: Waiting): void {
    inBackground(this.report, 'session', this.writes.add(keyOf(row.tenant, row.id), row))
  }

  private write(rows: readonly Waiting[], nowMs: number): Promise<Stored<unknown>> {
    return this.durable.transact(async (transaction) => {
      // What has ended stays so, whoever shares the store.
      await transaction.runEach(
        `INSERT INTO legacy_sessions (tenant, id, state, kept_until_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (tenant, id) DO UPDATE SET state = CASE WHEN legacy_sessions.state IS NULL THEN NULL ELSE excluded.state END`,
        rows.map(({ tenant, id, state, untilMs }) => [tenant, id, state, untilMs]),
      )
      await transaction.run('DELETE FROM legacy_sessions WHERE kept_until_ms < ?', [nowMs])
    })
  }
}

function keptOf(state: string | null): Kept {
  return state === null ? { kind: 'ended' } : { kind: 'state', state }
}

function keyOf(tenant: string, id: string): string {
  return JSON.stringify([tenant, id])
}
