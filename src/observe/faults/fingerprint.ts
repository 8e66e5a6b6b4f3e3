// What makes two failures the same: kind, server, item and cause. Of the cause what differs from call to call (numbers, ids, quoted values) is left
// out, so that a thousand failures are one group.
import { createHash } from 'node:crypto'
import type { CallRecord } from '../../core/call/record.ts'
import { outcomeOf } from '../objectives/outcomes.ts'

export interface Fingerprint {
  /** Of the fault; of a result what it was found to be (`hidden_error`, `empty`). */
  readonly kind: string
  readonly server: string
  /** Undefined where none was resolved. */
  readonly item: string | undefined
  /** For people, without what differs from call to call. */
  readonly cause: string
}

/** In characters. */
const longestCause = 200
const longestName = 300

/** Undefined of what no server failed at. `redact` takes secrets and personal data out. */
export function fingerprintOf(record: CallRecord, redact: (text: string) => string): Fingerprint | undefined {
  const { upstream, item, fault, found, suspect } = record
  if (fault === undefined && found === undefined && suspect === undefined) return undefined
  if (upstream === undefined || outcomeOf(record) !== 'bad') return undefined
  const about = { server: upstream, item: item?.slice(0, longestName) }
  if (fault === undefined)
    return { ...about, kind: suspect?.[0] ?? found ?? 'result', cause: [found, ...(suspect ?? [])].filter(Boolean).join(' ') }
  const { evidence, status, answered } = record.attempted.at(-1)?.fault ?? {}
  const seen = [evidence, status === undefined ? undefined : `HTTP ${status}`, answered === undefined ? undefined : `code ${answered}`]
  const words = generalised(redact(fault.message.slice(0, 2_000)))
  return { ...about, kind: fault.kind, cause: [...seen.filter((one) => one !== undefined), words].join(', ').slice(0, longestCause) }
}

/** The words of a text: what is quoted, numbers and ids are a sign each. */
export function generalised(text: string): string {
  return text
    .replaceAll(/"[^"\n]{0,500}"|'[^'\n]{3,500}'|`[^`\n]{0,500}`/g, '"…"')
    .replaceAll(/[\w-]*\d[\w-]*/g, '#')
    .replaceAll(/(?:#[\s.,:/-]*)+#/g, '#')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longestCause)
}

/** Twelve hex digits. */
export function idOf({ kind, server, item = '', cause }: Fingerprint): string {
  return createHash('sha256').update([kind, server, item, cause].join('\0')).digest('hex').slice(0, 12)
}
