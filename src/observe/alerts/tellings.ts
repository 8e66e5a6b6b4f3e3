// Who tells an incident, where gateways share a store: what each output was told of each scope stands there, and who is about to tell has a lease
// first. A gateway that ends before it has told leaves a lease that runs out, and the next one tells. A store that is away keeps nothing back:
// told twice is better than not at all.
import type { Clock } from '../../core/ports/clock.ts'
import type { Durable, Row, Stored, StoreFault, Transaction } from '../../core/ports/durable.ts'
import type { Incident, Notice } from './incident.ts'
import { times } from './incidents.ts'
import { rankOf, type Severity } from './kinds.ts'

/** How long who tells has it to themselves, in ms: longer than a receiver may take. */
export const leaseMs = 15_000
/** A gateway that does not say so for so long has an incident open no more, in ms. */
export const standsMs = 60_000
/** What was told so lately is told, though the gateway that told it is gone, in ms. */
const latelyMs = 10 * 60_000
/** A notice does not wait longer than that for a store that is held or too slow, in ms. */
const patienceMs = 60_000
/** Between two reminders of two gateways, in ms, times need not agree to the second. */
const slackMs = 5 * 60_000
const keptForMs = 30 * 86_400_000
const tenant = 'default'

export const tellingsMigration = {
  what: 'who tells an incident, of gateways that share a store',
  statements: [
    `CREATE TABLE alert_tellings (
       tenant TEXT NOT NULL, output TEXT NOT NULL, scope TEXT NOT NULL, incident TEXT NOT NULL, sequence BIGINT NOT NULL,
       is_open BIGINT NOT NULL, severity TEXT NOT NULL, told_ms BIGINT NOT NULL, lease_owner TEXT, lease_until_ms BIGINT,
       PRIMARY KEY (tenant, output, scope))`,
    `CREATE TABLE alert_stands (
       tenant TEXT NOT NULL, scope TEXT NOT NULL, gateway TEXT NOT NULL, is_known BIGINT NOT NULL, seen_ms BIGINT NOT NULL,
       PRIMARY KEY (tenant, scope, gateway))`,
  ],
}

export interface Claim {
  /** Under which id it is told: that of the gateway that told it first. */
  readonly incident: string
  /** One more than what was told of it before. */
  readonly sequence: number
  /** Nothing of it was told, or that it is over. */
  readonly first: boolean
  /** It was told, or not. Never rejects. */
  ended(sent: boolean): Promise<void>
}

/** `told`: another gateway has, under that id; `later`: somebody is about to, or has it open still. */
export type Claimed = Claim | { readonly told: string } | 'later'

export interface TellingsParts {
  readonly durable: Durable
  readonly clock: Clock
  /** Of this process. */
  readonly gateway: string
}

const place = 'tenant = ? AND output = ? AND scope = ?'

export class Tellings {
  private readonly parts: TellingsParts
  /** What stands goes to the store in its order. */
  private last: Promise<unknown> = Promise.resolve()
  private stood = false

  constructor(parts: TellingsParts) {
    this.parts = parts
  }

  /** What this gateway has open now. Rejects with bugs alone. */
  stands(incidents: readonly Incident[]): Promise<unknown> {
    if (incidents.length === 0 && !this.stood) return this.last
    this.stood = incidents.length > 0
    const rows = incidents.map((one) => standing(one))
    return this.queue(async (transaction, gateway, now) => {
      await transaction.run('DELETE FROM alert_stands WHERE tenant = ? AND (gateway = ? OR seen_ms < ?)', [
        tenant,
        gateway,
        now - keptForMs,
      ])
      await transaction.runEach(
        'INSERT INTO alert_stands (tenant, scope, gateway, is_known, seen_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, scope, gateway) DO NOTHING',
        rows.map(({ scope, known }) => [tenant, scope, gateway, known, now]),
      )
      await transaction.run('DELETE FROM alert_tellings WHERE tenant = ? AND told_ms < ?', [tenant, now - keptForMs])
    })
  }

  /** `sinceMs`: how long the notice has waited. */
  async claim(incident: Incident, notice: Notice, output: string, sinceMs: number): Promise<Claimed> {
    const claimed = await this.queue((transaction, gateway, now) => claim(transaction, gateway, now, output, incident, notice))
    if (!claimed.ok) return waits(claimed.fault) && sinceMs < patienceMs ? 'later' : alone(incident, notice, output)
    const found = claimed.value
    if (found === 'later' || 'told' in found) return found
    return { ...found, ended: (sent) => this.ended(output, incident, notice, found, sent) }
  }

