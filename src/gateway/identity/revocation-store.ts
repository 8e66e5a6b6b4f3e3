// What was taken back before its end, in the durable store: single credentials, all of a subject, all of a client.

import type { Principal } from '../../core/call/principal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Domain, Durable, StoreFault } from '../../core/ports/durable.ts'
import { dayMs } from '../../core/text/duration.ts'

export const revocationsDomain: Domain = {
  name: 'revocations',
  migrations: [
    {
      what: 'credentials that were taken back',
      statements: [
        `CREATE TABLE revocations (
           tenant TEXT NOT NULL, kind TEXT NOT NULL, issuer TEXT NOT NULL, value TEXT NOT NULL, made_ms BIGINT NOT NULL,
           until_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, kind, issuer, value))`,
      ],
    },
  ],
}

export interface Revoked {
  /** `token`: the id of a token or key. `subject` and `client`: what was issued to them until then. */
  readonly kind: 'token' | 'subject' | 'client'
  readonly value: string
  /** Whose subject; '' for whoever's. */
  readonly issuer: string
}

export interface Revocation extends Revoked {
  /** Milliseconds since the epoch. */
  readonly madeMs: number
}

/** The store could not be read or written. */
export class RevocationsUnavailable extends Error {
  override readonly name = 'RevocationsUnavailable'

  constructor(fault: StoreFault) {
    super(fault.message)
  }
}

/** Each of them rejects with `RevocationsUnavailable`. */
export interface RevocationStore {
  add(revoked: Revoked): Promise<void>
  /** Those that may still matter. */
  list(): Promise<readonly Revocation[]>
}

/** Revocations belong to the gateway: an operator takes back a token whatever tenant it is of. */
const owner = ''

/** Longer than any credential lives that is not looked up by itself, in ms. */
const keptMs = 30 * dayMs

export function createRevocationStore(durable: Durable, clock: Pick<Clock, 'now'>): RevocationStore {
  return {
    add: async ({ kind, value, issuer }) => {
      const now = clock.now()
      const stored = await durable.transact(async (transaction) => {
        await transaction.run('DELETE FROM revocations WHERE tenant = ? AND until_ms < ?', [owner, now])
        await transaction.run(
          `INSERT INTO revocations (tenant, kind, issuer, value, made_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (tenant, kind, issuer, value) DO UPDATE SET made_ms = excluded.made_ms, until_ms = excluded.until_ms`,
          [owner, kind, issuer, value, now, now + keptMs],
        )
      })
      if (!stored.ok) throw new RevocationsUnavailable(stored.fault)
    },
    list: async () => {
      const sql = 'SELECT * FROM revocations WHERE tenant = ? AND until_ms >= ? ORDER BY made_ms, kind, issuer, value'
      const stored = await durable.read((reader) => reader.all(sql, [owner, clock.now()]))
      if (!stored.ok) throw new RevocationsUnavailable(stored.fault)
      return stored.value.map(({ kind, value, issuer, made_ms: made }) => ({
        kind: String(kind) as Revoked['kind'],
        value: String(value),
        issuer: String(issuer),
        madeMs: Number(made),
      }))
    },
  }
}

/** Whether it names the principal. */
export function names({ kind, value, issuer }: Revoked, { credential, clientId, iss, sub }: Principal): boolean {
  if (kind === 'token') return credential === value
  if (kind === 'client') return clientId === value
  return sub === value && (issuer === '' || issuer === iss)
}
