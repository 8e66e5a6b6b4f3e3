// What the errors of PostgreSQL mean to the gateway, and what an operator is told.
import type { StoreFault, StoreFaultKind } from '../../../core/ports/durable.ts'
import { StoreError } from '../store-error.ts'

/** A fault with the code that the server gave, if it was the server. */
export class PostgresError extends StoreError {
  readonly code: string | undefined

  constructor(kind: StoreFaultKind, message: string, code: string | undefined) {
    super(kind, message)
    this.code = code
  }
}

interface Meaning {
  readonly kind: StoreFaultKind
  /** What to do, where the message does not say it. */
  readonly mend?: string
}

/** By SQLSTATE, else by its class (the first two characters). https://www.postgresql.org/docs/current/errcodes-appendix.html */
const meanings: Readonly<Record<string, Meaning>> = {
  22: { kind: 'conflict' }, // data exception
  23: { kind: 'conflict' }, // integrity constraint violation
  25006: { kind: 'locked', mend: 'it is a standby, or set to read only: name the primary' }, // read_only_sql_transaction
  '28P01': { kind: 'unavailable', mend: 'check user and password of `stores.durable`' },
  28000: { kind: 'unavailable', mend: 'check the user of `stores.durable`, and pg_hba.conf of the server' },
  '3D000': { kind: 'unavailable', mend: 'create the database' },
  40001: { kind: 'locked' }, // serialization_failure
  '40P01': { kind: 'locked' }, // deadlock_detected
  42501: { kind: 'unavailable', mend: 'let the user own the tables, and create some: GRANT CREATE, USAGE ON SCHEMA' },
  53100: { kind: 'full' }, // disk_full
  53300: { kind: 'unavailable', mend: 'raise max_connections of the server: each gateway takes up to 4 for its store' },
  54: { kind: 'conflict' }, // program limit exceeded: a value that is too long for an index
  '55P03': { kind: 'locked' }, // lock_not_available
}

/** Of the same kind at another moment: nobody else may have to do anything. */
const passing = new Set(['40001', '40P01'])

export function isPassing(error: unknown): boolean {
  return error instanceof PostgresError && error.code !== undefined && passing.has(error.code)
}

/** Whatever was thrown on the way to a server and back, as a fault. It is the peer's, never a bug of who asked. */
export function errorOf(thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown
  const { code, message, severity } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown; readonly severity?: unknown }
  const text = typeof message === 'string' && message !== '' ? oneLine(message) : String(code ?? 'no reason was given')
  if (typeof severity !== 'string' || typeof code !== 'string') return new PostgresError('unavailable', text, undefined)
  const { kind, mend } = meanings[code] ?? meanings[code.slice(0, 2)] ?? { kind: 'unavailable' as const }
  return new PostgresError(kind, mend === undefined ? text : `${text}: ${mend}`, code)
}

/** Whether the connection may be used again after it. */
export function leavesConnection(thrown: unknown): boolean {
  const { code, severity } = (thrown ?? {}) as { readonly code?: unknown; readonly severity?: unknown }
  return typeof code === 'string' && severity === 'ERROR'
}

/** Messages of a server are as long as it likes. */
function oneLine(message: string): string {
  return message.slice(0, 300).replaceAll(/\s+/g, ' ')
}

const goesOn = 'the gateway goes on, and what it would keep is lost with a restart'

/** What happened, where, and what to do. */
export function sentence({ kind, message }: StoreFault, where: string): string {
  switch (kind) {
    case 'locked':
      return `The store ${where} cannot be written (${message}); ${goesOn} until it can. A transaction of another program may hold it`
    case 'full':
      return `The disk of the store ${where} is full (${message}); ${goesOn} until there is room`
    case 'newer':
      return `The store ${where} was written by a newer Signalbox (${message}) and was not touched; ${goesOn}. Start that version again, or name another database with \`stores.durable\``
    case 'overloaded':
      return `The store ${where} is too slow (${message}); ${goesOn} until it has caught up`
    default:
      return `The store ${where} does not answer (${message}); ${goesOn} until it does. Check \`stores.durable\`, the server and the way to it`
  }
}
