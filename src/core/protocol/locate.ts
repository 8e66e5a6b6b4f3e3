// Finds one value in JSON bytes by its path, without parsing the rest.
import { MemberWalk, type Span, skipSpace } from './scan.ts'

/** The bytes of the value at a path of object keys, a view on the same memory; undefined where there is none. Of duplicate keys the last counts, as for JSON.parse. */
export function locate(bytes: Uint8Array, path: readonly string[]): Uint8Array | undefined {
  let start = skipSpace(bytes, 0)
  let end = bytes.length
  for (const key of path) {
    if (bytes[start] !== 0x7b) return undefined
    const walk = new MemberWalk(bytes, start)
    let found: Span | undefined
    while (walk.next()) if (walk.keyIs(key)) found = walk.span()
    if (found === undefined) return undefined
    start = found.start
    end = found.end
  }
  return bytes.subarray(start, end)
}
