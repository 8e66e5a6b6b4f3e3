// Texts of others that are written down (logs, the audit, what operators are shown), without the secrets that have the form of one or stand
// beside the name of one.
import { findSecrets } from './find-secrets.ts'
import { replaced } from './replaced.ts'
import type { MaskRule } from './token-forms.ts'

/** What stands in the place of one in an answer. */
export function maskOf(rule: MaskRule): string {
  return `[secret masked: ${rule}]`
}

/** What stands in the place of something in what is written down. `kind` says what it was: `email`, `github_token`, `password`, `configured`. */
export function redactionOf(kind: string): string {
  return `[redacted:${kind}]`
}

/** Shorter texts have no secret that is recognised. */
const shortest = 12

export function holdsSecret(text: string): boolean {
  return text.length >= shortest && findSecrets(Buffer.from(text)).length > 0
}

export function withoutSecrets(text: string): string {
  const bytes = Buffer.from(text)
  const found = findSecrets(bytes)
  return found.length === 0 ? text : replaced(bytes, found, ({ rule }) => redactionOf(rule))
}
