// Makes a list of what was taken in: judges the definitions one by one, sets aside what cannot be served and says so, and puts a part of a
// list together with what is known of the rest.
import { createHash } from 'node:crypto'
import type { UpstreamId } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Contracts } from '../../core/ports/contracts.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Definition, isQuarantined, type Judging, type Quarantined, quarantinedKey, readDefinition, versionOf } from './definition.ts'
import type { Intake } from './intake.ts'
import { type Judged, ruledList } from './rule.ts'
import { type List, listedOf } from './snapshot.ts'

/** Definitions that are judged in one go, some 20 ms. */
const slice = 250
/** Definitions of one list that are logged one by one when they are set aside. */
const mostLogged = 10

export interface JudgeParts extends Judging {
  readonly clock: Clock
  readonly report: Report
  /** Absent: every tool is shown as it is listed. */
  readonly contracts?: Contracts | undefined
}

export interface Origin {
  readonly upstream: UpstreamId
  readonly kind: ItemKind
  /** What one client session alone is shown. */
  readonly session: boolean
}

/** `before`: the list that is served; a definition that is unchanged since keeps its object, and with it its compiled validator. */
export async function judgedList(parts: JudgeParts, origin: Origin, intake: Intake, before: List | undefined): Promise<List> {
  const judged = await judgedOf(parts, origin, intake, before)
  const list = await listOf(parts, origin, judged, before)
  reportNew(parts.report, origin.upstream, list.quarantined, before?.quarantined ?? [])
  return list
}

/** What is shown of a list, decided anew. */
export async function decidedAnew(parts: JudgeParts, origin: Origin, list: List): Promise<List> {
  const quarantined = list.quarantined.filter(({ held }) => held !== true)
  const decided = await listOf(parts, origin, { definitions: listedOf(list), quarantined }, list)
  reportNew(parts.report, origin.upstream, decided.quarantined, list.quarantined)
  return decided
}

async function listOf(parts: JudgeParts, { upstream, kind, session }: Origin, judged: Judged, before: List | undefined): Promise<List> {
  const { contracts } = parts
  if (kind !== 'tool' || contracts === undefined) return { ...judged, version: versionOfAll(judged.definitions) }
  const ruled = ruledList(parts, await contracts.rule(upstream, judged.definitions, session), judged, before)
  return { ...ruled, version: versionOfAll(ruled.definitions) }
}

async function judgedOf(parts: JudgeParts, { upstream, kind }: Origin, intake: Intake, before: List | undefined): Promise<Judged> {
  const known = new Map(before === undefined ? [] : listedOf(before).map((definition) => [definition.version, definition]))
  const definitions: Definition[] = []
  const quarantined: Quarantined[] = [...intake.over()]
  const names = new Set<string>()
  for (const [index, one] of intake.taken.entries()) {
    // Lets calls pass: judging ten thousand definitions takes a second.
    if (index > 0 && index % slice === 0) await new Promise<void>((resolve) => void parts.clock.timer(0, resolve))
    const version = versionOf(one.bytes)
    const judged = known.get(version) ?? readDefinition(kind, upstream, one, version, parts)
    if (isQuarantined(judged)) quarantined.push(judged)
    else if (names.has(judged.name)) quarantined.push({ kind, name: judged.name, path: `/${kinds[kind].key}`, reason: 'is listed twice' })
    else {
      names.add(judged.name)
      definitions.push(judged)
    }
  }
  return { definitions, quarantined }
}

/** A page that failed takes nothing away: what the last whole list had stays until one without it comes. */
export function completedBy(list: List, known: List | undefined): List {
  if (known === undefined) return list
  const names = new Set(listedOf(list).map(({ name }) => name))
  const missing = known.definitions.filter(({ name }) => !names.has(name))
  const unlisted = listedOf(known).filter(({ name }) => !names.has(name))
  if (unlisted.length === 0) return list
  const definitions = [...list.definitions, ...missing]
  const listed = list.listed === undefined ? undefined : [...list.listed, ...unlisted]
  const held = known.quarantined.filter((one) => one.held === true && one.name !== undefined && !names.has(one.name))
  return { ...list, definitions, listed, quarantined: [...list.quarantined, ...held], version: versionOfAll(definitions) }
}

function versionOfAll(definitions: readonly Definition[]): string {
  const digest = createHash('sha256')
  for (const { version, contract } of definitions) digest.update(`${version}${contract?.mark ?? ''} `)
  return digest.digest('base64url')
}

function reportNew({ counters, log }: Report, upstream: UpstreamId, found: readonly Quarantined[], before: readonly Quarantined[]): void {
  const known = new Set(before.map(quarantinedKey))
  const fresh = found.filter((one) => !known.has(quarantinedKey(one)))
  const [first] = fresh
  if (first === undefined) return
  counters.add('quarantined_items', { upstream, kind: first.kind }, fresh.length)
  for (const one of fresh.slice(0, mostLogged)) log('warn', 'A definition was set aside', { upstream, ...one })
  const more = fresh.length - mostLogged
  if (more > 0) log('warn', 'More definitions were set aside', { upstream, kind: first.kind, more })
}
