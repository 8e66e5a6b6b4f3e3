// A list of tools as their contracts let it be shown: what is listed, an earlier text of it, or nothing.
import type { ItemContract } from '../../core/call/contract.ts'
import type { Ruled, ToolRuling } from '../../core/ports/contracts.ts'
import { type Definition, isQuarantined, type Judging, type Quarantined, readDefinition, versionOf } from './definition.ts'
import type { List } from './snapshot.ts'

export type Judged = Pick<List, 'definitions' | 'quarantined'>

/** `before`: a definition that it shows keeps its object, and with it its compiled validator. */
export function ruledList(
  judging: Judging,
  { rulings, inForce }: Ruled,
  { definitions: listed, quarantined }: Judged,
  before: List | undefined,
): Omit<List, 'version'> {
  const known = new Map(before?.definitions.map((definition) => [definition.version, definition]))
  const aside: Quarantined[] = []
  const definitions: Definition[] = []
  for (const [index, definition] of listed.entries()) {
    const shown = shownOf(judging, definition, rulings[index], known)
    if (isQuarantined(shown)) aside.push(shown)
    else definitions.push(shown)
  }
  return { definitions, listed, quarantined: aside.length === 0 ? quarantined : [...quarantined, ...aside], inForce }
}

function shownOf(
  judging: Judging,
  listed: Definition,
  ruling: ToolRuling | undefined,
  known: ReadonlyMap<number, Definition>,
): Definition | Quarantined {
  const { kind, name, upstream } = listed
  if (ruling?.shown === 'nothing') return { kind, name, path: '', reason: ruling.reason ?? 'is not admitted', held: true }
  if (ruling === undefined || ruling.shown === 'sent') return withContract(known.get(listed.version) ?? listed, ruling?.contract)
  const version = versionOf(ruling.shown.bytes)
  const text = known.get(version) ?? readDefinition(kind, upstream, ruling.shown, version, judging)
  return isQuarantined(text) ? text : withContract(text, ruling.contract)
}

function withContract(definition: Definition, contract: ItemContract | undefined): Definition {
  return definition.contract === contract ? definition : { ...definition, contract }
}
