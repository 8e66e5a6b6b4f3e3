// A new key of the vault reaches every sealed value of the store, whichever domain keeps it, while others write.
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, it } from 'vitest'
import { domains } from '../../src/assembly/stores.ts'
import type { VaultPlace } from '../../src/core/ports/vault.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { createVault } from '../../src/platform/vault/envelope.ts'
import { rewrapAll } from '../../src/platform/vault/rewrapping.ts'
import { testDurable } from '../doubles/durable.ts'
import { countingReport } from '../doubles/upstream/upstream-rig.ts'

const key = (fill: number): Buffer => Buffer.alloc(32, fill)
const report = countingReport()

/** Columns of bytes that hold no secret: as the servers sent them, sealed by another key, or a digest. */
const plain = new Set([
  'catalogs.snapshot',
  'tool_contracts.definition',
  'tool_states.approved',
  'tool_states.live',
  'tool_histories.state',
  'api_keys.digest',
])

it('every column of bytes is said to be sealed, or known not to be', () => {
  const database = new DatabaseSync(':memory:')
  for (const { migrations } of domains) for (const { statements } of migrations) for (const sql of statements) database.exec(sql)
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[]
  const bytes = tables.flatMap(({ name }) =>
    (database.prepare(`PRAGMA table_info(${name})`).all() as { name: string; type: string }[])
      .filter(({ type }) => type === 'BYTEA')
      .map((column) => `${name}.${column.name}`),
  )
  const sealed = domains.flatMap((domain) => domain.sealed ?? []).map(({ table, column }) => `${table}.${column}`)
  expect(bytes.filter((one) => !plain.has(one)).sort()).toEqual(sealed.sort())
})

it('goes through all rows of all tables, leaves what is written meanwhile, and says what no key opens (U10)', async () => {
  const durable = testDurable({ domains, clock: systemClock, report })
  const old = createVault([key(1)], systemRandom)
  const places: VaultPlace[] = []
  const fill = await durable.transact(async (transaction) => {
    for (let i = 0; i < 250; i += 1) {
      const place: VaultPlace = [
        'upstream_grants',
        'token',
        'default',
        'up',
        'iss',
        `user ${String(i).padStart(3, '0')}`,
        'https://idp',
        'r',
      ]
      places.push(place)
      await transaction.run(
        `INSERT INTO upstream_grants (tenant, server, iss, sub, issuer, resource, status, version, token, client_id, scopes, updated_ms)
         VALUES (?, ?, ?, ?, ?, ?, 'active', 1, ?, '', '', 1)`,
        [...place.slice(2), old.seal(Buffer.from(`token ${i}`), place)],
      )
    }
    const signing: VaultPlace = ['signing_keys', 'private_jwk', '', 'platform', 'k']
    await transaction.run("INSERT INTO signing_keys VALUES ('', 'platform', 'k', 1, '{}', ?)", [old.seal(Buffer.from('jwk'), signing)])
    const object: VaultPlace = ['authorization_objects', 'payload', 'default', 'Session', 'h']
    await transaction.run("INSERT INTO authorization_objects VALUES ('default', 'Session', 'h', '', '', ?, 1, 0)", [
      old.seal(Buffer.from('session'), object),
    ])
    const foreign: VaultPlace = ['authorization_clients', 'metadata', 'default', 'c']
    await transaction.run("INSERT INTO authorization_clients VALUES ('default', 'c', ?, 1, 1)", [
      createVault([key(9)], systemRandom).seal(Buffer.from('lost'), foreign),
    ])
  })
  expect(fill.ok).toBe(true)
  const both = createVault([key(2), key(1)], systemRandom)
  expect(await rewrapAll(durable, both, domains)).toEqual({ ok: true, value: { rewrapped: 252, lost: 1 } })
  expect(await rewrapAll(durable, both, domains)).toEqual({ ok: true, value: { rewrapped: 0, lost: 1 } })
  const alone = createVault([key(2)], systemRandom)
  const rows = await durable.read((reader) => reader.all('SELECT token FROM upstream_grants ORDER BY sub'))
  if (!rows.ok) throw new Error(rows.fault.message)
  for (const [i, row] of rows.value.entries()) {
    expect(Buffer.from(alone.open(row.token as Uint8Array, places[i] as VaultPlace) ?? []).toString()).toBe(`token ${i}`)
  }
  await durable.close()
})
