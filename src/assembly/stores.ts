// The durable store of this gateway: which engine, where, and the domains that keep something in it.
import { join } from 'node:path'
import { authorizationDomain } from '../authorization-server/index.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Domain, Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import { sessionsDomain } from '../downstream/index.ts'
import { catalogsDomain } from '../gateway/catalog/kept-catalogs.ts'
import { contractsDomain } from '../gateway/contracts/history.ts'
import { upstreamClientsDomain } from '../gateway/credentials/clients.ts'
import { connectDomain } from '../gateway/credentials/connect-requests.ts'
import { grantsDomain } from '../gateway/credentials/grants.ts'
import { apiKeysDomain, revocationsDomain } from '../gateway/identity/index.ts'
import { runUsageDomain } from '../gateway/limits/kept-runs.ts'
import { budgetUsageDomain } from '../gateway/limits/kept-usage.ts'
import { toolHistoriesDomain } from '../gateway/quality/index.ts'
import { deprecationsDomain } from '../gateway/versions/plans.ts'
import { toolUsageDomain } from '../gateway/versions/usage.ts'
import { alertsDomain, auditDomain, clientsDomain, faultsDomain, objectivesDomain } from '../observe/index.ts'
import { auditChainsDomain } from '../platform/audit/durable.ts'
import { revisionsDomain } from '../platform/config/revisions.ts'
import { signingKeysDomain } from '../platform/keys/signing-keys.ts'
import { isPostgresUrl } from '../platform/store/postgres/address.ts'
import { createPostgresDurable } from '../platform/store/postgres/durable.ts'
import { createSqliteDurable } from '../platform/store/sqlite/durable.ts'
import { databaseOf, type StorePlace } from './database.ts'
import { identity } from './identity.ts'

export const domains: readonly Domain[] = [
  apiKeysDomain,
  revocationsDomain,
  catalogsDomain,
  clientsDomain,
  sessionsDomain,
  signingKeysDomain,
  auditDomain,
  authorizationDomain,
  grantsDomain,
  upstreamClientsDomain,
  connectDomain,
  budgetUsageDomain,
  contractsDomain,
  toolUsageDomain,
  deprecationsDomain,
  toolHistoriesDomain,
  alertsDomain,
  runUsageDomain,
  objectivesDomain,
  faultsDomain,
  revisionsDomain,
]

/** A file has its audit in another. */
export const databaseDomains: readonly Domain[] = [...domains, auditChainsDomain]

/** Whether what is kept is there after a restart. */
export function outlivesRestart({ stateDir, stores }: StorePlace): boolean {
  return stateDir !== undefined || isPostgresUrl(stores.durable)
}

/**
 * Opens with the first use. Without a state folder and a database it is in memory, and ends with the gateway. `migrates` false: the tables of
 * a database, which others may use, are taken as they are, or not at all.
 */
export function createDurable(place: StorePlace, clock: Clock, report: Report, migrates = true): Durable {
  const { stateDir } = place
  const parts = { domains, program: identity.version, clock, report }
  const address = databaseOf(place)
  if (address !== undefined) return createPostgresDurable({ ...parts, domains: databaseDomains, address, migrates })
  return createSqliteDurable({ ...parts, file: stateDir === undefined ? undefined : join(stateDir, storeFile) })
}

/** In the state folder. */
export const storeFile = 'signalbox.db'
