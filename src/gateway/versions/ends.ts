// The plan that holds for the end of a tool. Three can be told: configuration, an operator while the gateway runs, and the lock file. The first
// that says something holds, in this order; whoever asks for the end of a tool asks here.
import type { Deprecation } from '../../core/call/deprecation.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { versionOf } from '../../core/call/tool-version.ts'
import type { ConfiguredTools } from '../../core/ports/configured-tools.ts'
import type { Deprecations } from '../../core/ports/deprecations.ts'

export interface PlannedEnd {
  readonly plan: Deprecation
  readonly by: 'configuration' | 'operator' | 'lock'
  /** Of configuration. */
  readonly key: string | undefined
}

/** By the server's own names of tools. */
export type LockedPlans = ReadonlyMap<UpstreamId, ReadonlyMap<string, Deprecation>>

export interface EndsParts {
  /** Those of which configuration says how they end are enough. */
  readonly configured: ConfiguredTools
  /** Of operators. */
  readonly plans?: Deprecations | undefined
  readonly locked?: LockedPlans | undefined
}

export class EndsOfTools implements Deprecations {
  private readonly parts: EndsParts

  constructor(parts: EndsParts) {
    this.parts = parts
  }

  planOf(upstream: UpstreamId, tool: string): Deprecation | undefined {
    return this.inForce(upstream, tool)?.plan
  }

  inForce(upstream: UpstreamId, tool: string): PlannedEnd | undefined {
    const configured = this.configured(upstream, tool)
    if (configured !== undefined) return configured
    const plan = this.parts.plans?.planOf(upstream, tool)
    return plan === undefined ? this.withoutOperator(upstream, tool) : { plan, by: 'operator', key: undefined }
  }

  /** What holds once no operator plans anything. */
  withoutOperator(upstream: UpstreamId, tool: string): PlannedEnd | undefined {
    const configured = this.configured(upstream, tool)
    const locked = this.parts.locked?.get(upstream)?.get(tool)
    return configured ?? (locked === undefined ? undefined : { plan: locked, by: 'lock', key: undefined })
  }

  onChange(listener: (upstream: UpstreamId) => void): () => void {
    return this.parts.plans?.onChange(listener) ?? (() => undefined)
  }

  /** What is said of the tool by its own name goes before what is said of the version. */
  private configured(upstream: UpstreamId, tool: string): PlannedEnd | undefined {
    const { configured } = this.parts
    const own = configured.settingsOf(upstream, tool).deprecated
    if (own !== undefined) return { plan: own, by: 'configuration', key: `tools, deprecated of ${upstream}/${tool}` }
    const version = versionOf(tool)
    if (version === undefined) return undefined
    const { family, number } = version
    const plan = configured.settingsOf(upstream, family).versions?.deprecated.get(number)
    return plan === undefined
      ? undefined
      : { plan, by: 'configuration', key: `tools, versions.deprecated.${number} of ${upstream}/${family}` }
  }
}
