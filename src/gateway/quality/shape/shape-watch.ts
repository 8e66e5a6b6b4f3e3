// Watches the results of one tool for another shape than the one that was learned of it: fields at any depth, with their types. Most results
// pass unread: of a tool whose shape is known one in many is looked at, as bytes.
import type { Complete } from '../../../core/call/outcome.ts'
import { locate } from '../../../core/protocol/locate.ts'
import { MemberWalk, skipSpace, skipValue, text } from '../../../core/protocol/scan.ts'
import { ResultShape, type SeenShape, type ShapeChange, shapeOfText, shapeOfValue } from './result-shape.ts'

/** Results from which a shape is learned before anything is said by it. */
const learnedFrom = 20
/** Of a tool whose shape is known one result in so many is looked at, at first and later, and one a minute at least. */
const oftenOneIn = 16
const rarelyOneIn = 64
const rarelyAfter = 100
/** Of a tool that is called all the time and whose shape never changed. */
const seldomOneIn = 256
const seldomAfter = 300
const atLeastEveryMs = 60_000
/** Larger results are not looked at. */
const mostBytes = 131_072
const mostTextBytes = 16_384
/** In a row, of which so many arguments were seen before or differ, until another shape counts as a change and not as variety. */
const strongInARow = 3
const inARow = 5
const mostArguments = 16

interface Doubt {
  last: SeenShape
  times: number
  /** Times with arguments of which the known shape was learned. */
  strong: number
  readonly asked: Set<number>
}

/** What came of a look: nothing, a change, or that what changed is what is usual now. */
export type Found = readonly ShapeChange[] | 'usual' | undefined

export class ShapeWatch {
  private shape = new ResultShape()
  /** Arguments that results were learned of. */
  private asked = new Set<number>()
  private doubt: Doubt | undefined
  /** Results that pass unread. */
  private skip = 0
  private dueAt = 0
  private clean = 0
  /** A change was told, and what came with it is not learned yet. */
  private changed = false

  /** Whether this result is one that is read. */
  isDue(monoMs: number): boolean {
    if (this.skip === 0) return true
    this.skip -= 1
    return monoMs >= this.dueAt
  }

  look({ result: { bytes }, facts }: Complete, asked: number, monoMs: number): Found {
    if (facts.bytes > mostBytes) return undefined
    const seen = shapeOf(bytes, facts.hasStructure)
    if (seen === undefined) return undefined
    const changes = this.compare(seen, asked)
    const unsure = this.doubt !== undefined || this.shape.results < learnedFrom
    this.clean = unsure ? 0 : this.clean + 1
    this.skip = unsure ? 0 : this.clean > seldomAfter ? seldomOneIn : this.clean > rarelyAfter ? rarelyOneIn : oftenOneIn
    this.dueAt = monoMs + atLeastEveryMs
    if (changes !== undefined) {
      this.changed = true
      return changes
    }
    if (!this.changed || unsure) return undefined
    this.changed = false
    return 'usual'
  }

  private compare(seen: SeenShape, asked: number): readonly ShapeChange[] | undefined {
    const changes = this.shape.results < learnedFrom ? [] : this.shape.changes(seen)
    if (changes.length === 0) {
      // Both come: that is how this tool is.
      if (this.doubt !== undefined) this.shape.learn(this.doubt.last)
      this.doubt = undefined
      this.learn(seen, asked)
      return undefined
    }
    const doubt = this.doubt ?? { last: seen, times: 0, strong: 0, asked: new Set() }
    this.doubt = doubt
    doubt.last = seen
    doubt.times += 1
    if (this.asked.has(asked)) doubt.strong += 1
    doubt.asked.add(asked)
    const isVaried = this.asked.size >= inARow && doubt.asked.size >= strongInARow
    if (doubt.strong < strongInARow && !(isVaried && doubt.times >= inARow)) {
      // Of one question only, which was never asked before, nothing can be said: its answers may just be of this form.
      if (doubt.times >= inARow * 4) this.begin(seen, asked)
      return undefined
    }
    this.begin(seen, asked)
    return changes
  }

  private learn(seen: SeenShape, asked: number): void {
    this.shape.learn(seen)
    if (this.asked.size < mostArguments) this.asked.add(asked)
  }

  /** What comes now is what is usual from now on. */
  private begin(seen: SeenShape, asked: number): void {
    this.shape = new ResultShape()
    this.asked = new Set()
    this.doubt = undefined
    this.learn(seen, asked)
  }
}

export function changeInWords({ path, was, is }: ShapeChange): string {
  const where = path === '' ? 'the result' : path
  return is === undefined ? `${where} is gone, it was ${was}` : `${where} is ${is}, it was ${was}`
}

const openBrace = 0x7b
const openBracket = 0x5b
const quote = 0x22

/** Of the structured content, else of the first text: as JSON, where it is any. Undefined where there is nothing to look at. */
function shapeOf(bytes: Uint8Array, mayHaveStructure: boolean): SeenShape | undefined {
  if (mayHaveStructure) {
    const structured = locate(bytes, ['structuredContent'])
    if (structured !== undefined) return shapeOfValue(structured, 0)
  }
  const content = locate(bytes, ['content'])
  if (content === undefined || content[0] !== openBracket) return undefined
  const first = skipSpace(content, 1)
  if (content[first] !== openBrace) return undefined
  const block = new MemberWalk(content, first, 'before')
  while (block.next()) {
    if (!block.keyIs('text')) continue
    if (content[block.start] !== quote || block.end - block.start > mostTextBytes) return undefined
    return shapeOfJsonIn(text(content, block.start, block.end))
  }
  return undefined
}

/** A text that is a JSON object or list as a whole; any other is a text. */
function shapeOfJsonIn(said: string): SeenShape {
  const trimmed = said.trim()
  if (!trimmed.startsWith('{') && !trimmed.startsWith('[')) return shapeOfText
  const bytes = Buffer.from(trimmed)
  try {
    if (skipValue(bytes, 0) !== bytes.length) return shapeOfText
  } catch {
    return shapeOfText
  }
  return shapeOfValue(bytes, 0)
}
