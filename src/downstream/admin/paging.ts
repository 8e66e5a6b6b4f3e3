// Lists of the admin door, page by page: `?limit=&cursor=`, answered as `{…: […], "next": "…"}`. A cursor names the last entry that was shown by
// what it is sorted by, so that what comes or goes in the meantime moves nothing else. It is sealed: only one that this gateway gave is taken.
import { z } from 'zod'
import type { Sealer } from '../../core/call/seal.ts'
import { Problem } from './problem.ts'

/** What an entry is sorted by, the first before the second; together they are of no other entry. */
export type PageKey = readonly (string | number)[]

const largestPage = 1_000
const longestCursor = 4_096

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(largestPage).default(100).describe('Entries of a page.'),
  cursor: z.string().min(1).max(longestCursor).optional().describe('`next` of the page before.'),
})

export type PageQuery = z.infer<typeof pageQuery>

/** The shape of a page whose entries stand in `name`. */
export function pageShape<N extends string, T extends z.ZodType>(
  name: N,
  entry: T,
): z.ZodObject<Record<N, z.ZodReadonly<z.ZodArray<T>>> & { next: z.ZodOptional<z.ZodString> }> {
  const entries = { [name]: z.array(entry).readonly() } as Record<N, z.ZodReadonly<z.ZodArray<T>>>
  return z.object({ ...entries, next: z.string().optional().describe('`cursor` of the next page; absent of the last one.') }) as never
}

export interface Page<T> {
  readonly page: readonly T[]
  readonly next?: string
}

export interface Paged<T> {
  /** Of the list, and of what it is narrowed to: a cursor of another is none of this one. */
  readonly name: string
  readonly entries: readonly T[]
  key(entry: T): PageKey
}

export class Cursors {
  private readonly sealer: Sealer

  constructor(sealer: Sealer) {
    this.sealer = sealer
  }

  /** A page of a list that is in memory as a whole. Throws a `Problem` of a cursor that is none of the list. */
  page<T>(query: PageQuery, { name, entries, key }: Paged<T>): Page<T> {
    const after = this.open(query, name)
    const sorted = entries.map((entry) => ({ entry, key: key(entry) })).sort((a, b) => compare(a.key, b.key))
    const from = after === undefined ? 0 : sorted.findIndex((one) => compare(one.key, after) > 0)
    const rest = from < 0 ? [] : sorted.slice(from, from + query.limit + 1)
    return this.of(
      query,
      name,
      rest.map(({ entry }) => entry),
      key,
    )
  }

  /** A page of what was found after `open`: up to `limit + 1` entries, of which the one too many tells that there is a next page. */
  of<T>({ limit }: PageQuery, name: string, found: readonly T[], key: (entry: T) => PageKey): Page<T> {
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    if (last === undefined) return { page }
    return { page, next: this.seal(name, key(last)) }
  }

  /** Of a page whose next begins after this key. */
  seal(name: string, key: PageKey): string {
    return this.sealer.seal(Buffer.from(JSON.stringify(key)), purposeOf(name))
  }

  /** The key of the last entry of the page before; undefined of the first page. Throws a `Problem` of a cursor that is none of the list. */
  open({ cursor }: PageQuery, name: string): PageKey | undefined {
    if (cursor === undefined) return undefined
    const plain = this.sealer.open(cursor, purposeOf(name))
    if (plain === undefined) {
      const detail = 'The cursor is none of this list: give `next` of the page before as it is, with the same narrowing.'
      throw new Problem(400, 'Bad request', detail, { members: { errors: [{ parameter: 'cursor', detail: 'is no cursor of this list' }] } })
    }
    return JSON.parse(Buffer.from(plain).toString('utf8')) as PageKey
  }
}

function purposeOf(name: string): string {
  return `admin list ${name}`
}

function compare(a: PageKey, b: PageKey): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [one, other] = [a[i] ?? '', b[i] ?? '']
    if (one !== other) return one < other ? -1 : 1
  }
  return 0
}
