// What a column holds, on its way to PostgreSQL and back. Values travel as text, bytes to the server as they are.
import type { Cell } from '../../../core/ports/durable.ts'
import { StoreError } from '../store-error.ts'

/** As the protocol takes a parameter. */
export function parameter(cell: Cell): string | Buffer | null {
  if (cell === null || typeof cell === 'string') return cell
  if (typeof cell === 'number') return String(cell)
  return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength)
}

/** By the id of the column's type (`pg_type.oid`); undefined is text. https://www.postgresql.org/docs/current/catalog-pg-type.html */
const readers: Readonly<Record<number, (text: string) => Cell>> = {
  16: (text) => (text === 't' ? 1 : 0), // boolean, which SQLite has as a number
  17: bytes,
  20: wholeNumber, // bigint
  21: wholeNumber, // smallint
  23: wholeNumber, // integer
  26: wholeNumber, // oid
  700: fraction, // real
  701: fraction, // double precision
  1700: numeric, // what SUM makes of a bigint
}

export function cellReader(type: number): (text: string) => Cell {
  return readers[type] ?? asIs
}

function asIs(text: string): Cell {
  return text
}

function bytes(text: string): Cell {
  if (!text.startsWith('\\x')) throw new StoreError('conflict', 'Bytes came in a form that is not hexadecimal')
  return Buffer.from(text.slice(2), 'hex')
}

function wholeNumber(text: string): Cell {
  const number = Number(text)
  if (text === '' || !Number.isSafeInteger(number))
    throw new StoreError('conflict', 'A whole number is larger than can be read without loss')
  return number
}

function fraction(text: string): Cell {
  const number = Number(text)
  if (text === '' || (Number.isNaN(number) && text !== 'NaN')) throw new StoreError('conflict', 'A number came in a form that is none')
  return number
}

function numeric(text: string): Cell {
  return text.includes('.') ? fraction(text) : wholeNumber(text)
}
