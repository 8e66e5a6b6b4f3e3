// The files of a store on the disk: private to their owner, and moved aside, whole, where they are damaged, so that somebody may still look
// at them.
import { chmodSync, closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs'

/** The files of one store: the database, its log, and the index of the log. */
const parts = ['', '-wal', '-shm'] as const

/**
 * Makes the file where there is none, readable for its owner only; SQLite gives its companions the same mode from their first moment. Files
 * that others may read, as a copy or a backup leaves them, are closed to them. Returns what tells the file from another.
 */
export function makePrivate(file: string): number {
  closeSync(openSync(file, 'a', 0o600))
  for (const part of parts) {
    const mode = statSync(`${file}${part}`, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o077) !== 0) chmodIfThere(`${file}${part}`)
  }
  return statSync(file).ino
}

function chmodIfThere(path: string): void {
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    // Another gateway may have closed the store meanwhile, and its log is gone.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/**
 * Moves the store away and returns its new name; undefined where `identity` is no longer the file at this place: another gateway has moved
 * it already.
 */
export function setAside(file: string, identity: number, stamp: Date): string | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.ino !== identity) return undefined
  const name = `${file}.damaged-${stamp.toISOString().replaceAll(/[-:.]/g, '')}`
  for (const part of parts) if (existsSync(`${file}${part}`)) renameSync(`${file}${part}`, `${name}${part}`)
  return name
}