  private async ended(output: string, { scope }: Incident, { what }: Notice, found: Found, sent: boolean): Promise<void> {
    const { clock, gateway, durable } = this.parts
    const told = 'incident = ?, sequence = ?, is_open = ?, severity = ?, told_ms = ?, '
    const values = sent ? [found.incident, found.sequence, what === 'resolved' ? 0 : 1, found.severity, clock.now()] : []
    await durable.run(
      `UPDATE alert_tellings SET ${sent ? told : ''}lease_owner = NULL, lease_until_ms = NULL WHERE ${place} AND lease_owner = ?`,
      [...values, tenant, output, scope, gateway],
    )
  }

  private queue<T>(work: (transaction: Transaction, gateway: string, now: number) => Promise<T>): Promise<Stored<T>> {
    const { durable, clock, gateway } = this.parts
    const done = this.last.then(() => durable.transact((transaction) => work(transaction, gateway, clock.now())))
    this.last = done.catch(() => undefined)
    return done
  }
}

interface Found extends Omit<Claim, 'ended'> {
  readonly severity: Severity
}

/** The lease comes first: who holds it decides alone. */
async function claim(
  transaction: Transaction,
  gateway: string,
  now: number,
  output: string,
  incident: Incident,
  notice: Notice,
): Promise<Found | { readonly told: string } | 'later'> {
  const { scope } = incident
  const { what } = notice
  const at = [tenant, output, scope]
  await transaction.run(
    `INSERT INTO alert_tellings (tenant, output, scope, incident, sequence, is_open, severity, told_ms) VALUES (?, ?, ?, '', 0, 0, 'info', ?)
     ON CONFLICT (tenant, output, scope) DO NOTHING`,
    [...at, now],
  )
  const had = await transaction.run(
    `UPDATE alert_tellings SET lease_owner = ?, lease_until_ms = ?
     WHERE ${place} AND (lease_until_ms IS NULL OR lease_until_ms <= ? OR lease_owner = ?)`,
    [gateway, now + leaseMs, ...at, now, gateway],
  )
  if (had === 0) return 'later'
  const { known } = standing(incident)
  if (what === 'resolved')
    await transaction.run('DELETE FROM alert_stands WHERE tenant = ? AND scope = ? AND gateway = ?', [tenant, scope, gateway])
  else
    await transaction.run(
      `INSERT INTO alert_stands (tenant, scope, gateway, is_known, seen_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (tenant, scope, gateway) DO UPDATE SET seen_ms = excluded.seen_ms, is_known = excluded.is_known`,
      [tenant, scope, gateway, known, now],
    )
  const [row] = await transaction.all(`SELECT * FROM alert_tellings WHERE ${place}`, at)
  const others = await transaction.all(
    'SELECT is_known FROM alert_stands WHERE tenant = ? AND scope = ? AND gateway <> ? AND seen_ms > ?',
    [tenant, scope, gateway, now - standsMs],
  )
  const decided = decide(row, others, incident, notice, now)
  if (decided === 'later' || 'told' in decided)
    await transaction.run(`UPDATE alert_tellings SET lease_owner = NULL, lease_until_ms = NULL WHERE ${place}`, at)
  return decided
}

function decide(
  row: Row | undefined,
  others: readonly Row[],
  incident: Incident,
  { what, severity, sequence }: Notice,
  now: number,
): Found | { readonly told: string } | 'later' {
  const own = incident.toldAs ?? incident.id
  const last = String(row?.incident ?? '')
  const toldMs = Number(row?.told_ms ?? 0)
  const isOpen = Number(row?.is_open ?? 0) === 1 && (last === own || others.length > 0 || now - toldMs < latelyMs)
  if (what === 'resolved') {
    if (others.length > 0) return 'later'
    if (!isOpen && last === own) return { told: own }
  } else if (isOpen) {
    const isReminder = what === 'reminder'
    if (isReminder && (others.some(({ is_known }) => Number(is_known) === 1) || now - toldMs < times.remindMs - slackMs))
      return { told: last }
    if (!isReminder && rankOf(row?.severity as Severity) >= rankOf(severity)) return { told: last }
  }
  const id = isOpen ? last : own
  return {
    incident: id,
    sequence: Math.max(last === id ? Number(row?.sequence) + 1 : 1, id === own ? sequence : 1),
    first: last !== id,
    severity,
  }
}

function standing({ scope, acknowledged }: Incident): { readonly scope: string; readonly known: number } {
  return { scope, known: acknowledged === undefined ? 0 : 1 }
}

/** It may be over in a moment. */
function waits({ kind }: StoreFault): boolean {
  return kind === 'locked' || kind === 'conflict' || kind === 'overloaded'
}

/** Of who shares with nobody. */
export function alone({ toldAs, id, told }: Incident, { sequence }: Notice, output: string): Claim {
  return { incident: toldAs ?? id, sequence, first: !told.has(output), ended: async () => undefined }
}
