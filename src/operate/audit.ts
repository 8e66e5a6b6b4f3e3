// The audit of a gateway, for commands that read it.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { auditFile } from '../assembly/audit.ts'
import type { AuditRead } from '../core/ports/audit-store.ts'
import { type AuditVerifier, auditVerifier } from '../platform/audit/signing-key.ts'
import { readSqliteAudit } from '../platform/audit/sqlite.ts'
import type { Loaded } from './configuration/load.ts'

export interface AuditReading extends AuditRead {
  /** Of the key of this gateway; undefined where it is not at hand. */
  readonly verifier: AuditVerifier | undefined
  close(): Promise<void>
}

/** A sentence where nothing was kept. */
export function openAudit(loaded: Loaded): AuditReading | string {
  const stateDir = loaded.settings.stateDir ?? loaded.defaultStateDir
  if (stateDir === undefined) return `${loaded.source} keeps no state (\`stateDir: off\`), so there is nothing to look into.`
  const file = auditFile(stateDir)
  if (!existsSync(file)) return `There is no store of the audit in ${stateDir}: no gateway has run with ${loaded.source} from here.`
  const store = readSqliteAudit(file)
  return {
    verifier: verifierOf(loaded.settings.audit.key, join(stateDir, 'audit.key')),
    read: (queries) => store.read(queries),
    close: () => store.close(),
  }
}

function verifierOf(key: string | undefined, path: string): AuditVerifier | undefined {
  try {
    return auditVerifier(key ?? readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
