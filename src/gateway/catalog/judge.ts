// Makes a list of what was taken in: judges the definitions one by one, sets aside what cannot be served and says so, and puts a part of a
// list together with what is known of the rest.
import { createHash } from 'node:crypto'
import type { UpstreamId } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Definition, isQuarantined, type Judging, type Quarantined, quarantinedKey, readDefinition, versionOf } from './definition.ts'
import type { Intake } from './intake.ts'
import type { List } from './snapshot.ts'

/** Definitions that are judged in one go, some 20 ms. */
const slice = 250
/** Definitions of one list that are logged one by one when they are set aside. */
const mostLogged = 10

export interface JudgeParts extends Judging {
  readonly clock: Clock
  readonly report: Report
}

/** `before`: the list that is served; a definition that is unchanged since keeps its object, and with it its compiled validator. */
export async function judgedList(
  parts: JudgeParts,
  upstream: UpstreamId,
  kind: ItemKind,
  intake: Intake,
  before: List | undefined,
): Promise<List> {
  const known = new Map(before?.definitions.map((definition) => [definition.version, definition]))
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
  reportNew(parts.report, upstream, quarantined, before?.quarantined ?? [])
  return { definitions, quarantined, version: versionOfAll(definitions) }
}

/** A page that failed takes nothing away: what the last whole list had stays until one without it comes. */
export function completedBy(list: List, known: List | undefined): List {
  const names = new Set(list.definitions.map(({ name }) => name))
  const missing = known?.definitions.filter(({ name }) => !names.has(name)) ?? []
  if (missing.length === 0) return list
  const definitions = [...list.definitions, ...missing]
  return { ...list, definitions, version: versionOfAll(definitions) }
}

function versionOfAll(definitions: readonly Definition[]): string {
  const digest = createHash('sha256')
  for (const { version } of definitions) digest.update(`${version} `)
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
