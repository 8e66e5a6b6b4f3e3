// Families of tools on one mount: versions of one tool side by side, the name without a version that leads to one of them (the alias), which
// of them callers with some pins see, and what is shown of versions whose end is planned.
import type { UpstreamId } from '../../core/call/call.ts'
import { type Deprecation, type DeprecationPhase, dateText, nextDate, phaseOf } from '../../core/call/deprecation.ts'
import type { Pins } from '../../core/call/tool-pins.ts'
import type { ToolSettings } from '../../core/call/tool-settings.ts'
import { type ToolVersion, versionOf } from '../../core/call/tool-version.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Definition } from './definition.ts'
import type { Selection } from './selection.ts'

/** What families are made by. */
export interface VersionRules {
  settingsOf(upstream: UpstreamId, tool: string): ToolSettings
  planOf(upstream: UpstreamId, tool: string): Deprecation | undefined
  now(): number
}

/** Pins in the order in which they hold. */
export type PinLayers = readonly (Pins | undefined)[]

/** Tools of one server whose names end in a version, or a tool without one, which has no numbers. */
export interface Group {
  readonly upstream: UpstreamId
  readonly family: string
  /** How the mount names the alias. */
  readonly visible: string
  readonly numbers: readonly number[]
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly name: string
  readonly number: number
}

/** What is said of a tool because of its version and its end. */
export interface ToolFacts {
  readonly version: ToolVersion | undefined
  /** `replacement` is as the mount names it. */
  readonly deprecation: Deprecation | undefined
  readonly phase: DeprecationPhase | undefined
}

export interface Alias {
  readonly family: string
  readonly visible: string
  readonly target: Definition
  /** It stands before this one in the list; undefined: at the end. */
  readonly before: Definition | undefined
  readonly facts: ToolFacts
}

/** Why a name is not served, to who sees the tool. `missing`: a version is pinned that the family has not. */
export type Refusal = { readonly fault: Fault; readonly name: string; readonly upstream: UpstreamId } | { readonly missing: Group }

export interface Families {
  /** In the order of the servers. */
  readonly shown: readonly Definition[]
  readonly facts: ReadonlyMap<Definition, ToolFacts>
  readonly aliases: readonly Alias[]
  /** By visible name. */
  readonly refusals: ReadonlyMap<string, Refusal>
  /** Visible names of other versions than the pinned ones. */
  readonly hidden: ReadonlySet<string>
  readonly groups: readonly Group[]
  /** Tools without versions. */
  readonly plain: readonly Definition[]
  /** When it is another one, by the calendar alone; ms since the epoch. */
  readonly changesAtMs: number | undefined
}

/** The pin of a family; of a tool without versions what names it with its server, or as the mount does. */
export function pinnedIn(layers: PinLayers, { upstream, family, visible, numbers }: Group): number | undefined {
  for (const layer of layers) {
    if (layer === undefined) continue
    const pin = layer.get(`${upstream}/${family}`) ?? layer.get(visible) ?? (numbers.length === 0 ? undefined : layer.get(family))
    if (pin !== undefined) return pin
  }
  return undefined
}

/** A tool without versions, as a pin may mean it. */
export function plainGroup(definition: Definition, selection: Selection): Group {
  const { upstream, name } = definition
  return { upstream, family: name, visible: selection.name(definition).wanted, numbers: [], members: [] }
}

export function familiesOf(
  selection: Selection,
  listed: (server: UpstreamId) => readonly Definition[],
  layers: PinLayers,
  rules: VersionRules,
): Families {
  const making = new Making(selection, layers, rules)
  for (const server of selection.servers) making.add(server, listed(server))
  return making
}

/** The refusal of a version that does not exist, to who pinned it. */
export function missingFault({ family, visible }: Group, pinned: number | undefined, numbers: readonly number[]): Fault {
  const which = pinned === undefined ? 'the version to which its name leads' : `version ${pinned}, which is pinned,`
  const there = numbers.length === 0 ? 'It has no versions.' : `There ${numbers.length === 1 ? 'is' : 'are'} ${numbers.join(', ')}.`
  return fault('version_retired', {
    tool: visible,
    family,
    version: pinned,
    versions: numbers,
    reason: `${which} does not exist`,
    hint: `${there} Pin one of them, or none.`,
  })
}

