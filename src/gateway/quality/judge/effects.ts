// Whether a tool may take away what another gives: by what it declares, and of tools that declare nothing by their names. By the protocol such
// a tool may do anything, so that on a server without hints each answer would excuse that the next is empty.
import type { Item } from '../../../core/call/item.ts'
import type { Payload } from '../../../core/call/payload.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { wordsOfName } from '../classifier/expected.ts'

export interface Effects {
  /** What was there before may be there no more, or be something else. */
  readonly overwrites: boolean
  /** That there is nothing is what it is for. */
  readonly removes: boolean
}

const none: Effects = { overwrites: false, removes: false }
const known = new WeakMap<Payload, Effects>()

export function effectsOf({ traits, definition, name }: Item): Effects {
  if (!traits.destructive) return none
  let found = known.get(definition)
  if (found === undefined) {
    found = read(definition, name)
    known.set(definition, found)
  }
  return found
}

const removing: ReadonlySet<string> = new Set(
  'delete del remove rm clear drop purge reset truncate destroy erase wipe empty flush prune unlink archive uninstall cancel close pop dequeue'.split(
    ' ',
  ),
)
const reading: ReadonlySet<string> = new Set(
  'get list search find query read fetch show describe count lookup look browse view check status select retrieve inspect explain stat'.split(
    ' ',
  ),
)

function read(definition: Payload, name: string): Effects {
  const value = definition.json()
  const hints = isObject(value) && isObject(value.annotations) ? value.annotations : {}
  const words = wordsOfName(name)
  const removes = hints.destructiveHint === true || words.some((word) => removing.has(word))
  const isDeclared = hints.destructiveHint !== undefined || hints.readOnlyHint !== undefined
  return { overwrites: removes || isDeclared || !words.some((word) => reading.has(word)), removes }
}
