// The chain: the hash of a row is SHA-256 of the hash before it (32 bytes) followed by the bytes of the row, so that a row which is changed,
// taken out, put in or moved shows, and which one it is.

type Hash = typeof import('node:crypto').hash

/**
 * The hashes of all lines one after the other. Stands by itself, with no name from outside its body: a thread is given its text.
 */
export function hashLines(hash: Hash, prev: Uint8Array, lines: Uint8Array, count: number): Uint8Array {
  const size = 32
  const hashes = new Uint8Array(count * size)
  let scratch = new Uint8Array(4_096)
  let before = prev
  let from = 0
  for (let row = 0; row < count; row += 1) {
    const at = lines.indexOf(10, from)
    const to = at < 0 ? lines.length : at
    const long = to - from + size
    if (long > scratch.length) scratch = new Uint8Array(long * 2)
    scratch.set(before)
    scratch.set(lines.subarray(from, to), size)
    before = hash('sha256', scratch.subarray(0, long), 'buffer')
    hashes.set(before, row * size)
    from = to + 1
  }
  return hashes
}
