// One tool as the judge of results knows it.
import type { Item } from '../../../core/call/item.ts'
import type { Payload } from '../../../core/call/payload.ts'
import type { SeenResult } from '../../../core/call/record.ts'
import type { ToolQuality } from '../../../core/call/tool-settings.ts'
import type { Validate } from '../../../core/call/violation.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { Expected, OutputCheck } from '../classifier/classify.ts'
import type { HowJudged, ToolHistory } from '../history/index.ts'
import type { Looked, ResultKind } from '../looked.ts'
import { ShapeWatch } from '../shape/shape-watch.ts'
import { shapeInWords } from '../shape/shape-words.ts'
import { RecentCalls } from './recent-calls.ts'

export type Counts = Record<ResultKind, number>

export function noCounts(): Counts {
  return { ok: 0, tool_error: 0, hidden_error: 0, empty: 0, truncated: 0, schema_violation: 0, oversize: 0 }
}

/** One server. */
export class JudgedServer {
  /** Wall-clock time of the last call of a tool that may have taken away what was there, and of one that is for that; 0: none. */
  wroteAtMs = 0
  removedAtMs = 0
  readonly counts = noCounts()
  readonly tools = new Map<string, JudgedTool>()
  /** The oldest first. */
  readonly begun = new Set<JudgedTool>()
}

/** Judges structured content by a declared schema. */
export type Compile = (schema: unknown) => { readonly validate: Validate }

export class JudgedTool {
  readonly upstream: string
  readonly name: string
  readonly history: ToolHistory
  readonly how: HowJudged
  /** As it is judged where something was removed since it last gave anything: that there is nothing at first is no surprise. */
  readonly howEmptied: HowJudged
  readonly shape = new ShapeWatch()
  readonly counts = noCounts()
  /** As the last result had it; undefined before the first. */
  contract: string | undefined
  /** Wall-clock time of the last result of which nothing was found. */
  filledAtMs = 0
  /** A violation was told of, and no result without one came since. */
  violates = false
  /** Again, since it was asked whether it may be forgotten: of names that come once each there may be any number. */
  wasCalled = false
  private isFirst = true
  /** Of the last result, and its shape in words: most results of a tool have the same. */
  private keys: readonly string[] | undefined
  private format: Looked['format'] = 'none'
  private inWords: string | undefined
  /** Results since it was kept. */
  unkept = 0
  private readonly quality: ToolQuality | undefined
  private expected: Expected
  /** What `expected` was made of. */
  private definition: Payload | undefined
  /** Of all calls, and of those of which the result was not simply good. */
  private readonly last = new RecentCalls()
  private readonly doubtful = new RecentCalls()

  constructor(
    upstream: string,
    name: string,
    quality: ToolQuality | undefined,
    sensitivity: HowJudged['sensitivity'],
    history: ToolHistory,
  ) {
    this.upstream = upstream
    this.name = name
    this.quality = quality
    this.history = history
    this.expected = this.expect(undefined)
    const { isPayload } = this.expected
    this.how = { rows: quality?.rows, emptyIsNormal: quality?.emptyIsNormal ?? false, isPayload, sensitivity }
    this.howEmptied = { ...this.how, sensitivity: 'low' }
  }

  expectedOf({ definition, declaresOutput, contract }: Item, compile: Compile): Expected {
    if (definition === this.definition) return this.expected
    this.definition = definition
    // Of results that are translated the definition is not the server's.
    const isOwn = declaresOutput && contract?.change?.live?.adapter?.result === undefined
    const value = isOwn ? definition.json() : undefined
    const schema = isObject(value) ? value.outputSchema : undefined
    this.expected = this.expect(isObject(schema) ? new OutputCheck(schema, compile(schema).validate) : undefined)
    return this.expected
  }

  count(kind: ResultKind): void {
    this.counts[kind] += 1
    this.unkept += 1
    this.wasCalled = !this.isFirst
    this.isFirst = false
  }

  /** For the record, once the history has taken it in. */
  seenOf(looked: Looked): SeenResult {
    if (looked.keys !== this.keys || looked.format !== this.format) {
      this.keys = looked.keys
      this.format = looked.format
      this.inWords = shapeInWords(looked)
    }
    return { rows: this.history.rowsIn(looked, this.how.rows), shape: this.inWords }
  }

  seen(id: string, atMs: number, isDoubtful: boolean): void {
    this.last.add(id, atMs)
    if (isDoubtful) this.doubtful.add(id, atMs)
  }

  callAt(atMs: number): string | undefined {
    return this.doubtful.at(atMs) ?? this.last.at(atMs)
  }

  private expect(output: OutputCheck | undefined): Expected {
    const { quality } = this
    return new Expected({ tool: this.name, payload: quality?.payload, rows: quality?.rows, ignore: quality?.ignore, output })
  }
}
