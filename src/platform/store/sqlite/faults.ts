// What SQLite's result codes mean to the gateway, and what an operator is told.
import type { StoreFault, StoreFaultKind } from '../../../core/ports/durable.ts'
import { StoreError } from '../store-error.ts'

/** https://www.sqlite.org/rescode.html, primary codes. A code that is missing here is a mistake in a statement of ours. */
const kinds: Readonly<Record<number, StoreFaultKind>> = {
  3: 'unavailable', // PERM
  5: 'locked', // BUSY
  6: 'locked', // LOCKED
  7: 'unavailable', // NOMEM
  8: 'unavailable', // READONLY
  10: 'unavailable', // IOERR
  11: 'corrupt', // CORRUPT
  13: 'full', // FULL
  14: 'unavailable', // CANTOPEN
  15: 'locked', // PROTOCOL
  19: 'conflict', // CONSTRAINT
  26: 'corrupt', // NOTADB
}

/** SQLite's own words for some codes: where rows are read, the library hands on these alone. */
const words: readonly (readonly [string, number])[] = [
  ['database is locked', 5],
  ['database table is locked', 6],
  ['out of memory', 7],
  ['attempt to write a readonly database', 8],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', 13],
  ['unable to open database file', 14],
  ['constraint failed', 19],
  ['file is not a database', 26],
]

/** A fault of the store, or a bug of ours. */
export function errorOf({ code, message }: { readonly code: number | undefined; readonly message: string }): Error {
  const kind = kinds[code ?? words.find(([text]) => message.includes(text))?.[1] ?? 0]
  return kind === undefined ? new Error(`The store cannot do that: ${message}`) : new StoreError(kind, message)
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const goesOn = 'the gateway goes on, and what it would keep is lost with a restart'

/** What happened, where, and what to do. */
export function sentence({ kind, message }: StoreFault, file: string): string {
  switch (kind) {
    case 'locked':
      return `The store ${file} is locked by another program (${message}); ${goesOn} until it lets go. Two gateways may share a store; a backup or a shell that holds it may not`
    case 'full':
      return `The disk of the store ${file} is full (${message}); ${goesOn} until there is room`
    case 'newer':
      return `The store ${file} was written by a newer Signalbox (${message}) and was not touched; ${goesOn}. Start that version again, or name another \`stateDir\``
    case 'overloaded':
      return `The store ${file} is too slow (${message}); ${goesOn} until it has caught up`
    default:
      return `The store ${file} does not answer (${message}); ${goesOn} until it does. Check \`stateDir\` and its permissions`
  }
}
