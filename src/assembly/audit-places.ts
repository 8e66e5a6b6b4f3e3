// Where the audit of a gateway is, and the key by which it is verified, for those who read it. By itself: a command that looks back loads no gateway.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditVerifier, auditVerifier, auditVerifierFrom } from '../platform/audit/signing-key.ts'
import { vaultKeys } from '../platform/vault/keys.ts'
import { databaseOf } from './database.ts'
import type { Settings } from './settings.ts'

export function auditFile(stateDir: string): string {
  return join(stateDir, 'audit.db')
}

/** Of the key that signs; undefined where it is not at hand. */
export function auditVerifierOf(settings: Settings, stateDir = settings.stateDir): AuditVerifier | undefined {
  try {
    if (settings.audit.key !== undefined) return auditVerifier(settings.audit.key)
    if (databaseOf(settings) === undefined && stateDir !== undefined)
      return auditVerifier(readFileSync(join(stateDir, 'audit.key'), 'utf8'))
    if (settings.vault.key === undefined && (stateDir === undefined || !existsSync(join(stateDir, 'vault.key')))) return undefined
    return auditVerifierFrom(vaultKeys(settings.vault, stateDir)[0])
  } catch {
    return undefined
  }
}
