// List results as bytes: whole below a thousand items, else in pages whose cursors are sealed and hold only as long as the list reads the
// same.
import { createHash } from 'node:crypto'
import type { Call } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds, kindsOf, type ListName } from '../../core/call/item-kinds.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import type { Lookup } from './lookup.ts'
import type { Omitted } from './mounts.ts'
import { joined, type Published } from './published.ts'
import type { View } from './view.ts'

/** Items on one page. */
const pageSize = 1_000

const purpose = 'catalog cursor'

export class Pages {
  private readonly sealer: Sealer
  private readonly lookup: Lookup
  /** Callers differ in what they see, so that lists are put together for each set of rights. */
  private readonly filtered: boolean
  private readonly versions = new WeakMap<View, WeakMap<object, Map<ListName, string>>>()

  constructor(sealer: Sealer, lookup: Lookup) {
    this.sealer = sealer
    this.lookup = lookup
    this.filtered = lookup.access !== undefined
  }

  /** Equal as long as a list of the view reads the same to the caller. */
  version(call: Pick<Call, 'caller'>, view: View, list: ListName): string {
    const rights = this.lookup.access?.rights(call.caller)
    if (rights === undefined) return view.listVersion(list)
    const byRights = this.versions.get(view) ?? new WeakMap<object, Map<ListName, string>>()
    this.versions.set(view, byRights)
    const versions = byRights.get(rights) ?? new Map<ListName, string>()
    byRights.set(rights, versions)
    let version = versions.get(list)
    if (version === undefined) {
      const digest = createHash('sha256')
      for (const kind of kindsOf(list)) for (const one of view.items(kind)) if (this.lookup.sees(call, one.item)) digest.update(one.mark)
      version = digest.digest('base64url').slice(0, 16)
      versions.set(list, version)
    }
    return version
  }

  /** One page; undefined where the cursor is not one of ours or the list has changed since. */
  page(call: Call, view: View, kind: ItemKind, cursor: unknown, omitted: readonly Omitted[]): Payload | undefined {
    const from = cursor === undefined ? 0 : this.open(cursor, view, kind)
    if (from === undefined) return undefined
    const all = view.items(kind)
    if (all.length <= pageSize && !this.filtered && from === 0) return listResult(kind, view.entries(kind), undefined, omitted)
    const { some, end } = this.take(call, all, from)
    const next = end < all.length ? this.seal(view, kind, end) : undefined
    return listResult(kind, joined(some), next, omitted)
  }

  private take(call: Call, all: readonly Published[], from: number): { some: readonly Published[]; end: number } {
    if (!this.filtered) return { some: all.slice(from, from + pageSize), end: from + pageSize }
    const some: Published[] = []
    let end = from
    for (; end < all.length && some.length < pageSize; end += 1) {
      const one = all[end] as Published
      if (this.lookup.sees(call, one.item)) some.push(one)
    }
    return { some, end }
  }

  private seal(view: View, kind: ItemKind, from: number): string {
    return this.sealer.seal(Buffer.from(JSON.stringify([view.selection.mount, kind, view.version(kind), from])), purpose)
  }

  private open(cursor: unknown, view: View, kind: ItemKind): number | undefined {
    const plain = typeof cursor === 'string' ? this.sealer.open(cursor, purpose) : undefined
    if (plain === undefined) return undefined
    const [mount, of, version, from] = JSON.parse(Buffer.from(plain).toString('utf8')) as unknown[]
    const holds = mount === view.selection.mount && of === kind && version === view.version(kind)
    return holds && typeof from === 'number' ? from : undefined
  }
}

function listResult(kind: ItemKind, entries: Uint8Array, next: string | undefined, omitted: readonly Omitted[]): Payload {
  const cursor = next === undefined ? '' : `,"nextCursor":${JSON.stringify(next)}`
  const meta = omitted.length === 0 ? '' : `,"_meta":${JSON.stringify({ [`${vendorPrefix}omitted`]: omitted })}`
  const head = Buffer.from(`{"${kinds[kind].member}":[`)
  const tail = Buffer.from(`]${cursor},"ttlMs":0,"cacheScope":"private"${meta}}`)
  return payload(Buffer.concat([head, entries, tail]))
}
