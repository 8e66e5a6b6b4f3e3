// The tables of all domains, as they come out of their migrations.
import { createHash } from 'node:crypto'
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it } from 'vitest'
import { domains } from '../../src/assembly/stores.ts'

/** Of every migration that was released or landed: what it does to a store out there can no longer be changed. */
const landed: Readonly<Record<string, readonly string[]>> = {
  catalogs: ['999559c9c34f9899'],
  clients: ['889e19ca580ef787', 'ac210502b78af9db'],
  config_revisions: ['d7fc872eadea6947'],
  sessions: ['05d43b1b65c7ca59'],
  signing_keys: ['89f02c0f1103f6a4'],
  authorization: ['d26ca92c3e717b89'],
  audit: ['4a1ffc1149f35857', '49cec1a09c77cd6e'],
  connect: ['eb1a518c75083643'],
  grants: ['a29ea2813fe22805'],
  upstream_clients: ['2ecbfbad917749a9'],
  api_keys: ['ad029d74348be3ca'],
  revocations: ['94f13f024d59b772'],
  budget_usage: ['533391bbf52b7ec3'],
  tool_contracts: ['d48aca490a85efc0', 'b24958a807f6d013'],
  tool_deprecations: ['c6a58a5748110f81'],
  tool_histories: ['79fafe2b860653e1'],
  tool_usage: ['d6e6a2f2f437c099'],
  alerts: ['df48bcc7212f24db', 'a85c9d3e54658997'],
  faults: ['0927b8addf254ee7'],
  objectives: ['f46475403022c600'],
  run_usage: ['5afdd300e7075786'],
}

describe('the tables of the durable store', () => {
  const database = new DatabaseSync(':memory:')
  for (const { migrations } of domains) for (const { statements } of migrations) for (const sql of statements) database.exec(sql)
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all() as { name: string }[]

  it('begin their primary key with the tenant', () => {
    // The audit's went with its second migration.
    expect(tables.length).toBeGreaterThanOrEqual(domains.length - 1)
    const first = tables.map(({ name }) => {
      const columns = database.prepare(`PRAGMA table_info(${name})`).all() as { name: string; pk: number }[]
      return `${name}: ${columns.find(({ pk }) => pk === 1)?.name}`
    })
    expect(first).toEqual(tables.map(({ name }) => `${name}: tenant`))
  })

  it('are made by statements that PostgreSQL knows too, and belong to domains with names of their own', () => {
    const sql = domains.flatMap(({ migrations }) => migrations.flatMap(({ statements }) => statements)).join('\n')
    expect(sql.match(/\b(AUTOINCREMENT|INTEGER|BLOB|REAL|DATETIME|WITHOUT ROWID|STRICT|PRAGMA|INSERT OR|REPLACE INTO)\b/gi)).toBeNull()
    expect(new Set(domains.map(({ name }) => name)).size).toBe(domains.length)
  })

  it('change by new migrations at the end only', () => {
    const now = Object.fromEntries(
      domains.map(({ name, migrations }) => [
        name,
        migrations.map(({ statements }) => createHash('sha256').update(JSON.stringify(statements)).digest('hex').slice(0, 16)),
      ]),
    )
    // One that is new is added here with its commit; one that is here stays as it is.
    expect(now).toEqual(landed)
  })
})
