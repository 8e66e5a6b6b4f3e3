// An audit over its real store in a file, with rows of a test.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import type { AuditStore } from '../../src/core/ports/audit-store.ts'
import type { Clock } from '../../src/core/ports/clock.ts'
import type { Stored } from '../../src/core/ports/durable.ts'
import { type AuditParts, createAudit } from '../../src/observe/audit/audit.ts'
import type { Anchor } from '../../src/observe/audit/chain.ts'
import { createEncoder } from '../../src/observe/audit/encode.ts'
import { indexRow } from '../../src/observe/audit/index-row.ts'
import { auditVerifier, loadAuditSigner } from '../../src/platform/audit/signing-key.ts'
import { createSqliteAudit } from '../../src/platform/audit/sqlite.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'

export function aFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'signalbox-audit-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export function value<T>(stored: Stored<T>): T {
  if (!stored.ok) throw new Error(`${stored.fault.kind}: ${stored.fault.message}`)
  return stored.value
}

export function kept(counted: Map<string, number>, logged: { event: string; fields: Readonly<Record<string, unknown>> }[]) {
  return {
    log: (_severity: string, event: string, fields: Readonly<Record<string, unknown>> = {}) => void logged.push({ event, fields }),
    counters: { add: (name: string, _labels: unknown, by = 1) => void counted.set(name, (counted.get(name) ?? 0) + by) },
  }
}

export interface AuditBench {
  readonly file: string
  readonly audit: ReturnType<typeof createAudit>
  readonly store: AuditStore
  readonly anchors: Anchor[]
  readonly counted: Map<string, number>
  readonly logged: { event: string; fields: Readonly<Record<string, unknown>> }[]
  readonly verifier: NonNullable<ReturnType<typeof auditVerifier>>
}

/** `clock`: of the audit; that of the store is the real one, since its thread is. */
export function auditBench(folder: string, change: Partial<AuditParts> & { store?: AuditStore; file?: string } = {}): AuditBench {
  const { file = join(folder, 'audit.db'), ...parts } = change
  const counted = new Map<string, number>()
  const logged: AuditBench['logged'] = []
  const anchors: Anchor[] = []
  const report = kept(counted, logged)
  const clock: Clock = parts.clock ?? systemClock
  const store = parts.store ?? createSqliteAudit({ file, indexRow, isSafe: true, clock: systemClock, report, busyMs: 50 })
  const signer = loadAuditSigner(join(folder, 'audit.key'))
  const audit = createAudit({
    clock,
    random: systemRandom,
    report,
    encoder: createEncoder({ text: (text) => text, recognised: (text) => text }, () => 'null'),
    mode: 'durable',
    onLoss: 'closed',
    retentionMs: 30 * 86_400_000,
    program: 'test',
    signer,
    anchor: async (anchor) => void anchors.push(anchor),
    ...parts,
    store,
  })
  const verifier = auditVerifier(readFileSync(join(folder, 'audit.key'), 'utf8'))
  if (verifier === undefined) throw new Error('there is no key')
  return { file, audit, store, anchors, counted, logged, verifier }
}

/** Runs statements on the file as somebody would who can write it. */
export function tamper(file: string, ...statements: string[]): void {
  const database = new DatabaseSync(file)
  for (const sql of statements) database.exec(sql)
  database.close()
}