/** The refusal of a tool that is over, or not to be had for the time of a brownout. */
export function retiredFault(tool: string, version: ToolVersion | undefined, plan: Deprecation, phase: 'retired' | 'brownout'): Fault {
  const { sunsetMs, replacement } = plan
  const sunset = sunsetMs === undefined ? undefined : dateText(sunsetMs)
  const reason =
    phase === 'retired'
      ? `it was removed on ${sunset}`
      : `it is deprecated and refused for a while${sunset === undefined ? '' : `, before it is removed on ${sunset}`}`
  return fault('version_retired', {
    tool,
    family: version?.family,
    version: version?.number,
    sunset,
    replacement,
    reason,
    hint: replacement === undefined ? 'It has no replacement.' : `Use ${replacement} instead.`,
  })
}

interface Member {
  readonly definition: Definition
  readonly version: ToolVersion
}

class Making implements Families {
  readonly shown: Definition[] = []
  readonly facts = new Map<Definition, ToolFacts>()
  readonly aliases: Alias[] = []
  readonly refusals = new Map<string, Refusal>()
  readonly hidden = new Set<string>()
  readonly groups: Group[] = []
  readonly plain: Definition[] = []
  changesAtMs: number | undefined
  private readonly selection: Selection
  private readonly layers: PinLayers
  private readonly pins: boolean
  private readonly rules: VersionRules
  private readonly now: number
  private readonly left = new Set<Definition>()

  constructor(selection: Selection, layers: PinLayers, rules: VersionRules) {
    this.selection = selection
    this.layers = layers
    this.pins = layers.some((layer) => layer !== undefined)
    this.rules = rules
    this.now = rules.now()
  }

  add(upstream: UpstreamId, listed: readonly Definition[]): void {
    const families = new Map<string, Member[]>()
    const plain = new Map<string, Definition>()
    for (const definition of listed) {
      const version = versionOf(definition.name)
      const members = version === undefined ? undefined : families.get(version.family)
      if (version === undefined) plain.set(definition.name, definition)
      else if (members === undefined) families.set(version.family, [{ definition, version }])
      else members.push({ definition, version })
    }
    const names = new Set(listed.map(({ name }) => name))
    for (const definition of listed) this.plan(definition, undefined, names)
    for (const [family, members] of families) this.family(upstream, family, members, plain.get(family), names)
    for (const definition of plain.values()) {
      if (families.has(definition.name)) continue
      this.plain.push(definition)
      if (this.pins) this.unversioned(definition)
    }
    for (const definition of listed) {
      if (!this.selection.shows(definition) || this.left.has(definition)) continue
      if (this.phase(definition) === 'retired') this.retire(definition)
      else this.shown.push(definition)
    }
  }

  private family(
    upstream: UpstreamId,
    family: string,
    members: readonly Member[],
    plain: Definition | undefined,
    names: ReadonlySet<string>,
  ): void {
    const { versions: declared } = this.rules.settingsOf(upstream, family)
    const group = this.group(upstream, family, members)
    const pinned = this.pins ? pinnedIn(this.layers, group) : undefined
    if (members.length === 1 && declared === undefined && pinned === undefined) return
    for (const { definition, version } of members) this.plan(definition, version, names)
    if (pinned !== undefined) this.pin(group, members, plain, pinned)
    else if (plain === undefined || !this.selection.shows(plain)) this.alias(group, members, declared?.alias)
  }

  private alias(group: Group, members: readonly Member[], alias: number | undefined): void {
    const { selection } = this
    const { upstream, family } = group
    if (!selection.shows({ upstream, name: family })) return
    const there = members.filter(({ definition }) => this.phase(definition) !== 'retired')
    const own = there.filter(({ definition }) => selection.shows(definition))
    const from = own.length > 0 ? own : there.filter(({ definition }) => !selection.excludes(definition))
    const target = alias === undefined ? this.latest(from) : from.find(({ version }) => version.number === alias)
    if (target !== undefined) this.lead(group, members, target)
    else if (alias !== undefined) this.refusals.set(group.visible, { missing: group })
    else if (there.length === 0) this.retire(this.highest(members).definition, group.visible)
  }

