// An item as a mount shows it: its visible name, and its entry in the list, made of the definition as it came.
import type { UpstreamId } from '../../core/call/call.ts'
import { deprecatedWords, noticeOf } from '../../core/call/deprecation.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import type { Edit } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { versionsMeta } from '../../core/protocol/names.ts'
import type { Definition } from './definition.ts'
import type { Alias, Families, ToolFacts } from './families.ts'
import { assign } from './names.ts'
import type { Selection } from './selection.ts'
import { entryEdits, type Places } from './skills.ts'

/** Two items that wanted one visible name; `loser` is hidden (URIs) or got another name. */
export interface Collision {
  readonly kind: ItemKind
  readonly name: string
  readonly owner: UpstreamId
  readonly loser: UpstreamId
}

/** An item as a mount shows it. */
export class Published {
  readonly item: Item
  readonly definition: Definition
  /** The name that its server has for it; of an alias that of the family. */
  readonly own: string
  private readonly description: string | undefined
  private readonly alias: boolean
  /** JSON text of its deprecation, while it is one. */
  private readonly notice: string | undefined
  private made: Uint8Array | undefined

  constructor(definition: Definition, visible: string, description: string | undefined, facts?: ToolFacts, alias?: string) {
    this.definition = definition
    this.own = alias ?? definition.name
    this.alias = alias !== undefined
    this.description = description
    this.notice = noticeIn(facts)
    this.item = {
      kind: definition.kind,
      upstream: definition.upstream,
      name: definition.name,
      visible,
      definition: definition.sent,
      traits: definition.traits,
      settings: definition.settings,
      headers: definition.headers,
      validate: definition.validate,
      declaresOutput: definition.declaresOutput,
      generation: definition.version,
      contract: definition.contract,
      version: facts?.version,
      deprecation: facts?.deprecation,
    }
  }

  /** Its entry in the list. */
  get bytes(): Uint8Array {
    if (this.made === undefined) {
      const { sent, mends, name } = this.definition
      const edits: Edit[] = [...mends]
      if (this.item.visible !== name) {
        if (this.definition.kind === 'skill') edits.push(...entryEdits(this.definition, this.item.visible))
        else edits.push({ path: ['name'], value: JSON.stringify(this.item.visible) })
      }
      if (this.description !== undefined) edits.push({ path: ['description'], value: JSON.stringify(this.description) })
      edits.push(...this.versionEdits())
      this.made = sent.edit(edits).bytes
    }
    return this.made
  }

  /** What its entry is made of, for the version of the list. */
  get mark(): string {
    const facts = this.notice === undefined && !this.alias ? '' : `\0${this.item.version?.number}\0${this.notice ?? ''}`
    return `${this.definition.version}\0${this.item.visible}\0${this.description ?? ''}${facts}\n`
  }

  is(definition: Definition, visible: string, description: string | undefined, facts?: ToolFacts, alias?: string): boolean {
    const { version, deprecation, visible: name } = this.item
    return (
      this.definition === definition &&
      name === visible &&
      this.description === description &&
      this.alias === (alias !== undefined) &&
      version?.number === facts?.version?.number &&
      version?.family === facts?.version?.family &&
      this.notice === noticeIn(facts) &&
      samePlan(deprecation, facts?.deprecation)
    )
  }

  /** The version that an alias leads to, and the words for what is deprecated; both after the digests of its contract. */
  private versionEdits(): readonly Edit[] {
    const { version, deprecation } = this.item
    const edits: Edit[] = []
    if (this.alias) edits.push({ path: ['_meta', versionsMeta.version], value: String(version?.number) })
    if (this.notice === undefined || deprecation === undefined) return edits
    const said = this.description ?? descriptionOf(this.definition)
    const words = deprecatedWords(deprecation)
    edits.push({ path: ['description'], value: JSON.stringify(said === undefined ? words : `${said} ${words}`) })
    edits.push({ path: ['_meta', versionsMeta.deprecation], value: this.notice })
    return edits
  }
}

function noticeIn(facts: ToolFacts | undefined): string | undefined {
  const { deprecation, phase } = facts ?? {}
  return deprecation === undefined || phase === undefined || phase === 'planned' ? undefined : noticeOf(deprecation)
}

