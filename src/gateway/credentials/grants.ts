// Grants in the durable store: what issuers gave the gateway, for itself and for its users, sealed by the vault. A grant is renewed by who
// holds its lease, and only over the version that it was read at: no newer token is ever overwritten.
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row, Stored } from '../../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'
import { CredentialFailure } from './failure.ts'
import { condition, type GrantFilter } from './grant-list.ts'
import { readTokenSet, type TokenSet, writeTokenSet } from './token-set.ts'

export const grantsDomain: Domain = {
  name: 'grants',
  sealed: [{ table: 'upstream_grants', column: 'token', key: ['tenant', 'server', 'iss', 'sub', 'issuer', 'resource'] }],
  migrations: [
    {
      what: 'grants towards upstream servers, by whose they are',
      statements: [
        `CREATE TABLE upstream_grants (
           tenant TEXT NOT NULL, server TEXT NOT NULL, iss TEXT NOT NULL, sub TEXT NOT NULL, issuer TEXT NOT NULL, resource TEXT NOT NULL,
           status TEXT NOT NULL, version BIGINT NOT NULL, token BYTEA, client_id TEXT NOT NULL, scopes TEXT NOT NULL, expires_ms BIGINT,
           reason TEXT, lease_owner TEXT, lease_until_ms BIGINT, updated_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, server, iss, sub, issuer, resource))`,
        'CREATE INDEX upstream_grants_updated ON upstream_grants (updated_ms)',
      ],
    },
  ],
}

/** Whose grant it is, and for what. */
export interface GrantKey {
  readonly tenant: string
  readonly server: string
  /** '' for a grant of the gateway itself. */
  readonly iss: string
  readonly sub: string
  readonly issuer: string
  readonly resource: string
}

/** `empty`: nothing was got yet. */
export type GrantStatus = 'empty' | 'active' | 'needs_consent' | 'revoked'

export interface Grant {
  readonly key: GrantKey
  readonly status: GrantStatus
  readonly version: number
  readonly token: TokenSet | undefined
  readonly clientId: string
  /** Asked for. */
  readonly scopes: readonly string[]
  /** Why it is not active, for people. */
  readonly reason: string | undefined
}

export interface GrantChange {
  readonly token: TokenSet
  readonly clientId: string
  readonly scopes: readonly string[]
}

export interface Lease {
  readonly owner: string
  readonly version: number
}

/** How long who renews has it to themselves, in ms: another takes over afterwards. */
export const leaseMs = 15_000

/** What a keeper of tokens needs. Rejects with `CredentialFailure` where the store cannot be had. */
export interface Grants {
  read(key: GrantKey): Promise<Grant | undefined>
  /** The newest of a user at a server, whatever its issuer; a revoked one where there is no other. */
  find(of: Omit<GrantKey, 'issuer' | 'resource'>): Promise<Grant | undefined>
  /** Makes the row if there is none. Undefined where somebody else renews it, or the version has moved on. */
  claim(key: GrantKey, version: number): Promise<Lease | undefined>
  /** False where the lease was lost and somebody has written since. */
  renewed(key: GrantKey, lease: Lease, change: GrantChange): Promise<boolean>
  /** Gives the lease back without a new token; `status` where the issuer has said no. */
  failed(key: GrantKey, lease: Lease, status: 'needs_consent' | undefined, reason: string): Promise<void>
  /** A user gave a grant: it replaces whatever was there. */
  given(key: GrantKey, change: GrantChange): Promise<void>
  /**
   * Takes the tokens of those that are not over out of the store: gateways that have them at hand drop them within seconds, and one that
   * renews just now loses its say. Gives them as they were, with their tokens.
   */
  takenBack(filter: GrantFilter, reason: string): Promise<readonly Grant[]>
  /** The same of one. */
  ended(key: GrantKey, reason: string): Promise<void>
  /** What was changed since, by anybody, at whatever clock theirs may be: a little more than that. */
  changedSince(ms: number): Promise<readonly { readonly key: GrantKey; readonly status: GrantStatus; readonly version: number }[]>
}

const columns = 'tenant, server, iss, sub, issuer, resource'
const where = 'tenant = ? AND server = ? AND iss = ? AND sub = ? AND issuer = ? AND resource = ?'

/** What nobody has to consent to is got anew by the next who needs it. */
const over = `status = CASE WHEN sub = '' THEN 'empty' ELSE 'revoked' END, version = version + 1, token = NULL, reason = ?, lease_owner = NULL, lease_until_ms = NULL, updated_ms = ?`

