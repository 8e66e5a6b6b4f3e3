// The addresses of the admin door, each resource once, and what all of them answer from.
import type { Resource } from '../resource.ts'
import { alerts } from './alerts.ts'
import { audit } from './audit.ts'
import { budgets } from './budgets.ts'
import { clients } from './clients.ts'
import { config } from './config.ts'
import { openApiDocument } from './document.ts'
import { events } from './events.ts'
import { faults } from './faults.ts'
import { grants } from './grants.ts'
import { keys } from './keys.ts'
import { metrics } from './metrics.ts'
import { objectives } from './objectives.ts'
import { policy } from './policy.ts'
import { quality } from './quality.ts'
import { runs } from './runs.ts'
import { sessions } from './sessions.ts'
import { silences } from './silences.ts'
import { stores } from './stores.ts'
import { summary } from './summary.ts'
import { toolVersions } from './tool-versions.ts'
import { tools } from './tools.ts'
import { upstreamActions } from './upstream-actions.ts'
import { upstreams } from './upstreams.ts'

export const resources = [
  metrics,
  openApiDocument,
  summary,
  upstreams,
  upstreamActions,
  stores,
  clients,
  alerts,
  silences,
  objectives,
  faults,
  quality,
  runs,
  audit,
  budgets,
  tools,
  toolVersions,
  events,
  sessions,
  keys,
  grants,
  config,
  policy,
] as const

type Taking<R> = R extends Resource<infer Parts> ? (parts: Parts) => void : never

/** The parts of all resources together. */
export type ResourceParts = Taking<(typeof resources)[number]> extends (parts: infer All) => void ? All : never
