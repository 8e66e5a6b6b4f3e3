// The face of those who read the audit, by itself: a command that looks back loads nothing that observes calls.
export { type Anchor, anchorsIn } from './chain.ts'
export { type AuditFilter, type AuditPage, allRows, auditRows, rowsOfCall, rowsOfRun } from './read.ts'
export type { AuditRow } from './row.ts'
export { type RunPlace, type RunSums, type RunsFilter, type RunsPage, runsBy } from './runs.ts'
export { type CostReport, costBy, type Dimension, dimensions, type Sums, type SumsFilter } from './sums.ts'
export { type AuditVerdict, verifyAudit } from './verify.ts'
