// Puts together what is exported of calls.
import { createHmac } from 'node:crypto'
import type { CallRecord } from '../core/call/record.ts'
import type { Clock, Random } from '../core/ports/clock.ts'
import type { Report } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import { createTraces, type Traces } from '../observe/index.ts'
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
  readonly proxies: Proxies | undefined
  readonly clock: Clock
  readonly random: Random
  readonly report: Report
}

export function assembleTraces({ settings, sealKey, ...parts }: TelemetryParts): Traces {
  return createTraces({
    ...parts,
    settings: settings.telemetry,
    identity,
    key: createHmac('sha256', sealKey).update('signalbox telemetry').digest(),
    objective: slowerThan(settings),
  })
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
