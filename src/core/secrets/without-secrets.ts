// Texts of others that are written down (logs, the audit, what operators are shown), without the secrets that have the form of one or stand
// beside the name of one.
import { findSecrets } from './find-secrets.ts'
import { replaced } from './replaced.ts'
import type { MaskRule } from './token-forms.ts'

/** What stands in the place of one. */
export function maskOf(rule: MaskRule): string {
  return `[secret masked: ${rule}]`
}

export function withoutSecrets(text: string): string {
  const bytes = Buffer.from(text)
  const found = findSecrets(bytes)
  return found.length === 0 ? text : replaced(bytes, found, ({ rule }) => maskOf(rule))
}
