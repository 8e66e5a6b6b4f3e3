// A tool as those that call it know it while all is well: what it is asked, what it answers and when, from a seed. Faults are put into its
// answers by `faults.ts`, so a tool says here what of its answers is rows and how it says that there are none.
import type { Random } from './random.ts'

export interface Answer {
  readonly args: Readonly<Record<string, unknown>>
  /** A string is the text of the result; all else is its JSON. */
  readonly body: unknown
  readonly latencyMs: number
  /** The whole result, where a real server gave it. */
  readonly raw?: Buffer
}

export interface RowAccess {
  read(body: unknown): readonly unknown[]
  write(body: unknown, rows: readonly unknown[]): unknown
}

export interface Archetype {
  readonly name: string
  readonly tool: string
  readonly readOnly: boolean
  /** Of a tool that declares one; its results then have structured content. */
  readonly outputSchema?: Readonly<Record<string, unknown>>
  /** Mean time between two calls. */
  readonly everyMs: number
  /** So many calls there are, of what was recorded. */
  readonly calls?: number
  /** Absent: its answers have no rows. */
  readonly rows?: RowAccess
  /** What the tool says where there is nothing. */
  empty(body: unknown, random: Random): unknown
  /** Asked with clock readings that never go back. */
  live(random: Random): (atMs: number) => Answer
}

export type Json = Record<string, unknown>

/** Rows of a member of the answer, with the members that count them. */
export function rowsOf(member: string, ...counts: readonly string[]): RowAccess {
  return {
    read: (body) => (body as Record<string, readonly unknown[]>)[member] ?? [],
    write: (body, rows) => ({ ...(body as Json), ...Object.fromEntries(counts.map((name) => [name, rows.length])), [member]: rows }),
  }
}

/** The answer is the array of its rows. */
export const rootRows: RowAccess = { read: (body) => body as readonly unknown[], write: (_body, rows) => rows }

/** Rows are the lines of the text after so many of a head. */
export function linesAfter(head: number): RowAccess {
  return {
    read: (body) => String(body).split('\n').slice(head),
    write: (body, rows) => [...String(body).split('\n').slice(0, head), ...rows].join('\n'),
  }
}

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs
/** A Monday, 00:00 UTC. */
export const mondayMs = Date.UTC(2026, 8, 7)

export function hourOf(atMs: number): number {
  return (atMs % dayMs) / hourMs
}

export function isWeekend(atMs: number): boolean {
  return Math.floor((atMs - mondayMs) / dayMs) % 7 >= 5
}

export function isOffice(atMs: number): boolean {
  return !isWeekend(atMs) && hourOf(atMs) >= 8 && hourOf(atMs) < 18
}