export function durableGrants(durable: Durable, vault: Vault, clock: Clock, random: Random): Grants {
  const placeOf = (key: GrantKey): VaultPlace => ['upstream_grants', 'token', ...cells(key)]
  const sealed = (key: GrantKey, token: TokenSet): Uint8Array => vault.seal(writeTokenSet(token), placeOf(key))
  const grantOf = (row: Row): Grant => {
    const key = keyOf(row)
    const opened = row.token instanceof Uint8Array ? vault.open(row.token, placeOf(key)) : undefined
    const token = opened === undefined ? undefined : readTokenSet(opened)
    // What cannot be opened, since its key is gone, is as good as none.
    const lost = row.status === 'active' && token === undefined
    return {
      key,
      status: lost ? 'needs_consent' : (String(row.status) as GrantStatus),
      version: Number(row.version),
      token,
      clientId: String(row.client_id),
      scopes: String(row.scopes).split(' ').filter(Boolean),
      reason: row.reason === null ? undefined : String(row.reason),
    }
  }

  return {
    read: async (key) => {
      const [row] = had(await durable.read((reader) => reader.all(`SELECT * FROM upstream_grants WHERE ${where}`, cells(key))))
      return row === undefined ? undefined : grantOf(row)
    },
    find: async ({ tenant, server, iss, sub }) => {
      const sql = `SELECT * FROM upstream_grants WHERE tenant = ? AND server = ? AND iss = ? AND sub = ?
        ORDER BY CASE status WHEN 'revoked' THEN 1 ELSE 0 END, updated_ms DESC LIMIT 1`
      const [row] = had(await durable.read((reader) => reader.all(sql, [tenant, server, iss, sub])))
      return row === undefined ? undefined : grantOf(row)
    },
    claim: async (key, version) => {
      const owner = random.id()
      const now = clock.now()
      const insert = `INSERT INTO upstream_grants (${columns}, status, version, client_id, scopes, updated_ms)
        VALUES (?, ?, ?, ?, ?, ?, 'empty', 0, '', '', ?) ON CONFLICT (${columns}) DO NOTHING`
      const take = `UPDATE upstream_grants SET lease_owner = ?, lease_until_ms = ?
        WHERE ${where} AND version = ? AND (lease_until_ms IS NULL OR lease_until_ms <= ?)`
      const changed = had(
        await durable.transact(async (transaction) => {
          await transaction.run(insert, [...cells(key), now])
          return transaction.run(take, [owner, now + leaseMs, ...cells(key), version, now])
        }),
      )
      return changed === 1 ? { owner, version } : undefined
    },
    renewed: async (key, lease, change) => {
      const sql = `UPDATE upstream_grants SET status = 'active', version = version + 1, token = ?, client_id = ?, scopes = ?, expires_ms = ?,
        reason = NULL, lease_owner = NULL, lease_until_ms = NULL, updated_ms = ?
        WHERE ${where} AND version = ? AND lease_owner = ?`
      const values = [sealed(key, change.token), change.clientId, change.scopes.join(' '), change.token.expiresAt ?? null, clock.now()]
      const params = [...values, ...cells(key), lease.version, lease.owner]
      return had(await durable.transact((transaction) => transaction.run(sql, params))) === 1
    },
    failed: async (key, lease, status, reason) => {
      const ended = status === undefined ? '' : `status = '${status}', version = version + 1, token = NULL, `
      const sql = `UPDATE upstream_grants SET ${ended}reason = ?, lease_owner = NULL, lease_until_ms = NULL, updated_ms = ?
        WHERE ${where} AND version = ? AND lease_owner = ?`
      had(await durable.transact((transaction) => transaction.run(sql, [reason, clock.now(), ...cells(key), lease.version, lease.owner])))
    },
    given: async (key, change) => {
      const sql = `INSERT INTO upstream_grants (${columns}, status, version, token, client_id, scopes, expires_ms, updated_ms)
        VALUES (?, ?, ?, ?, ?, ?, 'active', 1, ?, ?, ?, ?, ?)
        ON CONFLICT (${columns}) DO UPDATE SET status = 'active', version = upstream_grants.version + 1, token = excluded.token,
          client_id = excluded.client_id, scopes = excluded.scopes, expires_ms = excluded.expires_ms, reason = NULL, lease_owner = NULL,
          lease_until_ms = NULL, updated_ms = excluded.updated_ms`
      const { token, clientId, scopes } = change
      const values = [sealed(key, token), clientId, scopes.join(' '), token.expiresAt ?? null, clock.now()]
      had(await durable.transact((transaction) => transaction.run(sql, [...cells(key), ...values])))
    },
    takenBack: async (filter, reason) => {
      const { where: found, params } = condition(filter)
      const those = `${found === '' ? ' WHERE' : `${found} AND`} status NOT IN ('revoked', 'empty')`
      const rows = had(
        await durable.transact(async (transaction) => {
          const all = await transaction.all(`SELECT * FROM upstream_grants${those}`, params)
          await transaction.run(`UPDATE upstream_grants SET ${over}${those}`, [reason, clock.now(), ...params])
          return all
        }),
      )
      return rows.map(grantOf)
    },
    ended: async (key, reason) => {
      const sql = `UPDATE upstream_grants SET ${over} WHERE ${where}`
      had(await durable.transact((transaction) => transaction.run(sql, [reason, clock.now(), ...cells(key)])))
    },
    changedSince: async (ms) => {
      const sql = `SELECT ${columns}, status, version FROM upstream_grants WHERE updated_ms >= ?`
      const rows = had(await durable.read((reader) => reader.all(sql, [ms - skewMs])))
      return rows.map((row) => ({ key: keyOf(row), status: String(row.status) as GrantStatus, version: Number(row.version) }))
    },
  }
}

/** How far the clocks of two gateways may be apart, in ms. */
const skewMs = 60_000

function cells({ tenant, server, iss, sub, issuer, resource }: GrantKey): string[] {
  return [tenant, server, iss, sub, issuer, resource]
}

function keyOf(row: Row): GrantKey {
  const text = (cell: Cell | undefined): string => String(cell ?? '')
  return {
    tenant: text(row.tenant),
    server: text(row.server),
    iss: text(row.iss),
    sub: text(row.sub),
    issuer: text(row.issuer),
    resource: text(row.resource),
  }
}

function had<T>(stored: Stored<T>): T {
  if (!stored.ok) throw new CredentialFailure('unavailable', `the store of grants cannot be used: ${stored.fault.message}`)
  return stored.value
}
