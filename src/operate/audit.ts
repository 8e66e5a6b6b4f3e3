// The audit of a gateway, for commands that read it.
import { existsSync } from 'node:fs'
import { auditFile, auditVerifierOf } from '../assembly/audit-places.ts'
import type { AuditRead } from '../core/ports/audit-store.ts'
import type { AuditVerifier } from '../platform/audit/signing-key.ts'
import { readSqliteAudit } from '../platform/audit/sqlite.ts'
import { isPostgresUrl, parsePostgresUrl } from '../platform/store/postgres/address.ts'
import type { Loaded } from './configuration/load.ts'

export interface AuditReading extends AuditRead {
  /** Of the key of this gateway; undefined where it is not at hand. */
  readonly verifier: AuditVerifier | undefined
  close(): Promise<void>
}

/** A sentence where nothing was kept. */
export async function openAudit(loaded: Loaded): Promise<AuditReading | string> {
  const { settings, source } = loaded
  const stateDir = settings.stateDir ?? loaded.defaultStateDir
  if (isPostgresUrl(settings.stores.durable)) {
    const address = parsePostgresUrl(settings.stores.durable)
    if (typeof address === 'string') return `stores.durable ${address}`
    // All that has tables is loaded with it.
    const [{ openStore }, { readDurableAudit }] = await Promise.all([import('./store.ts'), import('../platform/audit/durable.ts')])
    const opened = openStore(loaded, false)
    if (typeof opened === 'string') return opened
    return { ...readDurableAudit(opened.durable), verifier: auditVerifierOf(settings, stateDir), close: () => opened.close() }
  }
  if (stateDir === undefined) return `${source} keeps no state (\`stateDir: off\`), so there is nothing to look into.`
  const file = auditFile(stateDir)
  if (!existsSync(file)) return `There is no store of the audit in ${stateDir}: no gateway has run with ${source} from here.`
  const store = readSqliteAudit(file)
  return { read: (queries) => store.read(queries), verifier: auditVerifierOf(settings, stateDir), close: () => store.close() }
}
