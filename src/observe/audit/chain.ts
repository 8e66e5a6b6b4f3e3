// The rows of one gateway as a chain: each hash covers the row and the hash before it, so that a row which is changed, taken out, put in or
// moved shows. Where the end is cut off, or a whole chain removed, the chain alone does not show it.
import { hash } from 'node:crypto'

/** Of a chain's first row. */
export const genesis = ''

/** Lower-case hex of SHA-256. */
export function linked(before: string, row: string): string {
  return hash('sha256', `${before}\n${row}`, 'hex')
}

/** The hash after all rows. */
export function linkedAll(before: string, rows: readonly string[]): string {
  return rows.reduce(linked, before)
}
