// API keys in the durable store: what is kept of a key tells nobody the key. The pepper of the digests is kept encrypted by the vault.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Domain, Durable, Reader, Row, StoreFault, Transaction } from '../../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

export const apiKeysDomain: Domain = {
  name: 'api_keys',
  sealed: [{ table: 'api_key_peppers', column: 'pepper', key: ['tenant', 'id'] }],
  migrations: [
    {
      what: 'API keys, and the peppers of their digests',
      statements: [
        `CREATE TABLE api_key_peppers (
           tenant TEXT NOT NULL, id TEXT NOT NULL, made_ms BIGINT NOT NULL, pepper BYTEA NOT NULL,
           PRIMARY KEY (tenant, id))`,
        `CREATE TABLE api_keys (
           tenant TEXT NOT NULL, id TEXT NOT NULL, subject TEXT NOT NULL, digest BYTEA NOT NULL, pepper TEXT NOT NULL, scopes TEXT NOT NULL,
           member_of TEXT NOT NULL, made_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, used_ms BIGINT, revoked_ms BIGINT,
           PRIMARY KEY (tenant, id))`,
        'CREATE UNIQUE INDEX api_keys_by_id ON api_keys (id)',
      ],
    },
  ],
}

export interface ApiKey {
  readonly tenant: string
  readonly id: string
  readonly subject: string
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  /** Milliseconds since the epoch. */
  readonly madeMs: number
  readonly expiresMs: number
  readonly usedMs: number | undefined
  readonly revokedMs: number | undefined
}

export interface NewApiKey {
  readonly tenant: string
  readonly subject: string
  readonly scopes: readonly string[]
  readonly groups: readonly string[]
  readonly lifetimeMs: number
}

/** The store could not be read or written. */
export class ApiKeysUnavailable extends Error {
  override readonly name = 'ApiKeysUnavailable'

  constructor(fault: StoreFault) {
    super(fault.message)
  }
}

/** Each of them rejects with `ApiKeysUnavailable`. */
export interface ApiKeyStore {
  /** The key itself is given here and nowhere again. */
  create(wanted: NewApiKey): Promise<{ readonly key: string; readonly kept: ApiKey }>
  list(): Promise<readonly ApiKey[]>
  /** False where there is no such key, or it was revoked before. */
  revoke(id: string): Promise<boolean>
  /** Undefined where the text is no key that is known. One that has ended or was revoked is known. */
  find(key: string): Promise<ApiKey | undefined>
  /** Notes that it was used. */
  used(id: string): Promise<void>
}

export interface ApiKeyStoreParts {
  readonly durable: Durable
  readonly vault: Vault
  readonly clock: Clock
  readonly random: Random
}

/** The peppers belong to the gateway, not to a tenant of it. */
const owner = ''
const form = /^sbx_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** Whether a text has the form of a key, good or not. */
export function isApiKey(text: string): boolean {
  return text.startsWith('sbx_')
}

interface Pepper {
  readonly id: string
  readonly value: Uint8Array
}

