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
import { budgetUsageDomain } from '../gateway/limits/kept-usage.ts'
import { toolHistoriesDomain } from '../gateway/quality/index.ts'
import { deprecationsDomain } from '../gateway/versions/plans.ts'
import { toolUsageDomain } from '../gateway/versions/usage.ts'
import { auditDomain, clientsDomain } from '../observe/index.ts'
import { signingKeysDomain } from '../platform/keys/signing-keys.ts'
import { createSqliteDurable } from '../platform/store/sqlite/durable.ts'
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
]

/** Opens with the first use. Without a state folder it is in memory, and ends with the gateway. */
export function createDurable(stateDir: string | undefined, clock: Clock, report: Report): Durable {
  const file = stateDir === undefined ? undefined : join(stateDir, 'signalbox.db')
  return createSqliteDurable({ file, domains, program: identity.version, clock, report })
}
