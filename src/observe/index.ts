// The face of the observers: readers of the call record, and the two ways that living parts report.

export {
  type AlertKind,
  Alerts,
  alertsDomain,
  type Condition,
  HeldEvents,
  kindsOfAlerts,
  type ShownIncident,
  type ShownSilence,
  Sunsets,
  watching,
} from './alerts/index.ts'
export { type Audit, createAudit } from './audit/audit.ts'
export { auditDomain } from './audit/dropped-table.ts'
export { createEncoder } from './audit/encode.ts'
export * from './audit/index.ts'
export { indexRow } from './audit/index-row.ts'
export { keptArguments } from './audit/kept-arguments.ts'
export { redactedDecisions } from './audit/redacted-decisions.ts'
export { type Summary, summaryOf } from './audit/summary.ts'
export { CallFeed } from './call-feed.ts'
export { clientsDomain, createClientStore } from './client-store.ts'
export { type FaultGroup, FaultGroups, type FaultState, FaultStore, faultsDomain, ShownFaults } from './faults/index.ts'
export { type ClientSeen, createInventory, type Inventory, mostClients } from './inventory.ts'
export { type InventorySaving, saveInventory } from './inventory-saving.ts'
export { createLog, type LogSink } from './log.ts'
export { createMetricsExport } from './metrics/export.ts'
export type { Gauges } from './metrics/gauges.ts'
export { createMetrics, type Metrics } from './metrics/metrics.ts'
export { type ObjectiveReport, ObjectiveStore, Objectives, objectivesDomain } from './objectives/index.ts'
export { createRecorder } from './recorder.ts'
export { createRedactor } from './redact.ts'
export { createStageTimes } from './stage-times.ts'
export { SteadyTime } from './steady-time.ts'
export * from './timeline/index.ts'
export { createTraces, type Traces } from './trace/traces.ts'
