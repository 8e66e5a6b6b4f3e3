// Where this package lies and which version it is, the same from src/ and from dist/.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of our package.json. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '')

export function packageVersion(): string {
  return readPackage(join(packageRoot, 'package.json'))?.version ?? '0.0.0'
}

/** The program of an installed package at exactly this version, as seen from our package; undefined where it is not installed. */
export function installedBin(name: string, version: string): string | undefined {
  for (let folder = packageRoot; ; folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name)
    const found = readPackage(join(home, 'package.json'))
    if (found !== undefined) {
      const bin = typeof found.bin === 'string' ? found.bin : Object.values(found.bin ?? {})[0]
      return found.version === version && bin !== undefined && existsSync(join(home, bin)) ? join(home, bin) : undefined
    }
    if (dirname(folder) === folder) return undefined
  }
}

interface PackageFile {
  readonly version: string
  readonly bin?: string | Readonly<Record<string, string>>
}

function readPackage(file: string): PackageFile | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PackageFile) : undefined
}
