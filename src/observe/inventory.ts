// The clients that were seen, read from the records: which SDK, over which transport, in which revision, since when and until when. Bounded;
// what changed since it was last kept is known for each.

import type { Principal } from '../core/call/principal.ts'
import type { CallRecord } from '../core/call/record.ts'
import { defaultTenant } from '../core/call/tenant-key.ts'
import { softwareOf } from './client-software.ts'
import type { ClientRow } from './client-store.ts'

/** One client as it came in one way; the same name over another transport or in another revision is another entry. */
export type ClientSeen = ClientRow

export interface Inventory {
  observe(record: CallRecord): void
  /** The one that was seen last comes first. */
  clients(): readonly ClientSeen[]
  /** How many entries there are of each way in, for the gauge. */
  counts(): readonly { readonly transport: string; readonly revision: string; readonly clients: number }[]
  /** `listener` is told of the first change after each time when all was kept. */
  onChange(listener: () => void): void
  /** Whether something is not kept yet. */
  readonly changed: boolean
  /** What is not kept yet; `calls` are those since then. From now on it counts as kept. */
  takeUnsaved(): readonly ClientRow[]
  /** What was taken could not be kept after all. */
  giveBack(rows: readonly ClientRow[]): void
  /** What is kept now, the one that was seen last at the end; the calls that are not kept yet come on top. */
  merge(rows: readonly ClientRow[]): void
}

/** Entries that are kept; past them the one that was away longest makes room. */
export const mostClients = 1_000

/** Characters of a name or version that are kept: a client chooses them. */
const longest = 128

export function createInventory(most = mostClients): Inventory {
  return new SeenClients(most)
}

type Entry = { -readonly [K in keyof ClientRow]: ClientRow[K] } & {
  unsaved: number
  /** Of the last call, from which the SDK was read. */
  userAgent?: string | undefined
}

class SeenClients implements Inventory {
  changed = false
  private readonly most: number
  /** In the order in which they were seen last. */
  private seen = new Map<string, Entry>()
  private latest: Entry | undefined
  private listener: () => void = () => undefined

  constructor(most: number) {
    this.most = most
  }

  observe({ caller, atMs, family, run }: CallRecord): void {
    if (family === 'refused') return
    const { principal } = caller
    const tenant = principal?.tenant ?? defaultTenant
    const { transport, revision = 'unknown', userAgent } = caller.arrival
    const name = short(caller.client?.name)
    const version = short(caller.client?.version)
    const { latest } = this
    const same =
      latest?.name === name &&
      latest.version === version &&
      latest.transport === transport &&
      latest.revision === revision &&
      latest.tenant === tenant
    const entry = same
      ? latest
      : this.entry({ tenant: whole(tenant), name: whole(name), version: whole(version), transport, revision }, atMs)
    entry.calls += 1
    entry.unsaved += 1
    entry.lastSeenMs = Math.max(entry.lastSeenMs, atMs)
    if (entry.userAgent !== userAgent || entry.sdk === '') this.readSoftware(entry, userAgent)
    const owner = ownerOf(run?.team ?? principal?.team, principal)
    if (owner !== undefined && entry.owner !== owner) entry.owner = whole(short(owner))
    if (this.changed) return
    this.changed = true
    this.listener()
  }

  clients(): readonly ClientSeen[] {
    return [...this.seen.values()].reverse().map(rowOf)
  }

  counts(): ReturnType<Inventory['counts']> {
    const ways = new Map<string, { transport: string; revision: string; clients: number }>()
    for (const { transport, revision } of this.seen.values()) {
      const key = `${transport} ${revision}`
      const way = ways.get(key) ?? { transport, revision, clients: 0 }
      ways.set(key, way)
      way.clients += 1
    }
    return [...ways.values()]
  }

  onChange(listener: () => void): void {
    this.listener = listener
  }

  takeUnsaved(): readonly ClientRow[] {
    const rows: ClientRow[] = []
    for (const entry of this.seen.values()) if (entry.unsaved > 0) rows.push({ ...rowOf(entry), calls: entry.unsaved })
    for (const entry of this.seen.values()) entry.unsaved = 0
    this.changed = false
    return rows
  }

  giveBack(rows: readonly ClientRow[]): void {
    for (const row of rows) {
      const entry = this.seen.get(keyOf(row))
      if (entry === undefined) continue
      entry.unsaved += row.calls
      this.changed = true
    }
  }

  merge(rows: readonly ClientRow[]): void {
    for (const row of rows) {
      const known = this.seen.get(keyOf(row))
      if (known === undefined) {
        this.seen.set(keyOf(row), { ...row, unsaved: 0 })
        continue
      }
      known.calls = row.calls + known.unsaved
      known.firstSeenMs = Math.min(known.firstSeenMs, row.firstSeenMs)
      // What another gateway saw after this one is newer.
      if (row.lastSeenMs > known.lastSeenMs || known.sdk === 'unknown') {
        known.sdk = row.sdk
        known.sdkVersion = row.sdkVersion
      }
      if (row.lastSeenMs > known.lastSeenMs || known.owner === 'unknown') known.owner = row.owner
      known.lastSeenMs = Math.max(known.lastSeenMs, row.lastSeenMs)
    }
    const ordered = [...this.seen].sort(([, a], [, b]) => a.lastSeenMs - b.lastSeenMs)
    this.seen = new Map(ordered.slice(-this.most))
    this.latest = undefined
  }

  private readSoftware(entry: Entry, userAgent: string | undefined): void {
    const { name, version } = softwareOf(entry.name, entry.version, userAgent)
    entry.userAgent = userAgent
    // A client that says nothing this time is what it was.
    if (name === 'unknown' && entry.sdk !== '') return
    entry.sdk = name
    entry.sdkVersion = version
  }

  /** The entry of a client, as the one that was seen last. */
  private entry(client: Way, atMs: number): Entry {
    const key = keyOf(client)
    const entry = this.seen.get(key) ?? {
      ...client,
      sdk: '',
      sdkVersion: '',
      owner: 'unknown',
      firstSeenMs: atMs,
      lastSeenMs: atMs,
      calls: 0,
      unsaved: 0,
    }
    this.seen.delete(key)
    if (this.seen.size >= this.most) forgetOldest(this.seen)
    this.seen.set(key, entry)
    this.latest = entry
    return entry
  }
}

/** Not of `tenantKey`, since clients that take turns ask for one with each call; none of the parts can hold a NUL. */
function keyOf({ tenant, transport, revision, version, name }: Way): string {
  return `${tenant}\0${transport}\0${revision}\0${version}\0${name}`
}

type Way = Pick<ClientRow, 'tenant' | 'name' | 'version' | 'transport' | 'revision'>

function rowOf({ unsaved: _, userAgent: __, ...client }: Entry): ClientRow {
  return client
}

/** Whose cost its calls are, else who it acts for; undefined where both are nobody. */
function ownerOf(team: string | undefined, principal: Principal | undefined): string | undefined {
  if (team !== undefined || principal === undefined || principal.kind === 'anonymous') return team
  const { sub } = principal
  return sub
}

function short(text: unknown): string {
  return typeof text === 'string' && text !== '' ? text.slice(0, longest) : 'unknown'
}

/** As a store gives it back: without NUL and halves of characters. */
function whole(text: string): string {
  return /[\0\ud800-\udfff]/.test(text) ? Buffer.from(text).toString().replaceAll('\0', '\ufffd') : text
}

function forgetOldest(seen: Map<string, unknown>): void {
  for (const key of seen.keys()) {
    seen.delete(key)
    return
  }
}
