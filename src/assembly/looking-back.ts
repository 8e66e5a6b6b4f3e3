// What the admin door tells of what was: rows of the audit, timelines of runs, sums and costs.
import type { AuditRead } from '../core/ports/audit-store.ts'
import type { Stored } from '../core/ports/durable.ts'
import type { AuditReading, LookingBack } from '../downstream/index.ts'
import {
  auditRows,
  costBy,
  type Dimension,
  dimensions,
  rowsOfCall,
  rowsOfRun,
  runsBy,
  summaryOf,
  timelineOf,
  verifyAudit,
} from '../observe/index.ts'
import type { AuditVerifier } from '../platform/audit/signing-key.ts'

export function lookingBack(audit: AuditRead, currency: string): LookingBack {
  return {
    currency,
    dimensions,
    runs: async (filter, most, after) => given(await runsBy(audit, filter, { most, after })),
    timeline: async (run, principal) => {
      const found = await rowsOfRun(audit, run, principal)
      return found.ok ? timelineOf(run, found.value.rows, found.value.cut) : found.fault.message
    },
    call: async (id) => given(await rowsOfCall(audit, id)),
    cost: async (by, filter) => given(await costBy(audit, by as readonly Dimension[], filter)),
    summary: async (nowMs, windowMs) => given(await summaryOf(audit, nowMs, windowMs)),
  }
}

export function auditReading(audit: AuditRead, verifier: () => AuditVerifier | undefined): AuditReading {
  return {
    rows: async (filter, most, after) => given(await auditRows(audit, filter, { order: 'newest', most, after })),
    verify: async () => given(await verifyAudit(audit, { verifier: verifier() })),
  }
}

function given<T>(read: Stored<T>): T | string {
  return read.ok ? read.value : read.fault.message
}
