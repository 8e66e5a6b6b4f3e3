// What happens with the file of a damaged store: it is moved aside, whole, so that somebody may still look at it.
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs'

/** The files of one store: the database, its log, and the index of the log. */
const parts = ['', '-wal', '-shm'] as const

/** Makes the file where there is none, readable for its owner only; its companions take the same mode. Returns what tells it from another. */
export function makePrivate(file: string): number {
  closeSync(openSync(file, 'a', 0o600))
  return statSync(file).ino
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
