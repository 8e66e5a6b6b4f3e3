// A text with words in the place of what was found in its bytes.
import type { Span } from '../protocol/scan.ts'

/** `found`: in the order in which they stand, none over another. */
export function replaced<Found extends Span>(bytes: Buffer, found: readonly Found[], wordOf: (one: Found) => string): string {
  let clean = ''
  let from = 0
  for (const one of found) {
    clean += bytes.toString('utf8', from, one.start) + wordOf(one)
    from = one.end
  }
  return clean + bytes.toString('utf8', from)
}
