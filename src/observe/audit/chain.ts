// The batches of one gateway as a chain: each hash covers the rows of a batch and the hash before it, so that a row which is changed, taken
// out, put in or moved shows. Where the end is cut off, or a whole chain removed, the chain alone does not show it.
import { hash } from 'node:crypto'

/** Of a chain's first batch. */
export const genesis = ''

/** Lower-case hex of SHA-256. `text`: the rows of the batch, as they are kept. */
export function linked(before: string, text: string): string {
  return hash('sha256', `${before}\n${text}`, 'hex')
}
