// The calls of a span of time, of the rows of the audit no more than is needed for figures: the newest, so many at most, some batches at a time,
// so that a gateway that serves is held up by none.
import type { AuditRead } from '../../core/ports/audit-store.ts'
import type { Stored } from '../../core/ports/durable.ts'
import { textOfLines } from './read.ts'
import { places } from './row.ts'

export interface RecentCall {
  /** When the gateway took it, in ms since the epoch. */
  readonly at: number
  /** `server/name` of a tool; undefined of what is none. */
  readonly tool: string | undefined
  /** Without the time in which it waited for its user; undefined where it is not known. */
  readonly ms: number | undefined
  /** Of its fault; `tool` where the tool said so itself; undefined where it did not fail. */
  readonly category: string | undefined
}

export interface RecentCalls {
  readonly calls: readonly RecentCall[]
  /** Whether these are all of the span. */
  readonly isAll: boolean
}

/** Batches that are read at once: 256 rows each at most. */
const batchesAtOnce = 4

/** Of the time from `fromMs` to `toMs`, both included. */
export async function recentCalls(store: AuditRead, fromMs: number, toMs: number, most: number): Promise<Stored<RecentCalls>> {
  const calls: RecentCall[] = []
  let after: readonly [number, string, number] = [Number.MAX_SAFE_INTEGER, '', 0]
  for (;;) {
    const read = await store.read([
      [
        `SELECT at_ms, chain, first, lines FROM audit_chain_batches
         WHERE tenant = '' AND at_ms >= ? AND at_min_ms <= ? AND (at_ms, chain, first) < (?, ?, ?)
         ORDER BY at_ms DESC, chain DESC, first DESC LIMIT ${batchesAtOnce}`,
        [fromMs, toMs, ...after],
      ],
    ])
    if (!read.ok) return read
    const batches = read.value[0] ?? []
    for (const batch of batches) {
      for (const line of textOfLines(batch).split('\n').reverse()) {
        const call = callIn(line)
        if (call === undefined || call.at < fromMs || call.at > toMs) continue
        if (calls.length === most) return { ok: true, value: { calls, isAll: false } }
        calls.push(call)
      }
    }
    const last = batches.at(-1)
    if (last === undefined || batches.length < batchesAtOnce) return { ok: true, value: { calls, isAll: true } }
    after = [Number(last.at_ms), String(last.chain), Number(last.first)]
  }
}

/** Undefined of a row that is about no call, or is none. */
function callIn(line: string): RecentCall | undefined {
  const row = parsed(line)
  if (row[places.about] !== 'call') return undefined
  const [, upstream, item, kind] = listOf(row[places.target])
  const { [places.at]: at, [places.ms]: ms, [places.parkedMs]: parked, [places.outcome]: outcome } = row
  const [, category] = listOf(row[places.fault])
  return {
    at: Number(at),
    tool: kind === 'tool' ? `${String(upstream)}/${String(item)}` : undefined,
    ms: typeof ms === 'number' ? ms - (typeof parked === 'number' ? parked : 0) : undefined,
    category: typeof category === 'string' ? category : outcome === 'tool_error' ? 'tool' : undefined,
  }
}

function parsed(line: string): readonly unknown[] {
  try {
    return listOf(JSON.parse(line))
  } catch {
    return []
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