export function createApiKeyStore({ durable, vault, clock, random }: ApiKeyStoreParts): ApiKeyStore {
  const peppers = new Map<string, Pepper>()

  const placeOf = (id: string): VaultPlace => ['api_key_peppers', 'pepper', owner, id]

  /** A pepper that cannot be opened (its vault key is gone) is as good as none. */
  const opened = (row: Row | undefined): Pepper | undefined => {
    const value = row?.pepper instanceof Uint8Array ? vault.open(row.pepper, placeOf(String(row.id))) : undefined
    return value === undefined ? undefined : { id: String(row?.id), value }
  }

  const newest = async (transaction: Transaction): Promise<Pepper> => {
    const rows = await transaction.all('SELECT * FROM api_key_peppers WHERE tenant = ? ORDER BY made_ms DESC, id LIMIT 1', [owner])
    const known = opened(rows[0])
    if (known !== undefined) return known
    const fresh: Pepper = { id: random.id(), value: random.bytes(32) }
    const sealed = vault.seal(fresh.value, placeOf(fresh.id))
    await transaction.run('INSERT INTO api_key_peppers (tenant, id, made_ms, pepper) VALUES (?, ?, ?, ?)', [
      owner,
      fresh.id,
      clock.now(),
      sealed,
    ])
    return fresh
  }

  const pepperOf = async (reader: Reader, id: string): Promise<Pepper | undefined> => {
    const known = peppers.get(id) ?? opened((await reader.all('SELECT * FROM api_key_peppers WHERE tenant = ? AND id = ?', [owner, id]))[0])
    if (known !== undefined) peppers.set(id, known)
    return known
  }

  return {
    create: async ({ tenant, subject, scopes, groups, lifetimeMs }) => {
      const id = Buffer.from(random.bytes(8)).toString('hex')
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const now = clock.now()
      const times = { madeMs: now, expiresMs: now + lifetimeMs, usedMs: undefined, revokedMs: undefined }
      const stored = await durable.transact(async (transaction) => {
        const pepper = await newest(transaction)
        await transaction.run(
          `INSERT INTO api_keys (tenant, id, subject, digest, pepper, scopes, member_of, made_ms, expires_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          [tenant, id, subject, digestOf(pepper, secret), pepper.id, JSON.stringify(scopes), JSON.stringify(groups), now, times.expiresMs],
        )
      })
      if (!stored.ok) throw new ApiKeysUnavailable(stored.fault)
      return { key: `sbx_${id}_${secret}`, kept: { tenant, id, subject, scopes, groups, ...times } }
    },
    list: async () => {
      const stored = await durable.read((reader) => reader.all('SELECT * FROM api_keys ORDER BY made_ms, id'))
      if (!stored.ok) throw new ApiKeysUnavailable(stored.fault)
      return stored.value.map(keptOf)
    },
    revoke: async (id) => {
      const stored = await durable.transact((transaction) =>
        transaction.run('UPDATE api_keys SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL', [clock.now(), id]),
      )
      if (!stored.ok) throw new ApiKeysUnavailable(stored.fault)
      return stored.value > 0
    },
    find: async (key) => {
      const [, id = '', secret = ''] = form.exec(key) ?? []
      if (id === '') return undefined
      const stored = await durable.read(async (reader) => {
        const [row] = await reader.all('SELECT * FROM api_keys WHERE id = ?', [id])
        const pepper = row === undefined ? undefined : await pepperOf(reader, String(row.pepper))
        return { row, pepper }
      })
      if (!stored.ok) throw new ApiKeysUnavailable(stored.fault)
      const { row, pepper } = stored.value
      if (row === undefined || pepper === undefined || !(row.digest instanceof Uint8Array)) return undefined
      const digest = digestOf(pepper, secret)
      return digest.length === row.digest.length && timingSafeEqual(digest, row.digest) ? keptOf(row) : undefined
    },
    used: async (id) => {
      await durable.transact((transaction) => transaction.run('UPDATE api_keys SET used_ms = ? WHERE id = ?', [clock.now(), id]))
    },
  }
}

function digestOf(pepper: Pepper, secret: string): Buffer {
  return createHmac('sha256', pepper.value).update(secret).digest()
}

function keptOf(row: Row): ApiKey {
  return {
    tenant: String(row.tenant),
    id: String(row.id),
    subject: String(row.subject),
    scopes: listOf(row.scopes),
    groups: listOf(row.member_of),
    madeMs: Number(row.made_ms),
    expiresMs: Number(row.expires_ms),
    usedMs: row.used_ms === null ? undefined : Number(row.used_ms),
    revokedMs: row.revoked_ms === null ? undefined : Number(row.revoked_ms),
  }
}

function listOf(cell: unknown): readonly string[] {
  try {
    const value: unknown = JSON.parse(String(cell))
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}
