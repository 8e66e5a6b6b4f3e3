// Where `tools.lock.json` lies, and reading and writing it whole.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { emptyLock, type LockFile, lineOfTool, serialiseLock } from '../../gateway/contracts/index.ts'
import type { Loaded } from '../configuration/load.ts'
import { CannotTell } from './contracts.ts'
import { type LockContents, lockContents } from './file-contracts.ts'
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
  if (!existsSync(path)) return { path, label, exists: false, lock: emptyLock, edited: [], place: { file: label, line: () => 1 } }
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new CannotTell(`${label} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  const place: Place = { file: label.split('\\').join('/'), line: (server, tool) => lineOfTool(bytes, server, tool) }
  return { path, label, exists: true, ...lockContents(label, bytes), place }
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
