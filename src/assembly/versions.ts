// Versions of tools with what they stand on: who uses them, what operators planned, and what configuration pins.
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Report } from '../core/ports/report.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import { type ConfiguredPin, VersionsOfTools } from '../gateway/versions/operators.ts'
import { Plans } from '../gateway/versions/plans.ts'
import { ToolUsage } from '../gateway/versions/usage.ts'
import type { Settings } from './settings.ts'

export interface AssembledVersions {
  readonly usage: ToolUsage
  readonly plans: Plans
  readonly operators: VersionsOfTools
}

export function assembleVersions(
  settings: Settings,
  durable: Durable,
  clock: Clock,
  report: Report,
  listed: (upstream: string) => readonly string[] | undefined,
): AssembledVersions {
  const usage = new ToolUsage(durable, clock, report)
  const plans = new Plans(durable, report)
  const tools = toolsBySelector(settings.tools)
  return { usage, plans, operators: new VersionsOfTools({ usage, plans, tools, pins: pinsOf(settings), clock, listed }) }
}

function pinsOf({ access = [], toolsets, tools }: Settings): readonly ConfiguredPin[] {
  const of = (key: string, versions: Readonly<Record<string, number>> = {}): ConfiguredPin[] =>
    Object.entries(versions).map(([family, version]) => ({ key: `${key}.versions`, family, version }))
  return [
    ...access.flatMap(({ name, shadow, versions }, at) => (shadow ? [] : of(name ?? `access.${at}`, versions))),
    ...Object.entries(toolsets).flatMap(([name, { versions }]) => of(`toolsets.${name}`, versions)),
    ...Object.entries(tools).flatMap(([selector, { versions }]) =>
      versions?.alias === undefined ? [] : [{ key: `tools.${selector}.versions.alias`, family: selector, version: versions.alias }],
    ),
  ]
}
