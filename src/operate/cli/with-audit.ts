// What the commands on the audit have in common: it is read where it is kept, whether its gateway runs or not.
import { type AuditReading, openAudit } from '../audit.ts'
import type { Loaded } from '../configuration/load.ts'
import type { ExitCode } from './exit.ts'
import { type StoreOptions, withOpened } from './with-store.ts'

export function withAudit(options: StoreOptions, work: (audit: AuditReading, loaded: Loaded) => Promise<ExitCode>): Promise<ExitCode> {
  // What is served, and which tools are let in, is of no matter here.
  return withOpened(options, openAudit, work, { withoutChecks: true, withoutLock: true })
}
