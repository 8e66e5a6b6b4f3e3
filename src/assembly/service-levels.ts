// What is observed of calls for those who answer for servers: objectives, groups of faults, and what is told by events; over restarts.
import type { Deprecation } from '../core/call/deprecation.ts'
import type { CallRecord, Recorder } from '../core/call/record.ts'
import { guarded } from '../core/ports/boundary.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import type { Counters, Log, Report } from '../core/ports/report.ts'
import { toolsBySelector } from '../gateway/tools/by-selector.ts'
import {
  type Condition,
  type FaultGroup,
  FaultGroups,
  FaultStore,
  HeldEvents,
  ObjectiveStore,
  Objectives,
  ShownFaults,
  SteadyTime,
  Sunsets,
  watching,
} from '../observe/index.ts'
import { configurationDigest } from './configuration-digest.ts'
import type { Settings } from './settings.ts'

export interface ServiceLevelParts {
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Log
  readonly counters: Counters
  readonly redact: (text: string) => string
  versionOf(server: string): string | undefined
  planOf(server: string, tool: string): Deprecation | undefined
}

const hourMs = 3_600_000

export class ServiceLevels {
  readonly time: SteadyTime
  readonly events: HeldEvents
  /** Those of the metrics, of which the steps that people are told of are noted. */
  readonly report: Report
  readonly objectives: Objectives
  readonly faults: FaultGroups
  readonly shownFaults: ShownFaults
  /** Digest of the one that is in force. */
  configuration: string
  private readonly sunsets: Sunsets
  private readonly clock: Clock
  private stores: readonly (ObjectiveStore | FaultStore)[] = []

  constructor({ settings, clock, log, counters, redact, versionOf, planOf }: ServiceLevelParts) {
    this.clock = clock
    const time = new SteadyTime(clock)
    this.time = time
    this.events = new HeldEvents(() => time.now())
    this.report = { log, counters: watching(counters, this.events) }
    this.configuration = configurationDigest(settings)
    const said = toolsBySelector(settings.tools)
    this.objectives = new Objectives({
      time,
      log,
      ofTool: (server, tool) => said.settingsOf(server, tool).objective,
      ofServer: (server) => settings.servers[server]?.objective,
    })
    this.faults = new FaultGroups({
      time,
      redact,
      versionOf,
      configuration: () => this.configuration,
      regressed: (group) => this.regressed(group),
    })
    this.shownFaults = new ShownFaults(this.faults, time)
    this.sunsets = new Sunsets(planOf)
  }

  /** The same recorder, which tells of each call here as well. */
  observing(recorder: Recorder): Recorder {
    const observe = guarded<CallRecord>(this.report, 'record', (record) => {
      this.objectives.observe(record)
      this.faults.observe(record)
      this.sunsets.observe(record)
    })
    return {
      record: (record) => {
        recorder.record(record)
        observe(record)
      },
      bug: (id, error) => recorder.bug(id, error),
    }
  }

  /** Another configuration is in force. */
  reconfigured(settings: Settings): void {
    this.configuration = configurationDigest(settings)
    this.objectives.reconsider()
  }

  conditions(): readonly Condition[] {
    return [...this.events.standing(), ...this.objectives.conditions(), ...this.sunsets.conditions(this.clock.now())]
  }

  /** Brings back what was known before the start. Never rejects. `durable` absent: what is counted ends with the gateway. */
  async start(durable: Durable | undefined): Promise<void> {
    if (durable === undefined) return
    const { clock, time, report, objectives, faults } = this
    this.stores = [
      new ObjectiveStore({ durable, clock, time, report, objectives }),
      new FaultStore({ durable, clock, time, report, groups: faults }),
    ]
    await Promise.all(this.stores.map((store) => store.start()))
  }

  async end(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.end()))
  }

  private regressed({ id, server, item, kind, cause, count, first, regressions }: FaultGroup): void {
    const since = first.version === undefined ? '' : `, first seen at version ${first.version}`
    this.events.note(
      {
        kind: 'fault_regressed',
        server,
        tool: item,
        part: id,
        text: `${kind} is back (${regressions}. time): ${cause}; ${count} times in all${since}`,
      },
      hourMs,
    )
  }
}
