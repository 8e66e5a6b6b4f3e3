// What a server of both eras lists in each. An item is shown once; where the eras differ in it, as MCP 2026-07-28 has it. What only one era
// has is called in that era, and so is what takes or gives something else there: what is shown and what is called are one thing.
import { createHash } from 'node:crypto'
import type { RoutedCall, TargetedCall } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { allKinds, kinds, type ListName } from '../../core/call/item-kinds.ts'
import type { Payload } from '../../core/call/payload.ts'
import { type EraDifference, UpstreamFault } from '../../core/ports/upstream.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { Context } from '../context.ts'

type Era = 'modern' | 'legacy'

interface Compared {
  /** Of what the modern era listed. */
  readonly digest: string
  /** Items of the session era alone. */
  readonly others: readonly Payload[]
  readonly differences: readonly EraDifference[]
  /** The era that alone serves an item, by its key. */
  readonly only: ReadonlyMap<string, Era>
}

/** Differences in these change what may be sent or what comes back. */
const shapes: ReadonlySet<string> = new Set(['inputSchema', 'outputSchema', 'arguments'])
/** Of a difference this many are told in one line of the log. */
const toldAtOnce = 20

export class EraLists {
  private readonly context: Context
  private readonly compared = new Map<ItemKind, Compared>()
  /** Kinds of which the session era said that they changed, since they were listed. */
  private readonly changed = new Set<ItemKind>()
  private told = ''
  private someDiffer = false

  constructor(context: Context) {
    this.context = context
  }

  /** There is an item that only one era serves. */
  get differ(): boolean {
    return this.someDiffer
  }

  /** Where the eras differ, item by item. */
  get differences(): readonly EraDifference[] {
    return allKinds.flatMap((kind) => this.compared.get(kind)?.differences ?? [])
  }

  /** The only era that serves what the call is about. */
  eraOf(call: TargetedCall): Era | undefined {
    const { item } = call as RoutedCall
    return item === undefined ? undefined : this.compared.get(item.kind)?.only.get(item.name)
  }

  /** The session era announced a change. */
  sessionChanged(list: ListName): void {
    for (const kind of allKinds) if (kinds[kind].list === list) this.changed.add(kind)
  }

  /** The items of both; a list of the session era that fails leaves what is known of it. It is not read again where nothing can differ. */
  async *both(kind: ItemKind, modern: AsyncIterable<Payload>, session: () => AsyncIterable<Payload>): AsyncGenerator<Payload> {
    const mine = new Map<string, Payload>()
    const digest = createHash('sha256')
    for await (const item of modern) {
      digest.update(item.bytes).update('\n')
      mine.set(keyOf(kind, item), item)
      yield item
    }
    const before = this.compared.get(kind)
    const now = digest.digest('base64url')
    if (before !== undefined && before.digest === now && before.differences.length === 0 && !this.changed.has(kind)) return
    const theirs = await this.read(kind, session)
    const compared = theirs === undefined ? before : compare(kind, now, mine, theirs)
    if (compared === undefined) return
    this.compared.set(kind, compared)
    this.someDiffer = [...this.compared.values()].some(({ only }) => only.size > 0)
    this.tell()
    yield* compared.others
  }

  private async read(kind: ItemKind, session: () => AsyncIterable<Payload>): Promise<Map<string, Payload> | undefined> {
    this.changed.delete(kind)
    const found = new Map<string, Payload>()
    try {
      for await (const item of session()) found.set(keyOf(kind, item), item)
      return found
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error
      this.changed.add(kind)
      const fields = { upstream: this.context.id, what: kind, reason: error.fault.message }
      this.context.report.log('warn', 'The items that a server has for session clients could not be listed', fields)
      return undefined
    }
  }

  private tell(): void {
    const { differences } = this
    const text = JSON.stringify(differences)
    if (differences.length === 0 || text === this.told) return
    this.told = text
    const fields = { upstream: this.context.id, differ: differences.length, first: differences.slice(0, toldAtOnce) }
    this.context.report.log('info', 'An upstream lists other items to session clients than in MCP 2026-07-28', fields)
  }
}

function compare(kind: ItemKind, digest: string, mine: ReadonlyMap<string, Payload>, theirs: ReadonlyMap<string, Payload>): Compared {
  const others: Payload[] = []
  const differences: EraDifference[] = []
  const only = new Map<string, Era>()
  for (const [name, item] of theirs) {
    const shown = mine.get(name)
    if (shown === undefined) {
      others.push(item)
      only.set(name, 'legacy')
      differences.push({ kind, name, era: 'legacy' })
      continue
    }
    const members = membersThatDiffer(shown, item)
    if (members.length === 0) continue
    differences.push({ kind, name, era: 'both', members })
    if (members.some((member) => shapes.has(member))) only.set(name, 'modern')
  }
  for (const name of mine.keys()) {
    if (theirs.has(name)) continue
    only.set(name, 'modern')
    differences.push({ kind, name, era: 'modern' })
  }
  return { digest, others, differences, only }
}

function keyOf(kind: ItemKind, item: Payload): string {
  const value = item.json()
  const key = isObject(value) ? value[kinds[kind].key] : undefined
  return typeof key === 'string' ? key : item.bytes.toString()
}

function membersThatDiffer(one: Payload, other: Payload): string[] {
  const [a, b] = [one.json(), other.json()]
  if (!isObject(a) || !isObject(b)) return []
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].filter((name) => sorted(a[name]) !== sorted(b[name]))
}

/** As JSON whose members are in one order; the dialect of a schema is no part of what it says. */
function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (key, one: unknown) => {
      if (key === '$schema') return undefined
      return isObject(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one
    }) ?? ''
  )
}
