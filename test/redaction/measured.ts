// How well redaction finds what it is to find, and leaves what it is to leave, in the corpus of this folder and in what packages bring along.
import { readFileSync } from 'node:fs'
import { redactedArguments } from '../../src/core/secrets/redacted-arguments.ts'
import { Redaction } from '../../src/core/secrets/redaction.ts'
import { filesOf, kinds } from '../guards/corpus.ts'
import { clean, cleanArguments, named, type Private, privates } from './corpus.ts'

const redaction = new Redaction({ keys: [], patterns: [] })
const shown = (value: unknown): string => redactedArguments(Buffer.from(JSON.stringify(value)), redaction)

/** What is left of it that should not be. */
export const missed: readonly Private[] = privates.filter(({ text, value }) =>
  shown({ note: text }).includes(JSON.stringify(value).slice(1, -1)),
)

export const missedNames: readonly Record<string, unknown>[] = named.flatMap(([value, sensitive]) =>
  shown(value).includes(sensitive) ? [value] : [],
)

/** What is changed that should not be, and to what. */
export const changed: readonly (readonly [was: string, is: string])[] = [
  ...clean.map((text) => [JSON.stringify({ note: text }), shown({ note: text })] as const),
  ...cleanArguments.map((value) => [JSON.stringify(value), shown(value)] as const),
].filter(([was, is]) => was !== is)

export interface Met {
  readonly texts: number
  readonly bytes: number
  /** By what was redacted: how often, and some of it. */
  readonly found: ReadonlyMap<string, { count: number; readonly samples: string[] }>
}

/** Every line of the documents of packages as the text of an argument of its own. */
export function documentLines(): Met {
  const found = new Map<string, { count: number; samples: string[] }>()
  let texts = 0
  let bytes = 0
  for (const file of filesOf(kinds.documents)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const was = line.slice(0, 400)
      if (was.trim() === '') continue
      texts += 1
      bytes += was.length
      note(found, was, shown({ note: was }))
    }
  }
  return { texts, bytes, found }
}

/** Every `package.json` of packages as arguments. */
export function manifests(): Met {
  const found = new Map<string, { count: number; samples: string[] }>()
  let texts = 0
  let bytes = 0
  for (const file of filesOf(/^package\.json$/)) {
    const was = readFileSync(file, 'utf8')
    texts += 1
    bytes += was.length
    note(found, was, redactedArguments(Buffer.from(was), redaction))
  }
  return { texts, bytes, found }
}

function note(found: Map<string, { count: number; samples: string[] }>, was: string, is: string): void {
  for (const [, kind = ''] of is.matchAll(/\[redacted:(\w+)\]/g)) {
    const one = found.get(kind) ?? { count: 0, samples: [] }
    one.count += 1
    one.samples.push(was.slice(0, 200))
    found.set(kind, one)
  }
}
