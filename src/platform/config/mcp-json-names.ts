// Names of servers in client files, made fit for a gateway.
import { createHash } from 'node:crypto'

/**
 * Names as `[a-z0-9-]{1,24}`, by original name. The same file always yields the same names: what would clash or is cut off gets four
 * characters of its hash, whatever the order.
 */
export function normaliseNames(originals: readonly string[]): Map<string, string> {
  const plain = new Map(originals.map((original) => [original, slug(original)]))
  const count = new Map<string, number>()
  for (const name of plain.values()) count.set(name, (count.get(name) ?? 0) + 1)
  const names = new Map<string, string>()
  for (const [original, name] of plain) {
    const alone = name === original || (count.get(name) === 1 && name.length <= 24 && name !== '')
    names.set(original, alone && name.length <= 24 ? name : `${cut(name === '' ? 'server' : name)}-${hash4(original)}`)
  }
  return names
}

function slug(original: string): string {
  return original
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}

function cut(name: string): string {
  return name.slice(0, 19).replace(/-+$/, '')
}

function hash4(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 4)
}
