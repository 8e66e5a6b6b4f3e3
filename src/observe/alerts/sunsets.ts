// Tools that are still called though they end soon.
import { type Deprecation, dateText } from '../../core/call/deprecation.ts'
import type { CallRecord } from '../../core/call/record.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { Condition } from './condition.ts'

/** How long before its end it is told. */
const nearMs = 14 * dayMs
/** What was not called for so long is called no more. */
const calledMs = 2 * dayMs
/** Of one server. */
const most = 500

export class Sunsets {
  private readonly planOf: (server: string, tool: string) => Deprecation | undefined
  /** When each tool of each server was called last. */
  private readonly called = new Map<string, Map<string, number>>()

  constructor(planOf: (server: string, tool: string) => Deprecation | undefined) {
    this.planOf = planOf
  }

  observe({ upstream, item, itemKind, atMs }: CallRecord): void {
    if (upstream === undefined || item === undefined || itemKind !== 'tool') return
    let tools = this.called.get(upstream)
    if (tools === undefined) {
      tools = new Map()
      this.called.set(upstream, tools)
    }
    if (tools.size < most || tools.has(item)) tools.set(item, atMs)
  }

  conditions(nowMs: number): readonly Condition[] {
    const found: Condition[] = []
    for (const [server, tools] of this.called) {
      for (const [tool, atMs] of tools) {
        if (nowMs - atMs > calledMs) {
          tools.delete(tool)
          continue
        }
        const { sunsetMs, replacement } = this.planOf(server, tool) ?? {}
        if (sunsetMs === undefined || sunsetMs - nowMs > nearMs || sunsetMs <= nowMs) continue
        const instead = replacement === undefined ? '' : `; use ${replacement}`
        found.push({ kind: 'sunset_near', server, tool, text: `${tool} is still called and ends on ${dateText(sunsetMs)}${instead}` })
      }
    }
    return found
  }
}
