// Puts together what is exported of calls.
import { createHmac } from 'node:crypto'
import type { CallRecord } from '../core/call/record.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Report } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import { createMetricsExport, createTraces, type Metrics, type Traces } from '../observe/index.ts'
import type { Proxies } from '../platform/net/proxies.ts'
import { identity } from './identity.ts'
import type { Settings } from './settings.ts'

interface TelemetryParts {
  readonly settings: Settings
  /** `OTEL_*` of the environment. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Of this replica. */
  readonly instance: string
  readonly sealKey: Uint8Array
  readonly redaction: Redaction
  readonly metrics: Metrics
  readonly proxies: Proxies | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
}

export interface Telemetry {
  readonly traces: Traces
  /** Values that must never be written anywhere. */
  readonly secrets: readonly string[]
  start(): Promise<void>
  end(withinMs: number): Promise<void>
}

export function assembleTelemetry({ settings, sealKey, redaction, metrics, ...parts }: TelemetryParts): Telemetry {
  const common = { ...parts, settings: settings.telemetry, identity }
  const key = createHmac('sha256', sealKey).update('signalbox telemetry').digest()
  const traces = createTraces({ ...common, key, redaction, objective: slowerThan(settings) })
  const exported = createMetricsExport({ ...common, metrics })
  for (const variable of new Set([...traces.unread, ...(exported?.unread ?? [])])) {
    parts.report.log('warn', 'A variable of OpenTelemetry cannot be read and counts as absent', { variable })
  }
  return {
    traces,
    secrets: [...traces.secrets, ...(exported?.secrets ?? [])],
    start: async () => void (await Promise.all([traces.start(), exported?.start()])),
    end: async (withinMs) => void (await Promise.all([traces.end(withinMs), exported?.end(withinMs)])),
  }
}

/** The objective of the latency of a tool, read once for each. */
export function slowerThan({ tools }: Pick<Settings, 'tools'>): (record: CallRecord) => number | undefined {
  if (!Object.values(tools).some(({ objective }) => objective?.latency !== undefined)) return () => undefined
  const said = toolsBySelector(tools)
  const known = new Map<string, number | undefined>()
  return ({ itemKind, upstream, item }) => {
    if (itemKind !== 'tool' || upstream === undefined || item === undefined) return undefined
    const name = `${upstream}/${item}`
    if (!known.has(name)) {
      if (known.size >= mostTools) known.clear()
      known.set(name, said.settingsOf(upstream, item).objective?.latency)
    }
    return known.get(name)
  }
}

const mostTools = 10_000
