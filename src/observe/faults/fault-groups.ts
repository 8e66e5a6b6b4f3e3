// What fails, grouped: each group once, with how often, since when, at which contract, version and configuration it was first seen, and whether it is
// new, known, over, or back.
import type { CallRecord } from '../../core/call/record.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { SteadyTime } from '../steady-time.ts'
import { type Fingerprint, fingerprintOf, idOf } from './fingerprint.ts'

/** What was deployed when something was seen. */
export interface Revision {
  /** `c1:…`: digest of the contract of the tool. */
  readonly contract: string | undefined
  /** As the server says it. */
  readonly version: string | undefined
  /** Digest of the configuration. */
  readonly configuration: string
}

/** Times are steady milliseconds. */
export interface FaultGroup extends Fingerprint {
  readonly id: string
  count: number
  readonly firstMs: number
  lastMs: number
  readonly first: Revision
  last: Revision
  /** Correlation ids: of the first call, and of the last ones. */
  examples: readonly string[]
  /** `quiet`: it was not seen for a week. */
  resolved: { readonly atMs: number; readonly by: 'operator' | 'quiet' } | undefined
  /** How often it came back after it was over. */
  regressions: number
  regressedMs: number | undefined
  /** Since it was over by itself: seen so often, from then on. */
  returned: { count: number; readonly fromMs: number } | undefined
  changed: boolean
}

export type FaultState = 'new' | 'known' | 'resolved' | 'regressed'

export interface FaultGroupsParts {
  readonly time: SteadyTime
  readonly redact: (text: string) => string
  readonly versionOf: (server: string) => string | undefined
  readonly configuration: () => string
  /** Hears of one that is back. */
  readonly regressed: (group: FaultGroup) => void
}

export const mostGroups = 1_000
/** Of one server: what it says cannot push out what others failed at. */
const mostOfServer = 100
const mostExamples = 5
const newMs = dayMs
export const quietMs = 7 * dayMs
/** One that was over by itself is back once it was seen so often within an hour: a single failure now and then is no news. */
const returnsAt = 3
const hourMs = 3_600_000

export class FaultGroups {
  private readonly parts: FaultGroupsParts
  /** The one that was seen last is last. */
  private readonly groups = new Map<string, FaultGroup>()
  private readonly ofServer = new Map<string, number>()

  constructor(parts: FaultGroupsParts) {
    this.parts = parts
  }

  observe(record: CallRecord): void {
    const { redact, time } = this.parts
    const found = fingerprintOf(record, redact)
    if (found === undefined) return
    const now = time.now()
    const group = this.groupOf(found, now, record)
    this.quiet(group, now)
    this.groups.delete(group.id)
    this.groups.set(group.id, group)
    group.count += 1
    group.lastMs = now
    group.last = this.revisionOf(record)
    const [first = record.id, ...others] = group.examples
    group.examples = first === record.id ? [first] : [first, ...others.slice(-(mostExamples - 2)), record.id]
    group.changed = true
    this.isBack(group, now)
  }

  restore(group: FaultGroup): void {
    if (this.groups.size >= mostGroups) return
    this.groups.set(group.id, group)
    this.ofServer.set(group.server, (this.ofServer.get(group.server) ?? 0) + 1)
  }

  /** The one that was seen last is first. */
  all(): readonly FaultGroup[] {
    const now = this.parts.time.now()
    for (const group of this.groups.values()) this.quiet(group, now)
    return [...this.groups.values()].reverse()
  }

  stateOf({ firstMs, resolved, regressedMs }: FaultGroup): FaultState {
    if (resolved !== undefined) return 'resolved'
    if (regressedMs !== undefined) return 'regressed'
    return this.parts.time.now() - firstMs < newMs ? 'new' : 'known'
  }

  /** Says that it is mended; undefined where there is none such. */
  resolve(id: string): FaultGroup | undefined {
    const group = this.groups.get(id)
    if (group === undefined) return undefined
    group.resolved = { atMs: this.parts.time.now(), by: 'operator' }
    group.returned = undefined
    group.changed = true
    return group
  }

  private groupOf(found: Fingerprint, now: number, record: CallRecord): FaultGroup {
    const known = this.groups.get(idOf(found))
    if (known !== undefined) return known
    const isMuch = (this.ofServer.get(found.server) ?? 0) >= mostOfServer
    const of = isMuch ? { ...found, item: undefined, cause: 'other' } : found
    const id = idOf(of)
    const other = this.groups.get(id)
    if (other !== undefined) return other
    if (this.groups.size >= mostGroups) this.forgetOldest()
    const revision = this.revisionOf(record)
    const group: FaultGroup = {
      ...of,
      id,
      count: 0,
      firstMs: now,
      lastMs: now,
      first: revision,
      last: revision,
      examples: [],
      resolved: undefined,
      regressions: 0,
      regressedMs: undefined,
      returned: undefined,
      changed: true,
    }
    this.groups.set(id, group)
    this.ofServer.set(of.server, (this.ofServer.get(of.server) ?? 0) + 1)
    return group
  }

  private quiet(group: FaultGroup, now: number): void {
    if (group.resolved !== undefined || now - group.lastMs < quietMs) return
    group.resolved = { atMs: group.lastMs + quietMs, by: 'quiet' }
    group.changed = true
  }

  private isBack(group: FaultGroup, now: number): void {
    const { resolved } = group
    if (resolved === undefined) return
    if (resolved.by === 'quiet') {
      const { returned } = group
      if (returned === undefined || now - returned.fromMs > hourMs) group.returned = { count: 1, fromMs: now }
      else returned.count += 1
      if ((group.returned?.count ?? 0) < returnsAt) return
    }
    group.resolved = undefined
    group.returned = undefined
    group.regressions += 1
    group.regressedMs = now
    this.parts.regressed(group)
  }

  private revisionOf({ contract, upstream }: CallRecord): Revision {
    const { versionOf, configuration } = this.parts
    return { contract, version: upstream === undefined ? undefined : versionOf(upstream)?.slice(0, 100), configuration: configuration() }
  }

  private forgetOldest(): void {
    for (const [id, { server }] of this.groups) {
      this.groups.delete(id)
      this.ofServer.set(server, (this.ofServer.get(server) ?? 1) - 1)
      return
    }
  }
}
