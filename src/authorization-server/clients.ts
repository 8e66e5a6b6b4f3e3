// Clients that registered by themselves (RFC 7591). Their number is bounded: what was never used goes first.
import type { Clock } from '../core/ports/clock.ts'
import type { Durable, Row } from '../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../core/ports/vault.ts'
import { tenant } from './domain.ts'
import { type Payload, valueIn } from './objects.ts'

/** How long a client that never got a token is kept, in ms. */
export const unusedMs = 24 * 3_600_000

/** How long one that did is kept after its last, in ms: longer than a refresh token lives. */
export const idleMs = 90 * 24 * 3_600_000

export interface RegisteredClients {
  /** False where there is no room, since all that are there were used. */
  put(clientId: string, metadata: Payload): Promise<boolean>
  find(clientId: string): Promise<Payload | undefined>
  /** Those that got a token last come first; `usedMs`: 0 where it never got one. `metadata`: undefined where they cannot be opened. */
  all(): Promise<readonly RegisteredClient[]>
  remove(clientId: string): Promise<void>
  /** It got a token. */
  used(clientId: string): Promise<void>
  /** Removes those that are not used; gives how many. */
  sweep(): Promise<number>
  count(): Promise<number>
}

export interface RegisteredClient {
  readonly clientId: string
  readonly metadata: Payload | undefined
  readonly registeredMs: number
  readonly usedMs: number
}

const at = 'tenant = ? AND client_id = ?'

export function createClients(durable: Durable, vault: Vault, clock: Clock, most: number): RegisteredClients {
  const place = (clientId: string): VaultPlace => ['authorization_clients', 'metadata', tenant, clientId]

  const metadataOf = (row: Row | undefined): Payload | undefined => {
    if (row === undefined || !(row.metadata instanceof Uint8Array)) return undefined
    const opened = vault.open(row.metadata, place(String(row.client_id)))
    return opened === undefined ? undefined : (JSON.parse(Buffer.from(opened).toString()) as Payload)
  }

  const over =
    'DELETE FROM authorization_clients WHERE tenant = ? AND ((used_ms = 0 AND registered_ms <= ?) OR (used_ms > 0 AND used_ms <= ?))'
  const overAt = () => [tenant, clock.now() - unusedMs, clock.now() - idleMs]

  return {
    put: async (clientId, metadata) => {
      const sealed = vault.seal(Buffer.from(JSON.stringify(metadata)), place(clientId))
      return valueIn(
        await durable.transact(async (transaction) => {
          await transaction.run(over, overAt())
          const [counted] = await transaction.all('SELECT COUNT(*) AS n FROM authorization_clients WHERE tenant = ? AND client_id <> ?', [
            tenant,
            clientId,
          ])
          if (Number(counted?.n) >= most) {
            const oldest = `DELETE FROM authorization_clients WHERE tenant = ? AND client_id IN
              (SELECT client_id FROM authorization_clients WHERE tenant = ? AND used_ms = 0 ORDER BY registered_ms, client_id LIMIT 1)`
            if ((await transaction.run(oldest, [tenant, tenant])) === 0) return false
          }
          await transaction.run(
            `INSERT INTO authorization_clients (tenant, client_id, metadata, registered_ms, used_ms) VALUES (?, ?, ?, ?, 0)
             ON CONFLICT (tenant, client_id) DO UPDATE SET metadata = excluded.metadata`,
            [tenant, clientId, sealed, clock.now()],
          )
          return true
        }),
      )
    },
    find: async (clientId) => {
      const sql = `SELECT * FROM authorization_clients WHERE ${at}`
      const [row] = valueIn(await durable.read((reader) => reader.all(sql, [tenant, clientId])))
      return metadataOf(row)
    },
    all: async () => {
      const sql = 'SELECT * FROM authorization_clients WHERE tenant = ? ORDER BY used_ms DESC, registered_ms DESC, client_id'
      const rows = valueIn(await durable.read((reader) => reader.all(sql, [tenant])))
      return rows.map((row) => ({
        clientId: String(row.client_id),
        metadata: metadataOf(row),
        registeredMs: Number(row.registered_ms),
        usedMs: Number(row.used_ms),
      }))
    },
    remove: async (clientId) => {
      valueIn(await durable.transact((transaction) => transaction.run(`DELETE FROM authorization_clients WHERE ${at}`, [tenant, clientId])))
    },
    used: async (clientId) => {
      const sql = `UPDATE authorization_clients SET used_ms = ? WHERE ${at}`
      valueIn(await durable.transact((transaction) => transaction.run(sql, [clock.now(), tenant, clientId])))
    },
    sweep: async () => valueIn(await durable.transact((transaction) => transaction.run(over, overAt()))),
    count: async () => {
      const sql = 'SELECT COUNT(*) AS n FROM authorization_clients WHERE tenant = ?'
      const [row] = valueIn(await durable.read((reader) => reader.all(sql, [tenant])))
      return Number(row?.n)
    },
  }
}
