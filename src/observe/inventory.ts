// The clients that were seen, read from the records: which SDK, over which transport, in which revision, since when and until when. Bounded,
// and kept nowhere: a restart begins anew.
import type { CallRecord } from '../core/call/record.ts'

/** One client as it came in one way; the same name over another transport or in another revision is another entry. */
export interface ClientSeen {
  /** `clientInfo.name`, `unknown` where the client gave none. */
  readonly name: string
  readonly version: string
  readonly transport: 'http' | 'sse' | 'stdio'
  readonly revision: string
  /** Milliseconds since the epoch. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly calls: number
  /** Who answers for it. Nothing tells yet. */
  readonly owner: 'unknown'
}

export interface Inventory {
  observe(record: CallRecord): void
  /** The one that was seen last comes first. */
  clients(): readonly ClientSeen[]
  /** How many entries there are of each way in, for the gauge. */
  counts(): readonly { readonly transport: string; readonly revision: string; readonly clients: number }[]
}

/** Entries that are kept; past them the one that was away longest makes room. */
const mostClients = 1_000

/** Characters of a name or version that are kept: a client chooses them. */
const longest = 128

export function createInventory(most = mostClients): Inventory {
  // In the order in which they were seen last.
  const seen = new Map<string, Entry>()
  let latest: Entry | undefined
  return {
    observe: ({ caller, atMs, family }) => {
      if (family === 'refused') return
      const { transport, revision = 'unknown' } = caller.arrival
      const name = short(caller.client?.name)
      const version = short(caller.client?.version)
      if (latest?.name === name && latest.version === version && latest.transport === transport && latest.revision === revision) {
        seenAgain(latest, atMs)
        return
      }
      const key = `${transport} ${revision} ${version}\n${name}`
      const known = seen.get(key)
      if (known === undefined) {
        if (seen.size >= most) forgetOldest(seen)
        latest = { name, version, transport, revision, firstSeenMs: atMs, lastSeenMs: atMs, calls: 1, owner: 'unknown' }
        seen.set(key, latest)
        return
      }
      seenAgain(known, atMs)
      latest = known
      seen.delete(key)
      seen.set(key, known)
    },
    clients: () => [...seen.values()].reverse().map((client) => ({ ...client })),
    counts: () => {
      const ways = new Map<string, { transport: string; revision: string; clients: number }>()
      for (const { transport, revision } of seen.values()) {
        const key = `${transport} ${revision}`
        const way = ways.get(key) ?? { transport, revision, clients: 0 }
        ways.set(key, way)
        way.clients += 1
      }
      return [...ways.values()]
    },
  }
}

type Entry = { -readonly [K in keyof ClientSeen]: ClientSeen[K] }

function seenAgain(entry: Entry, atMs: number): void {
  entry.calls += 1
  entry.lastSeenMs = Math.max(entry.lastSeenMs, atMs)
}

function short(text: unknown): string {
  return typeof text === 'string' && text !== '' ? text.slice(0, longest) : 'unknown'
}

function forgetOldest(seen: Map<string, unknown>): void {
  for (const key of seen.keys()) {
    seen.delete(key)
    return
  }
}
