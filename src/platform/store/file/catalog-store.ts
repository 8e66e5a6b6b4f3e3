// Last known catalogues as files of the state folder, one per server configuration, replaced whole and at once.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FileCatalogStore {
  load(configHash: string): Promise<Uint8Array | undefined>
  save(configHash: string, snapshot: Uint8Array): Promise<void>
}

/** `folder` is made on the first save. Hashes are hex or base64url and name the files. */
export function createFileCatalogStore(folder: string): FileCatalogStore {
  const fileOf = (hash: string): string => join(folder, `${hash.replaceAll(/[^\w-]/g, '_')}.catalog`)
  let saves = 0
  return {
    async load(hash) {
      try {
        return await readFile(fileOf(hash))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw error
      }
    },
    async save(hash, snapshot) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      saves += 1
      const written = `${fileOf(hash)}.${process.pid}.${saves}`
      await writeFile(written, snapshot, { mode: 0o600 })
      await rename(written, fileOf(hash))
    },
  }
}
