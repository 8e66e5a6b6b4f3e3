// What has no secret in it and is much like what tools give: the files that the packages of this repository bring along, read as the text of a
// result. `documents` are those that people wrote; `all` are sources, minified code, source maps and type declarations too.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { mask } from '../../src/gateway/guards/mask.ts'

const root = new URL('../../node_modules', import.meta.url).pathname
export const kinds = {
  documents: /\.(md|markdown|txt|ya?ml|toml)$/i,
  all: /\.(md|markdown|txt|ya?ml|toml|json|map|[cm]?[jt]sx?|css|html)$/i,
} as const
const mostBytes = 8_388_608

export interface Met {
  readonly files: number
  /** As JSON. */
  readonly bytes: number
  /** What was masked: the file, and how many by each rule. */
  readonly masked: readonly { readonly file: string; readonly counts: Readonly<Record<string, number>> }[]
}

export function maskFiles(kind: keyof typeof kinds): Met {
  const masked: { file: string; counts: Readonly<Record<string, number>> }[] = []
  let files = 0
  let bytes = 0
  for (const file of filesOf(kinds[kind])) {
    const result = Buffer.from(JSON.stringify({ content: [{ type: 'text', text: readFileSync(file, 'utf8') }] }))
    files += 1
    bytes += result.length
    const found = mask(result, true, undefined)
    if (found !== undefined) masked.push({ file: relative(root, file), counts: found.counts })
  }
  return { files, bytes, masked }
}

/** Those of packages that are installed, by their names. */
export function* filesOf(kind: RegExp, folder = root): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesOf(kind, path)
    else if (entry.isFile() && kind.test(entry.name) && statSync(path).size <= mostBytes) yield path
  }
}
