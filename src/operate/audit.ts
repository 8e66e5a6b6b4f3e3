// The audit of a gateway, for commands that read it.
import { existsSync } from 'node:fs'
import { auditFile, auditVerifierOf } from '../assembly/audit.ts'
import { databaseOf } from '../assembly/stores.ts'
import type { AuditRead } from '../core/ports/audit-store.ts'
import { readDurableAudit } from '../platform/audit/durable.ts'
import type { AuditVerifier } from '../platform/audit/signing-key.ts'
import { readSqliteAudit } from '../platform/audit/sqlite.ts'
import type { Loaded } from './configuration/load.ts'
import { openStore } from './store.ts'

export interface AuditReading extends AuditRead {
  /** Of the key of this gateway; undefined where it is not at hand. */
  readonly verifier: AuditVerifier | undefined
  close(): Promise<void>
}

/** A sentence where nothing was kept. */
export function openAudit(loaded: Loaded): AuditReading | string {
  const { settings, source } = loaded
  const stateDir = settings.stateDir ?? loaded.defaultStateDir
  const verifier = auditVerifierOf(settings, stateDir)
  if (databaseOf(settings) !== undefined) {
    const opened = openStore(loaded, false)
    if (typeof opened === 'string') return opened
    return { ...readDurableAudit(opened.durable), verifier, close: () => opened.close() }
  }
  if (stateDir === undefined) return `${source} keeps no state (\`stateDir: off\`), so there is nothing to look into.`
  const file = auditFile(stateDir)
  if (!existsSync(file)) return `There is no store of the audit in ${stateDir}: no gateway has run with ${source} from here.`
  const store = readSqliteAudit(file)
  return { read: (queries) => store.read(queries), verifier, close: () => store.close() }
}
