// Signing keys in the durable store, encrypted by the vault: made on first use, replaced in time, shared by all gateways of one store.
import { exportJWK, generateKeyPair } from 'jose'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Domain, Durable, Row, StoreFault, Transaction } from '../../core/ports/durable.ts'
import type { PublicJwk, SigningKey, SigningKeys, SigningPurpose } from '../../core/ports/signing-keys.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

export const signingKeysDomain: Domain = {
  name: 'signing_keys',
  sealed: [{ table: 'signing_keys', column: 'private_jwk', key: ['tenant', 'purpose', 'kid'] }],
  migrations: [
    {
      what: 'signing keys by purpose',
      statements: [
        `CREATE TABLE signing_keys (
           tenant TEXT NOT NULL, purpose TEXT NOT NULL, kid TEXT NOT NULL, made_ms BIGINT NOT NULL, public_jwk TEXT NOT NULL,
           private_jwk BYTEA NOT NULL,
           PRIMARY KEY (tenant, purpose, kid))`,
      ],
    },
  ],
}

/** Keys belong to the gateway, not to a tenant of it. */
const owner = ''
const alg = 'ES256'

export interface SigningKeysOptions {
  readonly durable: Durable
  readonly vault: Vault
  readonly clock: Clock
  readonly random: Random
  /** How long a key signs, in ms. */
  readonly signsMs?: number
  /** How long before it signs a key is published, and how long after, in ms: longer than verifiers keep a key set and than what it signed lives. */
  readonly overlapMs?: number
  /** How long what was read of the store is used, in ms. */
  readonly readMs?: number
}

interface Kept extends SigningKey {
  readonly madeMs: number
}

interface Known {
  readonly keys: readonly Kept[]
  readonly at: number
}

export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  const { durable, vault, clock, random, signsMs = 24 * 3_600_000, overlapMs = 2 * 3_600_000, readMs = 30_000 } = options
  const known = new Map<SigningPurpose, Known>()
  const reading = new Map<SigningPurpose, Promise<Known>>()

  const usable = (keys: readonly Kept[]): Kept | undefined => {
    const now = clock.now()
    // The first key of all has nobody who could know it beforehand.
    const ready = keys.filter(({ madeMs }, at) => now - madeMs >= overlapMs || at === keys.length - 1)
    return ready[0]
  }

  /** Newest first. A key that cannot be opened (its vault key is gone) is as good as none. */
  const read = async (transaction: Pick<Transaction, 'all'>, purpose: SigningPurpose): Promise<Kept[]> => {
    const sql = 'SELECT * FROM signing_keys WHERE tenant = ? AND purpose = ? ORDER BY made_ms DESC, kid'
    const rows = await transaction.all(sql, [owner, purpose])
    return rows.flatMap((row) => keptOf(row, vault, purpose) ?? [])
  }

  /** Makes the next key in time, in the transaction that found it missing, so that two gateways never make two. */
  const keep = async (purpose: SigningPurpose): Promise<Known> => {
    const fresh = await made(random)
    const now = clock.now()
    const place = placeOf(purpose, fresh.kid)
    const stored = await durable.transact(async (transaction) => {
      const oldest = now - signsMs - 2 * overlapMs
      await transaction.run('DELETE FROM signing_keys WHERE tenant = ? AND purpose = ? AND made_ms < ?', [owner, purpose, oldest])
      const keys = await read(transaction, purpose)
      if (keys[0] !== undefined && !isDue(keys[0], now)) return keys
      await transaction.run('INSERT INTO signing_keys (tenant, purpose, kid, made_ms, public_jwk, private_jwk) VALUES (?, ?, ?, ?, ?, ?)', [
        owner,
        purpose,
        fresh.kid,
        now,
        JSON.stringify(fresh.publicJwk),
        vault.seal(Buffer.from(JSON.stringify(fresh.privateJwk)), place),
      ])
      return [{ ...fresh, madeMs: now }, ...keys]
    })
    if (!stored.ok) throw new KeysUnavailable(stored.fault)
    return { keys: stored.value, at: clock.mono() }
  }

  const isDue = ({ madeMs }: Kept, now: number): boolean => now - madeMs >= signsMs

  const load = async (purpose: SigningPurpose): Promise<Known> => {
    const stored = await durable.read((reader) => read(reader, purpose))
    if (!stored.ok) throw new KeysUnavailable(stored.fault)
    const newest = stored.value[0]
    const found = newest === undefined || isDue(newest, clock.now()) ? await keep(purpose) : { keys: stored.value, at: clock.mono() }
    known.set(purpose, found)
    return found
  }

  const keysOf = (purpose: SigningPurpose): Promise<Known> => {
    const have = known.get(purpose)
    if (have !== undefined && clock.mono() - have.at < readMs) return Promise.resolve(have)
    let running = reading.get(purpose)
    if (running === undefined) {
      // A store that is away for a while does not take keys away that are known and good.
      running = load(purpose)
        .catch((error: unknown) => {
          if (have === undefined) throw error
          return have
        })
        .finally(() => reading.delete(purpose))
      reading.set(purpose, running)
    }
    return running
  }

  return {
    current: async (purpose) => {
      const found = usable((await keysOf(purpose)).keys)
      if (found === undefined) throw new Error(`There is no key for ${purpose}`)
      return found
    },
    all: async (purpose) => {
      const { keys } = await keysOf(purpose)
      const first = usable(keys)
      return first === undefined ? keys : [first, ...keys.filter((key) => key !== first)]
    },
    published: async (purpose) => (await keysOf(purpose)).keys.map(({ publicJwk }) => publicJwk),
  }
}

/** The store could not be read or written. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
  readonly fault: StoreFault

  constructor(fault: StoreFault) {
    super(`The signing keys cannot be had: ${fault.message}`)
    this.fault = fault
  }
}

async function made(random: Random): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const kid = random.id()
  return {
    kid,
    alg,
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' },
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
  }
}

function placeOf(purpose: string, kid: string): VaultPlace {
  return ['signing_keys', 'private_jwk', owner, purpose, kid]
}

function keptOf(row: Row, vault: Vault, purpose: SigningPurpose): Kept | undefined {
  const kid = String(row.kid)
  const opened = row.private_jwk instanceof Uint8Array ? vault.open(row.private_jwk, placeOf(purpose, kid)) : undefined
  if (opened === undefined) return undefined
  try {
    return {
      kid,
      alg,
      madeMs: Number(row.made_ms),
      publicJwk: JSON.parse(String(row.public_jwk)) as PublicJwk,
      privateJwk: JSON.parse(Buffer.from(opened).toString()) as Readonly<Record<string, unknown>>,
    }
  } catch {
    return undefined
  }
}
