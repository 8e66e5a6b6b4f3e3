// What operators ask of the versions of a tool, and plan for them: who uses it, who is pinned to it, and its end.
import type { Deprecation } from '../../core/call/deprecation.ts'
import { versionOf } from '../../core/call/tool-version.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { ConfiguredTools } from '../../core/ports/configured-tools.ts'
import type { Plans } from './plans.ts'
import { type Objection, objections } from './removal.ts'
import type { ToolUsage, ToolUse } from './usage.ts'

/** A pin of configuration: `family` may have its server before it. */
export interface ConfiguredPin {
  readonly key: string
  readonly family: string
  readonly version: number
}

export interface VersionsParts {
  readonly usage: ToolUsage
  readonly plans: Plans
  readonly tools: ConfiguredTools
  readonly pins: readonly ConfiguredPin[]
  readonly clock: Clock
  /** Names of what a server lists; undefined where there is no such server. */
  listed(upstream: string): readonly string[] | undefined
}

export interface ToolReport {
  /** Undefined where the store cannot say. */
  readonly usage: readonly ToolUse[] | undefined
  readonly pins: readonly ConfiguredPin[]
  /** Of each version that there is. */
  readonly tools: readonly { readonly tool: string; readonly version: number | undefined; readonly deprecation: Deprecation | undefined }[]
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
    const tools = names.map((tool) => ({ tool, version: versionOf(tool)?.number, deprecation: this.planned(upstream, tool)?.plan }))
    return { usage, pins: this.pinsOf(upstream, name), tools }
  }

  async end(upstream: string, name: string, { version, plan, override }: EndWanted): Promise<EndPlanned> {
    const { plans, clock, usage } = this.parts
    const tool = this.meant(upstream, name, version)
    if (typeof tool !== 'string') return { kind: 'unknown', reason: tool.reason }
    const planned = this.planned(upstream, tool)
    const configured = planned?.key
    const found =
      plan === undefined
        ? objections({ now: 0, plan: { fromMs: 0, sunsetMs: undefined }, before: undefined, configured, pins: [], callers: 0 })
        : objections({
            now: clock.now(),
            plan,
            before: planned?.plan,
            configured,
            pins: this.pinsOf(upstream, tool).map(({ key }) => key),
            callers: (await usage.of(upstream, tool))?.filter((use) => use.tool === tool).length,
          })
    if (found.length > 0 && (!override || configured !== undefined)) return { kind: 'refused', tool, objections: found }
    const unkept = await plans.set(upstream, tool, plan)
    if (unkept !== undefined) return { kind: 'unkept', tool, reason: unkept }
    return { kind: 'planned', tool, version: versionOf(tool)?.number, overridden: found }
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

  /** What is planned for a tool, and the key of configuration that plans it. */
  private planned(upstream: string, tool: string): { readonly plan: Deprecation; readonly key: string | undefined } | undefined {
    const { tools, plans } = this.parts
    const own = tools.settingsOf(upstream, tool).deprecated
    if (own !== undefined) return { plan: own, key: `tools, deprecated of ${upstream}/${tool}` }
    const version = versionOf(tool)
    const ofVersion =
      version === undefined ? undefined : tools.settingsOf(upstream, version.family).versions?.deprecated.get(version.number)
    if (ofVersion !== undefined)
      return { plan: ofVersion, key: `tools, versions.deprecated.${version?.number} of ${upstream}/${version?.family}` }
    const plan = plans.planOf(upstream, tool)
    return plan === undefined ? undefined : { plan, key: undefined }
  }

  private pinsOf(upstream: string, name: string): readonly ConfiguredPin[] {
    const version = versionOf(name)
    const of = version?.family ?? name
    return this.parts.pins.filter(
      (pin) =>
        [of, `${upstream}/${of}`, `${upstream}__${of}`].includes(pin.family) && (version === undefined || pin.version === version.number),
    )
  }
}
