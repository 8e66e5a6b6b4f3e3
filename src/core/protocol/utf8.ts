// Text of peers that is not quite UTF-8, such as one that was cut within a character.
import { isUtf8 } from 'node:buffer'
import { asBuffer } from './scan.ts'

/** The text with U+FFFD for what is no UTF-8, as every client reads it that speaks to the peer itself; undefined where it is UTF-8. */
export function replacedUtf8(bytes: Uint8Array): Uint8Array | undefined {
  return isUtf8(bytes) ? undefined : Buffer.from(asBuffer(bytes).toString('utf8'))
}

/** The bytes less a byte order mark before them, which some writers of files and bodies put there (RFC 8259 §8.1 lets readers skip it). */
export function withoutBom<T extends Uint8Array>(bytes: T): T {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? (bytes.subarray(3) as T) : bytes
}

/** What is said of such a message. */
export const notUtf8 = 'a message is not UTF-8; what could not be read is U+FFFD'
