// Finds one value in JSON bytes by its path, without parsing the rest.
import { MalformedJson, members, skipSpace } from './scan.ts'

/** The bytes of the value at a path of object keys, a view on the same memory; undefined where there is none. Duplicate keys throw. */
export function locate(bytes: Uint8Array, path: readonly string[]): Uint8Array | undefined {
  let start = skipSpace(bytes, 0)
  let end = bytes.length
  for (const key of path) {
    if (bytes[start] !== 0x7b) return undefined
    const found = members(bytes, start).filter((member) => member.key === key)
    const [member] = found
    if (member === undefined) return undefined
    if (found.length > 1) throw new MalformedJson(`duplicate key ${JSON.stringify(key)}`, member.keyAt)
    start = member.start
    end = member.end
  }
  return bytes.subarray(start, end)
}
