// A store for a test of what is kept in it: SQLite in memory, or, where `TEST_POSTGRES` names a server, an empty database of it. So
// test/stores/domains-on-postgres.test.ts runs the tests of domains a second time.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../src/core/ports/clock.ts'
import type { Domain, Durable } from '../../src/core/ports/durable.ts'
import type { Report } from '../../src/core/ports/report.ts'
import { parsePostgresUrl } from '../../src/platform/store/postgres/address.ts'
import { createPostgresDurable } from '../../src/platform/store/postgres/durable.ts'
import { createSqliteDurable } from '../../src/platform/store/sqlite/durable.ts'
import { postgresPath } from '../peers/postgres.ts'

export interface TestDurable {
  readonly domains: readonly Domain[]
  readonly clock: Clock
  readonly report: Report
}

export function testDurable(parts: TestDurable): Durable {
  const server = process.env.TEST_POSTGRES
  if (server === undefined) return createSqliteDurable({ ...parts, file: undefined, program: 'test' })
  const name = `domains_${randomUUID().replaceAll('-', '')}`
  execFileSync(join(postgresPath ?? '', 'psql'), [server, '-qc', `CREATE DATABASE ${name}`], { stdio: 'pipe' })
  const address = parsePostgresUrl(server.replace(/\w+$/, name))
  if (typeof address === 'string') throw new Error(address)
  return createPostgresDurable({ ...parts, address, migrates: true, program: 'test' })
}
