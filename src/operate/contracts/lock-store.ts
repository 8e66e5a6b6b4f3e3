// Where `tools.lock.json` lies, and reading and writing it whole.
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { emptyLock, type LockFile, serialiseLock } from '../../gateway/contracts/index.ts'
import type { Loaded } from '../configuration/load.ts'
import { type LockContents, readLockFile } from '../configuration/lock-file.ts'
import { CannotTell, orTell } from './contracts.ts'
import type { Place } from './findings.ts'

export const lockName = 'tools.lock.json'

/** Named on the command line, by the configuration, or beside it. */
export function lockPath(named: string | undefined, loaded: Loaded | undefined, cwd: string): string {
  if (named !== undefined) return resolve(cwd, named)
  return loaded === undefined ? join(cwd, lockName) : resolve(loaded.baseDir, loaded.settings.versions.lock)
}

export interface StoredLock extends LockContents {
  readonly path: string
  /** For people. */
  readonly label: string
  readonly exists: boolean
  readonly place: Place
}

/** Throws `CannotTell` where it cannot be read. */
export function openLock(path: string, cwd: string): StoredLock {
  const near = relative(cwd, path)
  const label = near.startsWith('..') ? path : near
  const read = readLockFile(path, label)
  const contents = read === undefined ? { lock: emptyLock, edited: [], line: () => 1 } : orTell(read)
  const place: Place = { file: label.split('\\').join('/'), line: contents.line }
  return { path, label, exists: read !== undefined, ...contents, place }
}

/** Whole or not at all. */
export function writeLock(path: string, lock: LockFile): void {
  const draft = join(dirname(path), `.${lockName}.${process.pid}`)
  try {
    writeFileSync(draft, serialiseLock(lock))
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new CannotTell(`${path} cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}
