// The audit of a gateway: its store in `stateDir`, its key, and where its anchors go.
import { readFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditSigner } from '../core/ports/audit-signer.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Report } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { type Anchor, type Audit, createAudit, createEncoder, indexRow, keptArguments } from '../observe/index.ts'
import { type AuditVerifier, auditSigner, auditVerifier, loadAuditSigner } from '../platform/audit/signing-key.ts'
import { createSqliteAudit } from '../platform/audit/sqlite.ts'
import { identity } from './identity.ts'
import type { Settings } from './settings.ts'

export interface AuditAssembly {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly redaction: Redaction
  /** Of the installation; absent: arguments are not kept, since no calls are served. */
  readonly sealKey?: Uint8Array
  committed?(ms: number, rows: number): void
}

/** Undefined where nothing outlives a restart: what is in memory is gone when somebody could read it. */
export function assembleAudit(parts: AuditAssembly): Audit | undefined {
  const { settings, clock, random, report, redaction, sealKey, committed } = parts
  const { stateDir, audit } = settings
  if (stateDir === undefined) return undefined
  const mode = auditModeOf(settings)
  return createAudit({
    store: createSqliteAudit({ file: auditFile(stateDir), indexRow, isSafe: mode === 'durable', clock, report }),
    clock,
    random,
    report,
    encoder: createEncoder(redaction, sealKey === undefined ? () => 'null' : keptArguments(audit.arguments, redaction, sealKey)),
    mode,
    onLoss: audit.onLoss ?? (mode === 'durable' ? 'closed' : 'open'),
    retentionMs: audit.retention,
    program: `signalbox ${identity.version}`,
    signer: signerOf(settings, stateDir),
    anchor: anchorsTo(audit.anchors, report),
    ...(committed === undefined ? {} : { committed }),
  })
}

export function auditFile(stateDir: string): string {
  return join(stateDir, 'audit.db')
}

export function auditModeOf({ audit, profile }: Settings): 'durable' | 'buffered' {
  return audit.mode ?? (profile === 'production' ? 'durable' : 'buffered')
}

/** Of the key of this gateway; undefined where it is not at hand. */
export function auditVerifierOf({ audit, stateDir }: Settings): AuditVerifier | undefined {
  try {
    return auditVerifier(audit.key ?? readFileSync(join(stateDir ?? '', 'audit.key'), 'utf8'))
  } catch {
    return undefined
  }
}

function signerOf({ audit }: Settings, stateDir: string): AuditSigner {
  return audit.key === undefined ? loadAuditSigner(join(stateDir, 'audit.key')) : auditSigner(audit.key)
}

/** One after the other, so that lines stay whole. */
function anchorsTo(file: string | undefined, report: Report): (anchor: Anchor) => Promise<void> {
  if (file === undefined) return () => Promise.resolve()
  let before: Promise<void> = Promise.resolve()
  return (anchor) => {
    before = before
      .then(() => appendFile(file, `${JSON.stringify({ audit_anchor: anchor })}\n`, { mode: 0o600 }))
      .catch((error: unknown) => report.log('error', 'An anchor of the audit could not be written', { file, reason: String(error) }))
    return before
  }
}
