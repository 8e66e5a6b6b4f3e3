// Secrets in command lines, beside the option that they are given by: `--password x`, `curl -u name:x`, `mysql -px`. Arguments of tools that run
// commands have them; a member of JSON or an assignment is for `findSecrets`.
import type { Span } from '../protocol/scan.ts'

const value = /(?:"[^"\n]{1,512}"|'[^'\n]{1,512}'|[^\s"'`\\]{1,512})/.source
/** Each: what stands before the value, and the value. */
const named = new RegExp(
  `((?:^|[\\s"'])--(?:[a-z]{1,20}-){0,3}(?:password|passwd|pass|passphrase|secret|token|api-?key|access-key)[ =])(${value})`,
  'gi',
)
/** `-u name:password`; what is two numbers is a user and a group. */
const user = /((?:^|\s)(?:-u|--user|--proxy-user)[ =]?["']?[^\s:"'-][^\s:"']{0,63}:)(?!\d{1,6}(?:\s|$))([^\s"']{1,256})/g
const client = /(\b(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\b[^\n|;&]{0,256}?\s-p ?)([^\s-][^\s]{0,255})/g
const forms = [named, user, client]

/** What stands in place of a value in documentation: `TOKEN`, `<token>`, `$TOKEN`. */
const placeholder = /^["']?(?:[A-Z][A-Z_]*|[<{$%[].*|\*+|x+|\.{3}|-.*)["']?$/

/** In UTF-16 units of the text, in order, none over another. */
export function findInCommand(text: string): readonly Span[] {
  if (!text.includes('-')) return none
  let found: Span[] | undefined
  for (const form of forms) {
    for (const { index, 1: before = '', 2: said = '' } of text.matchAll(form)) {
      if (placeholder.test(said)) continue
      const start = index + before.length
      found ??= []
      found.push({ start, end: start + said.length })
    }
  }
  if (found === undefined) return none
  found.sort((one, other) => one.start - other.start)
  return found.filter(({ start }, n) => n === 0 || start >= (found[n - 1] as Span).end)
}

const none: readonly Span[] = []
