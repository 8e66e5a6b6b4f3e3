import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { auditStoreContract } from '../../../test/contracts/audit-store-contract.ts'
import { type PostgresServer, postgresPath, startPostgres } from '../../../test/peers/postgres.ts'
import type { Durable } from '../../core/ports/durable.ts'
import { indexRow } from '../../observe/audit/index-row.ts'
import { systemClock } from '../clock/system-clock.ts'
import { parsePostgresUrl } from '../store/postgres/address.ts'
import { createPostgresDurable } from '../store/postgres/durable.ts'
import { auditChainsDomain, createDurableAudit } from './durable.ts'
import { createSqliteAudit } from './sqlite.ts'

const report = { log: () => undefined, counters: { add: () => undefined, session: () => undefined } }

describe('the audit in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-audit-store-'))
  let files = 0
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  auditStoreContract(async () => {
    const file = join(folder, `audit-${files++}.db`)
    return { open: async () => createSqliteAudit({ file, indexRow, isSafe: true, clock: systemClock, report }) }
  })
})

describe.skipIf(postgresPath === undefined)('the audit in PostgreSQL', () => {
  const closers: (() => Promise<void>)[] = []
  const open: Durable[] = []
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(closers)
  }, 60_000)
  afterAll(async () => {
    await Promise.all(open.map((durable) => durable.close()))
    for (const close of closers.reverse()) await close()
  })
  auditStoreContract(async () => {
    const address = parsePostgresUrl(await server.database())
    if (typeof address === 'string') throw new Error(address)
    const options = { address, domains: [auditChainsDomain], program: 'test', clock: systemClock, report, migrates: true }
    return {
      open: async () => {
        const durable = createPostgresDurable(options)
        open.push(durable)
        return createDurableAudit({ durable, indexRow, clock: systemClock })
      },
    }
  })
})