/** Plans are small, and compared only where there are any. */
function samePlan(a: ToolFacts['deprecation'], b: ToolFacts['deprecation']): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b))
}

function descriptionOf({ sent }: Definition): string | undefined {
  // Not the parse that a payload keeps: definitions stay in memory.
  const value: unknown = JSON.parse(Buffer.from(sent.bytes).toString('utf8'))
  return isObject(value) && typeof value.description === 'string' ? value.description : undefined
}

/** `families`: of tools. `previous`: by visible name, what is unchanged keeps its object. */
export function publish(
  kind: ItemKind,
  selection: Selection,
  shown: readonly Definition[],
  places: Places,
  families: Families | undefined,
  previous: ReadonlyMap<string, Published> | undefined,
  collisions: Collision[],
): readonly Published[] {
  const made = (definition: Definition, visible: string, alias?: Alias): Published => {
    // The frontmatter of a skill is what stands in its file.
    const own = alias === undefined ? definition : { ...definition, name: alias.family }
    const description = kind === 'skill' ? undefined : selection.describe(own)
    const facts = alias?.facts ?? families?.facts.get(definition)
    const same = previous?.get(visible)
    if (same?.is(definition, visible, description, facts, alias?.family) === true) return same
    return new Published(definition, visible, description, facts, alias?.family)
  }
  if (kind === 'skill') return shown.map((definition) => made(definition, places.visible(definition)))
  if (kinds[kind].key !== 'name') return firstWins(kind, shown, places, collisions).map((definition) => made(definition, definition.name))
  const { names, taken } = assign(shown, (definition) => ({
    server: definition.upstream,
    name: definition.name,
    ...selection.name(definition),
  }))
  const published = shown.map((definition, index) => made(definition, names[index] as string))
  if (taken.length > 0) noteTaken(kind, selection, taken, published, collisions)
  return families === undefined || families.aliases.length === 0 ? published : withAliases(published, families.aliases, made)
}

/** An alias never takes a name that a tool has. */
function withAliases(
  published: readonly Published[],
  aliases: readonly Alias[],
  made: (definition: Definition, visible: string, alias: Alias) => Published,
): readonly Published[] {
  const used = new Set(published.map(({ item }) => item.visible))
  const places = new Map<Definition | undefined, Published>()
  const last: Published[] = []
  for (const alias of aliases) {
    if (used.has(alias.visible)) continue
    used.add(alias.visible)
    const one = made(alias.target, alias.visible, alias)
    if (alias.before === undefined) last.push(one)
    else places.set(alias.before, one)
  }
  const all = published.flatMap((one) => {
    const alias = places.get(one.definition)
    return alias === undefined ? [one] : [alias, one]
  })
  return [...all, ...last]
}

/** URIs stay what they are: the first server in configuration order owns one, the others are shown as losers. */
function firstWins(kind: ItemKind, shown: readonly Definition[], places: Places, collisions: Collision[]): readonly Definition[] {
  const owners = new Map<string, UpstreamId>()
  return shown.filter((definition) => {
    const { name, upstream } = definition
    const owner = owners.get(name) ?? (kind === 'resource' ? places.ownerOf(name) : undefined) ?? upstream
    if (owner === upstream && !owners.has(name)) {
      owners.set(name, upstream)
      return true
    }
    collisions.push({ kind, name, owner, loser: upstream })
    return false
  })
}

function noteTaken(
  kind: ItemKind,
  selection: Selection,
  taken: readonly Definition[],
  published: readonly Published[],
  collisions: Collision[],
): void {
  const byName = new Map(published.map((one) => [one.item.visible, one]))
  for (const definition of taken) {
    const name = selection.name(definition).wanted
    const owner = byName.get(name)?.item.upstream ?? definition.upstream
    collisions.push({ kind, name, owner, loser: definition.upstream })
  }
}

const comma = Buffer.from(',')

/** List entries as the inside of a JSON array. */
export function joined(published: readonly Published[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const one of published) {
    if (parts.length > 0) parts.push(comma)
    parts.push(one.bytes)
  }
  return Buffer.concat(parts)
}
