// What operators ask of the versions of a tool, and plan for them: who uses it, who is pinned to it, and its end.
import type { Deprecation } from '../../core/call/deprecation.ts'
import { meansFamily, versionOf } from '../../core/call/tool-version.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { EndsOfTools, PlannedEnd } from './ends.ts'
import type { Plans } from './plans.ts'
import { type Objection, objections } from './removal.ts'
import { type ToolUsage, type ToolUse, usageDays } from './usage.ts'

/** What leads callers to one version by configuration. */
export interface ConfiguredPin {
  readonly key: string
  /** Of the rule of access that it stands in, where it has one. */
  readonly rule?: string
  /** May have its server before it. */
  readonly family: string
  readonly version: number
}

export interface VersionsParts {
  readonly usage: ToolUsage
  readonly ends: EndsOfTools
  readonly plans: Plans
  readonly pins: readonly ConfiguredPin[]
  readonly clock: Clock
  /** Names of what a server lists; undefined where there is no such server. */
  listed(upstream: string): readonly string[] | undefined
}

export interface ToolReport {
  /** How many days `usage` is of. */
  readonly days: number
  /** Undefined where the store cannot say. */
  readonly usage: readonly ToolUse[] | undefined
  /** There may be more callers than that. */
  readonly isIncomplete: boolean
  readonly pins: readonly ConfiguredPin[]
  /** Of each version that there is. */
  readonly tools: readonly { readonly tool: string; readonly version: number | undefined; readonly end: PlannedEnd | undefined }[]
}

export interface EndWanted {
  readonly version: number | undefined
  /** Undefined: it is taken back. */
  readonly plan: Deprecation | undefined
  readonly override: boolean
}

export type EndPlanned =
  | { readonly kind: 'planned'; readonly tool: string; readonly version: number | undefined; readonly overridden: readonly Objection[] }
  | { readonly kind: 'refused'; readonly tool: string; readonly objections: readonly Objection[] }
  /** There is no such server, tool or version. */
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'unkept'; readonly tool: string; readonly reason: string }

export class VersionsOfTools {
  private readonly parts: VersionsParts

  constructor(parts: VersionsParts) {
    this.parts = parts
  }

  /** `name`: of a tool, or of a family. Undefined where the server has no such, and nobody used it. */
  async report(upstream: string, name: string): Promise<ToolReport | undefined> {
    const usage = await this.parts.usage.of(upstream, name)
    const names = this.named(upstream, name)
    if (names.length === 0 && (usage === undefined || usage.length === 0)) return undefined
    const tools = names.map((tool) => ({ tool, version: versionOf(tool)?.number, end: this.planned(upstream, tool) }))
    return { days: usageDays, usage, isIncomplete: this.parts.usage.isIncomplete, pins: this.pinsOf(upstream, name), tools }
  }

  /** The plan that holds for one tool, and who made it. */
  planned(upstream: string, tool: string): PlannedEnd | undefined {
    return this.parts.ends.inForce(upstream, tool)
  }

  async end(upstream: string, name: string, { version, plan, override }: EndWanted): Promise<EndPlanned> {
    const { ends, plans, clock } = this.parts
    const tool = this.meant(upstream, name, version)
    if (typeof tool !== 'string') return { kind: 'unknown', reason: tool.reason }
    const planned = this.planned(upstream, tool)
    const barred = barredBy(planned, plan)
    if (barred !== undefined) return { kind: 'refused', tool, objections: [barred] }
    const before = planned?.plan
    // Taken back, what the file plans holds again; that is told of where it comes sooner.
    const next = plan ?? soonerThan(before, ends.withoutOperator(upstream, tool)?.plan)
    const found =
      next === undefined
        ? []
        : objections({
            now: clock.now(),
            plan: next,
            before,
            pins: this.pinsOf(upstream, tool).map(({ key, rule }) => (rule === undefined ? key : `${key} (${rule})`)),
            callers: await this.callersOf(upstream, tool),
          })
    if (found.length > 0 && !override) return { kind: 'refused', tool, objections: found }
    const unkept = await plans.set(upstream, tool, plan)
    if (unkept !== undefined) return { kind: 'unkept', tool, reason: unkept }
    return { kind: 'planned', tool, version: versionOf(tool)?.number, overridden: found }
  }

  /** Undefined where it is not known. */
  private async callersOf(upstream: string, tool: string): Promise<number | undefined> {
    const { usage } = this.parts
    const callers = (await usage.of(upstream, tool))?.filter((use) => use.tool === tool).length
    return callers === 0 && usage.isIncomplete ? undefined : callers
  }

  /** The tools that a name is of: itself, or all versions of the family. */
  private named(upstream: string, name: string): readonly string[] {
    return (this.parts.listed(upstream) ?? []).filter((tool) => tool === name || versionOf(tool)?.family === name)
  }

  private meant(upstream: string, name: string, version: number | undefined): string | { readonly reason: string } {
    const listed = this.parts.listed(upstream)
    if (listed === undefined) return { reason: `the gateway has no server ${upstream}` }
    const names = this.named(upstream, name)
    const found = names.filter((tool) => (version === undefined ? tool === name : versionOf(tool)?.number === version))
    const [only] = found
    if (only !== undefined) return only
    if (names.length === 0) return { reason: `${upstream} lists no tool ${name}` }
    return { reason: version === undefined ? `${name} has versions: say which` : `${name} has no version ${version}` }
  }

  private pinsOf(upstream: string, name: string): readonly ConfiguredPin[] {
    const version = versionOf(name)
    const of = version?.family ?? name
    return this.parts.pins.filter(
      (pin) => meansFamily(pin.family, upstream, of) && (version === undefined || pin.version === version.number),
    )
  }
}

/** What no operator can override here: it is planned elsewhere, and has to be changed there. */
function barredBy(planned: PlannedEnd | undefined, wanted: Deprecation | undefined): Objection | undefined {
  if (planned?.by === 'configuration') {
    return { kind: 'configured', reason: `configuration plans its end (${planned.key}), which goes before what is planned here` }
  }
  if (planned?.by !== 'lock' || wanted !== undefined) return undefined
  return { kind: 'locked', reason: 'the lock file plans its end: take that back with `signalbox tools deprecate --off`' }
}

function soonerThan(before: Deprecation | undefined, next: Deprecation | undefined): Deprecation | undefined {
  const isSooner = next?.sunsetMs !== undefined && next.sunsetMs < (before?.sunsetMs ?? Number.POSITIVE_INFINITY)
  return isSooner ? next : undefined
}
