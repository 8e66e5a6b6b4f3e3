// Halves of surrogate pairs in a definition. JSON may hold them as escapes; clients that keep texts as UTF-8 refuse the message that they
// come in, which is the whole list. In what is published the replacement character stands for each.
import type { Edit } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'

const lone = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/
const everyLone = new RegExp(lone, 'g')

/** No half can stand in bytes without an escape that begins so. */
export function mayBeCut(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return text.includes('\\ud') || text.includes('\\uD')
}

export function isWellFormed(text: string): boolean {
  return !lone.test(text)
}

/** What must be changed in a parsed value so that all its texts are of whole characters. */
export function wholeCharacters(value: unknown): Edit[] {
  const edits: Edit[] = []
  collect(value, [], edits)
  return edits
}

function collect(value: unknown, path: readonly (string | number)[], edits: Edit[]): void {
  if (typeof value === 'string') {
    if (!isWellFormed(value)) edits.push({ path, value: JSON.stringify(mended(value)) })
  } else if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) collect(one, [...path, index], edits)
  } else if (isObject(value)) {
    // An edit names a member by its key, so a key is changed with the object that it stands in.
    if (!Object.keys(value).every(isWellFormed)) edits.push({ path, value: JSON.stringify(rebuilt(value)) })
    else for (const [key, one] of Object.entries(value)) collect(one, [...path, key], edits)
  }
}

function rebuilt(value: unknown): unknown {
  if (typeof value === 'string') return mended(value)
  if (Array.isArray(value)) return value.map(rebuilt)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [mended(key), rebuilt(one)]))
}

function mended(text: string): string {
  return text.replace(everyLone, '\uFFFD')
}