  /** Who is pinned sees the one version and nothing else of the family, by whatever name. */
  private pin(group: Group, members: readonly Member[], plain: Definition | undefined, pinned: number): void {
    const target = members.find(({ version }) => version.number === pinned)
    for (const { definition } of members) if (definition !== target?.definition) this.hide(definition)
    if (plain !== undefined) this.hide(plain)
    if (target === undefined) {
      for (const { definition } of members) this.refusals.set(this.visible(definition), { missing: group })
      this.refusals.set(group.visible, { missing: group })
    } else if (this.phase(target.definition) === 'retired') this.retire(target.definition, group.visible)
    else if (this.selection.shows({ upstream: group.upstream, name: group.family }) && !this.selection.excludes(target.definition)) {
      this.lead(group, members, target)
    }
  }

  /** A tool without a version is none of those that somebody pins, where the pin surely means it. */
  private unversioned(definition: Definition): void {
    const group = plainGroup(definition, this.selection)
    if (pinnedIn(this.layers, group) === undefined) return
    this.left.add(definition)
    this.refusals.set(group.visible, { missing: group })
  }

  private group(upstream: UpstreamId, family: string, members: readonly Member[]): Group {
    const visible = this.selection.name({ kind: 'tool', upstream, name: family }).wanted
    const group: Group = {
      upstream,
      family,
      visible,
      numbers: numbersOf(members),
      members: members.map(({ definition, version }) => ({ name: definition.name, number: version.number })),
    }
    this.groups.push(group)
    return group
  }

  private lead({ family, visible }: Group, members: readonly Member[], { definition }: Member): void {
    const before = members.find(
      (one) => this.selection.shows(one.definition) && !this.left.has(one.definition) && this.phase(one.definition) !== 'retired',
    )?.definition
    const facts = this.facts.get(definition) ?? { version: undefined, deprecation: undefined, phase: undefined }
    this.aliases.push({ family, visible, target: definition, before, facts })
  }

  private latest(from: readonly Member[]): Member | undefined {
    const kept = from.filter(({ definition }) => (this.phase(definition) ?? 'planned') === 'planned')
    return from.length === 0 ? undefined : this.highest(kept.length > 0 ? kept : from)
  }

  private highest(members: readonly Member[]): Member {
    return members.reduce((best, one) => (one.version.number > best.version.number ? one : best))
  }

  private plan(definition: Definition, version: ToolVersion | undefined, names: ReadonlySet<string>): void {
    const { upstream, name } = definition
    const plan = this.rules.planOf(upstream, name)
    if (plan === undefined && version === undefined) return
    const at = plan === undefined ? undefined : nextDate(plan, this.now)
    if (at !== undefined && (this.changesAtMs === undefined || at < this.changesAtMs)) this.changesAtMs = at
    this.facts.set(definition, {
      version,
      deprecation: plan === undefined ? undefined : this.named(plan, upstream, names),
      phase: plan === undefined ? undefined : phaseOf(plan, this.now),
    })
  }

  private named(plan: Deprecation, upstream: UpstreamId, names: ReadonlySet<string>): Deprecation {
    const { replacement } = plan
    if (replacement === undefined || !names.has(replacement)) return plan
    return { ...plan, replacement: this.selection.name({ kind: 'tool', upstream, name: replacement }).wanted }
  }

  private phase(definition: Definition): DeprecationPhase | undefined {
    return this.facts.get(definition)?.phase
  }

  private retire(definition: Definition, visible = this.visible(definition)): void {
    const { version, deprecation } = this.facts.get(definition) ?? {}
    if (deprecation === undefined) return
    const { name, upstream } = definition
    this.refusals.set(visible, { fault: retiredFault(visible, version, deprecation, 'retired'), name, upstream })
  }

  private hide(definition: Definition): void {
    this.left.add(definition)
    this.hidden.add(this.visible(definition))
  }

  private visible(definition: Definition): string {
    return this.selection.name(definition).wanted
  }
}

function numbersOf(members: readonly Member[]): readonly number[] {
  return [...new Set(members.map(({ version }) => version.number))].sort((a, b) => a - b)
}
