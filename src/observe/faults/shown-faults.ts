// Groups of faults as people and programs outside are shown them: times are ISO 8601.
import { onOneLine } from '../../core/text/terminal.ts'
import type { SteadyTime } from '../steady-time.ts'
import type { FaultGroup, FaultGroups, FaultState, Revision } from './fault-groups.ts'

export interface ShownFault {
  readonly id: string
  readonly state: FaultState
  readonly kind: string
  readonly server: string
  readonly item?: string
  readonly cause: string
  readonly count: number
  readonly first: Revision & { readonly at: string }
  readonly last: Revision & { readonly at: string }
  readonly resolved?: string
  readonly regressions?: number
  readonly calls: readonly string[]
}

export class ShownFaults {
  private readonly groups: FaultGroups
  private readonly time: SteadyTime

  constructor(groups: FaultGroups, time: SteadyTime) {
    this.groups = groups
    this.time = time
  }

  all(): readonly ShownFault[] {
    return this.groups.all().map((group) => this.show(group))
  }

  resolve(id: string): ShownFault | undefined {
    const group = this.groups.resolve(id)
    return group === undefined ? undefined : this.show(group)
  }

  private show(group: FaultGroup): ShownFault {
    const { id, kind, server, item, cause, count, first, last, firstMs, lastMs, resolved, regressions, examples } = group
    const iso = (at: number): string => new Date(this.time.wall(at)).toISOString()
    return {
      id,
      state: this.groups.stateOf(group),
      kind,
      server,
      ...(item === undefined ? {} : { item: onOneLine(item) }),
      cause: onOneLine(cause),
      count,
      first: { ...first, at: iso(firstMs) },
      last: { ...last, at: iso(lastMs) },
      ...(resolved === undefined ? {} : { resolved: iso(resolved.atMs) }),
      ...(regressions === 0 ? {} : { regressions }),
      calls: examples,
    }
  }
}
