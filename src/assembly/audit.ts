// The audit of a gateway: its store in `stateDir`, its key, and where its anchors go.
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditSigner } from '../core/ports/audit-signer.ts'
import type { AuditStore } from '../core/ports/audit-store.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { type Anchor, type Audit, createAudit, createEncoder, indexRow, keptArguments } from '../observe/index.ts'
import { createDurableAudit } from '../platform/audit/durable.ts'
import { auditSigner, auditSignerFrom, loadAuditSigner } from '../platform/audit/signing-key.ts'
import { createSqliteAudit } from '../platform/audit/sqlite.ts'
import { vaultKeys } from '../platform/vault/keys.ts'
import { auditFile } from './audit-places.ts'
import { databaseOf } from './database.ts'
import { identity } from './identity.ts'
import type { Settings } from './settings.ts'

export interface AuditAssembly {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
  readonly redaction: Redaction
  /** Of the gateway: the audit is in it where it is a database. */
  readonly durable: Durable
  /** Of the installation; absent: arguments are not kept, since no calls are served. */
  readonly sealKey?: Uint8Array
  committed?(ms: number, rows: number): void
}

/** Undefined where nothing outlives a restart: what is in memory is gone when somebody could read it. */
export function assembleAudit(parts: AuditAssembly): Audit | undefined {
  const { settings, clock, random, report, redaction, sealKey, committed } = parts
  const { audit } = settings
  const mode = auditModeOf(settings)
  const store = storeOf(parts, mode)
  if (store === undefined) return undefined
  return createAudit({
    store,
    clock,
    random,
    report,
    encoder: createEncoder(redaction, sealKey === undefined ? () => 'null' : keptArguments(audit.arguments, redaction, sealKey)),
    mode,
    onLoss: audit.onLoss ?? (mode === 'durable' ? 'closed' : 'open'),
    retentionMs: audit.retention,
    program: `signalbox ${identity.version}`,
    signer: signerOf(settings),
    anchor: anchorsTo(audit.anchors, report),
    ...(committed === undefined ? {} : { committed }),
  })
}

export function auditModeOf({ audit, profile }: Settings): 'durable' | 'buffered' {
  return audit.mode ?? (profile === 'production' ? 'durable' : 'buffered')
}

/** In the database of the durable store, where it is one that gateways share; else in a file beside it. */
function storeOf({ settings, durable, clock, report }: AuditAssembly, mode: 'durable' | 'buffered'): AuditStore | undefined {
  const { stateDir } = settings
  if (databaseOf(settings) !== undefined) return createDurableAudit({ durable, indexRow, clock })
  if (stateDir === undefined) return undefined
  return createSqliteAudit({ file: auditFile(stateDir), indexRow, isSafe: mode === 'durable', clock, report })
}

/** Gateways that share a database sign by one key, that follows from what they share as well. */
function signerOf(settings: Settings): AuditSigner {
  const { audit, vault, stateDir } = settings
  if (audit.key !== undefined) return auditSigner(audit.key)
  if (databaseOf(settings) === undefined && stateDir !== undefined) return loadAuditSigner(join(stateDir, 'audit.key'))
  return auditSignerFrom(vaultKeys(vault, stateDir)[0])
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
