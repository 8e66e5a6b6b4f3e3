// Rows that are older than they are kept for go, whole batches at a time, up to a checkpoint that is signed: from there the chain is verified.
import type { AuditSigner } from '../../core/ports/audit-signer.ts'
import type { AuditStore } from '../../core/ports/audit-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { checkpointText } from './chain.ts'

export interface ExpiryParts {
  readonly store: AuditStore
  readonly clock: Clock
  readonly report: Report
  readonly signer: AuditSigner
  readonly retentionMs: number
}

export async function expire({ store, clock, report, signer, retentionMs }: ExpiryParts): Promise<void> {
  const expiring = await store.expiring(clock.now() - retentionMs)
  if (!expiring.ok) return report.log('warn', 'Old rows of the audit could not be looked for', { reason: expiring.fault.message })
  for (const head of expiring.value) {
    const atMs = clock.now()
    const checkpoint = { ...head, atMs, key: signer.id, signature: signer.sign(checkpointText(head, atMs)) }
    const dropped = await store.drop(checkpoint)
    if (!dropped.ok) return report.log('warn', 'Old rows of the audit could not be removed', { reason: dropped.fault.message })
    if (dropped.value > 0) report.log('info', 'Old rows of the audit were removed', { rows: dropped.value, audit_checkpoint: checkpoint })
  }
}
