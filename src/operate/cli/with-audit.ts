// What the commands on the audit have in common: it is read where it is kept, whether its gateway runs or not.
import { type AuditReading, openAudit } from '../audit.ts'
import type { Loaded } from '../configuration/load.ts'
import { type ExitCode, exit } from './exit.ts'
import { type StoreOptions, withOpened } from './with-store.ts'

export function withAudit(options: StoreOptions, work: (audit: AuditReading, loaded: Loaded) => Promise<ExitCode>): Promise<ExitCode> {
  return withOpened(options, openAudit, work)
}

export function usage(what: string): ExitCode {
  process.stderr.write(`${what}\n`)
  return exit.usage
}
