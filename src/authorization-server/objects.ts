// What the authorization server issued and must find again: codes, refresh tokens, grants, sessions, interactions. Found by digest, encrypted,
// gone when their time is over.
import { createHash } from 'node:crypto'
import type { Clock } from '../core/ports/clock.ts'
import type { Durable, Row, Stored, StoreFault } from '../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../core/ports/vault.ts'
import { tenant } from './domain.ts'

export type Payload = Readonly<Record<string, unknown>>

export interface ObjectIndex {
  readonly grantId?: string | undefined
  readonly uid?: string | undefined
}

export interface AuthorizationObjects {
  /** In place of what was there under the id; `ttlMs` from now. */
  put(model: string, id: string, payload: Payload, index: ObjectIndex, ttlMs: number): Promise<void>
  /** False where the id is there already. */
  add(model: string, id: string, payload: Payload, ttlMs: number): Promise<boolean>
  /** `consumed`: seconds since the epoch, where it was used up. */
  find(model: string, id: string): Promise<(Payload & { readonly consumed?: number }) | undefined>
  findByUid(model: string, uid: string): Promise<Payload | undefined>
  /** Reads and removes, for one caller alone. */
  take(model: string, id: string): Promise<Payload | undefined>
  /** False where somebody else had used it up before; then all of its grant is gone. */
  consume(model: string, id: string): Promise<boolean>
  remove(model: string, id: string): Promise<void>
  removeOfGrant(grantId: string): Promise<void>
  /** All of a model that are not over, for operators. */
  all(model: string): Promise<readonly Payload[]>
  /** Removes what is over. */
  sweep(): Promise<void>
}

/** The store could not be read or written. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  readonly fault: StoreFault

  constructor(fault: StoreFault) {
    super(`The store cannot be had: ${fault.message}`)
    this.fault = fault
  }
}

export function valueIn<T>(stored: Stored<T>): T {
  if (stored.ok) return stored.value
  throw new StoreUnavailable(stored.fault)
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

const at = 'tenant = ? AND model = ? AND id_hash = ?'
const columns = 'tenant, model, id_hash, grant_hash, uid_hash, payload, expires_ms, consumed_ms'

export function createObjects(durable: Durable, vault: Vault, clock: Clock): AuthorizationObjects {
  const place = (model: string, idHash: string): VaultPlace => ['authorization_objects', 'payload', tenant, model, idHash]

  const sealed = (model: string, idHash: string, payload: Payload): Uint8Array =>
    vault.seal(Buffer.from(JSON.stringify(payload)), place(model, idHash))

  const rowFor = (model: string, id: string, payload: Payload, { grantId, uid }: ObjectIndex, ttlMs: number) => {
    const idHash = digest(id)
    const [grant, sessionUid] = [grantId, uid].map((value) => (value === undefined ? '' : digest(value)))
    return [tenant, model, idHash, grant ?? '', sessionUid ?? '', sealed(model, idHash, payload), clock.now() + ttlMs, 0]
  }

  /** What cannot be opened, since the vault has another key, is as good as gone. */
  const payloadOf = (model: string, row: Row | undefined): Payload | undefined => {
    if (row === undefined || !(row.payload instanceof Uint8Array) || Number(row.expires_ms) <= clock.now()) return undefined
    const opened = vault.open(row.payload, place(model, String(row.id_hash)))
    if (opened === undefined) return undefined
    const payload = JSON.parse(Buffer.from(opened).toString()) as Payload
    const consumed = Number(row.consumed_ms)
    return consumed === 0 ? payload : { ...payload, consumed: Math.floor(consumed / 1000) }
  }

  return {
    put: async (model, id, payload, index, ttlMs) => {
      const sql = `INSERT INTO authorization_objects (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant, model, id_hash) DO UPDATE SET grant_hash = excluded.grant_hash, uid_hash = excluded.uid_hash,
          payload = excluded.payload, expires_ms = excluded.expires_ms`
      valueIn(await durable.transact((transaction) => transaction.run(sql, rowFor(model, id, payload, index, ttlMs))))
    },
    add: async (model, id, payload, ttlMs) => {
      const sql = `INSERT INTO authorization_objects (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
      return valueIn(await durable.transact((transaction) => transaction.run(sql, rowFor(model, id, payload, {}, ttlMs)))) === 1
    },
    find: async (model, id) => {
      const sql = `SELECT * FROM authorization_objects WHERE ${at}`
      const [row] = valueIn(await durable.read((reader) => reader.all(sql, [tenant, model, digest(id)])))
      return payloadOf(model, row)
    },
    findByUid: async (model, uid) => {
      const sql = 'SELECT * FROM authorization_objects WHERE tenant = ? AND model = ? AND uid_hash = ?'
      const [row] = valueIn(await durable.read((reader) => reader.all(sql, [tenant, model, digest(uid)])))
      return payloadOf(model, row)
    },
    take: async (model, id) => {
      const key = [tenant, model, digest(id)]
      const row = valueIn(
        await durable.transact(async (transaction) => {
          const [found] = await transaction.all(`SELECT * FROM authorization_objects WHERE ${at}`, key)
          await transaction.run(`DELETE FROM authorization_objects WHERE ${at}`, key)
          return found
        }),
      )
      return payloadOf(model, row)
    },
    consume: async (model, id) => {
      const key = [tenant, model, digest(id)]
      return valueIn(
        await durable.transact(async (transaction) => {
          const sql = `UPDATE authorization_objects SET consumed_ms = ? WHERE ${at} AND consumed_ms = 0`
          if ((await transaction.run(sql, [clock.now(), ...key])) === 1) return true
          const [row] = await transaction.all(`SELECT grant_hash FROM authorization_objects WHERE ${at}`, key)
          const grant = String(row?.grant_hash ?? '')
          if (grant !== '') {
            await transaction.run('DELETE FROM authorization_objects WHERE tenant = ? AND grant_hash = ?', [tenant, grant])
            await transaction.run(`DELETE FROM authorization_objects WHERE ${at}`, [tenant, 'Grant', grant])
          }
          return false
        }),
      )
    },
    remove: async (model, id) => {
      const sql = `DELETE FROM authorization_objects WHERE ${at}`
      valueIn(await durable.transact((transaction) => transaction.run(sql, [tenant, model, digest(id)])))
    },
    removeOfGrant: async (grantId) => {
      const sql = 'DELETE FROM authorization_objects WHERE tenant = ? AND grant_hash = ?'
      valueIn(await durable.transact((transaction) => transaction.run(sql, [tenant, digest(grantId)])))
    },
    all: async (model) => {
      const sql = 'SELECT * FROM authorization_objects WHERE tenant = ? AND model = ? AND expires_ms > ?'
      const rows = valueIn(await durable.read((reader) => reader.all(sql, [tenant, model, clock.now()])))
      return rows.map((row) => payloadOf(model, row)).filter((payload) => payload !== undefined)
    },
    sweep: async () => {
      const now = clock.now()
      valueIn(
        await durable.transact(async (transaction) => {
          await transaction.run('DELETE FROM authorization_objects WHERE expires_ms <= ?', [now])
          await transaction.run('DELETE FROM authorization_links WHERE expires_ms <= ?', [now])
        }),
      )
    },
  }
}
