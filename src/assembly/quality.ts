// The judging of results with what it stands on: what is usual of tools, kept over restarts, and who is told.
import type { RoutedCall, TargetedCall, UpstreamId } from '../core/call/call.ts'
import { type Gate, through } from '../core/call/gates.ts'
import type { Next } from '../core/call/stage.ts'
import type { Validate } from '../core/call/violation.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import { Episodes, JudgedTools, KeptHistories, QualityOperators, results, taskResults } from '../gateway/quality/index.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import type { Settings } from './settings.ts'

export interface AssembledQuality {
  readonly gate: Gate<RoutedCall>
  readonly ofTasks: Gate<TargetedCall>
  readonly operators: QualityOperators
  /** Sends a leg of a call that waited for input, which passes none of the gates, and judges its result. */
  resumed(send: Next<RoutedCall>): Next<RoutedCall>
  /** Brings back what was usual before the start. Never rejects. */
  start(): Promise<void>
  /** Writes what is not kept yet; before the durable store closes. */
  end(): Promise<void>
}

export interface QualityParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly report: Report
  /** Absent: what is usual ends with the gateway. */
  readonly durable: Durable | undefined
  readonly compile: (schema: unknown) => { readonly validate: Validate }
  versionOf(upstream: UpstreamId): string | undefined
}

/** Undefined where results are not judged. */
export function assembleQuality({ settings, clock, report, durable, compile, versionOf }: QualityParts): AssembledQuality | undefined {
  const { enabled, annotate, sensitivity } = settings.quality
  if (!enabled) return undefined
  const said = toolsBySelector(settings.tools)
  const tools = new JudgedTools({ sensitivity, qualityOf: (upstream, tool) => said.settingsOf(upstream, tool).quality })
  const episodes = new Episodes({ report, ownerOf: (upstream) => settings.servers[upstream]?.owner })
  const kept = durable === undefined ? undefined : new KeptHistories({ durable, clock, report, tools, episodes })
  const parts = { clock, report, tools, episodes, annotate, compile, versionOf }
  const gate = results(parts)
  const judged = through([gate as Gate])
  return {
    gate,
    ofTasks: taskResults(parts),
    resumed: (send) => (call, exchange) => judged(call, exchange, send as Next),
    operators: new QualityOperators({ clock, tools, episodes }),
    start: async () => kept?.start(),
    end: async () => kept?.end(),
  }
}
