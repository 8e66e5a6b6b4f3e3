// Watches the results of tools for what their contracts do not say, or what they break: a shape other than the one that was learned of this
// tool, and structured content that is not of the declared schema. Most results pass unread: of a tool whose shape is known one in many is
// looked at, as bytes.
import type { Call, RoutedCall, UpstreamId } from '../../core/call/call.ts'
import type { Gate, Held } from '../../core/call/gates.ts'
import type { Item } from '../../core/call/item.ts'
import type { Complete, Outcome } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { Violation } from '../../core/call/violation.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer, MemberWalk, skipSpace, skipValue, text } from '../../core/protocol/scan.ts'
import { contractOf } from './contract-text.ts'
import { ResultShape, type SeenShape, type ShapeChange, shapeOfText, shapeOfValue } from './result-shape.ts'

export interface ResultWatchParts {
  readonly clock: Clock
  readonly report: Report
  /** Judges structured content by a declared schema. */
  readonly compile: (schema: unknown) => { readonly validate: (value: unknown) => readonly Violation[] }
  /** What the server says of its version. */
  readonly versionOf: (upstream: UpstreamId) => string | undefined
}

/** Results from which a shape is learned before anything is said by it. */
const learnedFrom = 20
/** Of a tool whose shape is known one result in so many is looked at, at first and later, and one a minute at least. */
const oftenOneIn = 16
const rarelyOneIn = 64
const rarelyAfter = 100
const atLeastEveryMs = 60_000
/** Larger results are not looked at. */
const mostBytes = 131_072
const mostTextBytes = 16_384
/** In a row, of which so many arguments were seen before or differ, until another shape counts as a change and not as variety. */
const strongInARow = 3
const inARow = 5
const mostArguments = 16
const mostTools = 2_000
const mostViolations = 5

interface Doubt {
  last: SeenShape
  times: number
  /** Times with arguments of which the known shape was learned. */
  strong: number
  readonly asked: Set<number>
}

class WatchedTool {
  shape = new ResultShape()
  /** Arguments that results were learned of. */
  asked = new Set<number>()
  doubt: Doubt | undefined
  /** Results that pass unread. */
  skip = 0
  dueAt = 0
  clean = 0
  /** The structured content breaks its schema: told already. */
  violates = false
  /** With what the shape was learned. */
  contract: string | undefined
  version: string | undefined
}

export function resultWatch(parts: ResultWatchParts): Gate<RoutedCall> {
  const watch = new ResultWatch(parts)
  return { name: 'results', enter: (call) => (call.item.kind === 'tool' ? watch : nothing) }
}

const nothing: Held = { leave: () => undefined }

class ResultWatch implements Held {
  private readonly parts: ResultWatchParts
  private readonly servers = new Map<UpstreamId, Map<string, WatchedTool>>()
  private readonly validators = new WeakMap<Payload, (value: unknown) => readonly Violation[]>()
  /** Of the result that was looked at last. */
  private violations: readonly Violation[] = []

  constructor(parts: ResultWatchParts) {
    this.parts = parts
  }

  leave(outcome: Outcome | undefined, call: Call): void {
    this.violations = []
    if (outcome?.kind !== 'complete' || outcome.facts.isError) return
    const { item } = call as RoutedCall
    const tool = this.toolOf(item)
    if (tool.skip > 0) {
      tool.skip -= 1
      if (this.parts.clock.mono() < tool.dueAt) return
    }
    if (outcome.facts.bytes <= mostBytes) this.look(tool, item, outcome, call)
  }

  amend(outcome: Outcome): Outcome {
    if (this.violations.length === 0 || outcome.kind !== 'complete') return outcome
    const reasons = this.violations.map(({ path, expected, got }) => ({ kind: 'result_schema', rule: path, usual: expected, seen: got }))
    const result = outcome.result.edit([{ path: ['_meta', `${vendorPrefix}suspect`], value: JSON.stringify({ reasons }) }])
    return { ...outcome, result, facts: { ...outcome.facts, hasMeta: true } }
  }

  private toolOf({ upstream, name }: Item): WatchedTool {
    let tools = this.servers.get(upstream)
    if (tools === undefined) {
      tools = new Map()
      this.servers.set(upstream, tools)
    }
    let tool = tools.get(name)
    if (tool === undefined) {
      // Of a server whose names change all the time the oldest goes.
      if (tools.size >= mostTools)
        for (const oldest of tools.keys()) {
          tools.delete(oldest)
          break
        }
      tool = new WatchedTool()
      tools.set(name, tool)
    }
    return tool
  }

  private look(tool: WatchedTool, item: Item, outcome: Complete, call: Call): void {
    const { bytes } = outcome.result
    const seen = shapeOf(bytes, outcome.facts.hasStructure)
    if (seen === undefined) return
    // What is translated behind here is none by the schema that is shown.
    const isTranslated = item.contract?.change?.live?.adapter?.result !== undefined
    if (item.declaresOutput && !isTranslated && seen.structured !== undefined) this.check(tool, item, seen.structured)
    this.compare(tool, item, seen.shape, argumentsOf(call.params.bytes))
    const { clock } = this.parts
    const unsure = tool.doubt !== undefined || tool.violates || tool.shape.results < learnedFrom
    tool.clean = unsure ? 0 : tool.clean + 1
    tool.skip = unsure ? 0 : tool.clean > rarelyAfter ? rarelyOneIn : oftenOneIn
    tool.dueAt = clock.mono() + atLeastEveryMs
  }

  private compare(tool: WatchedTool, item: Item, seen: SeenShape, asked: number): void {
    const changes = tool.shape.results < learnedFrom ? [] : tool.shape.changes(seen)
    if (changes.length === 0) {
      // Both come: that is how this tool is.
      if (tool.doubt !== undefined) tool.shape.learn(tool.doubt.last)
      tool.doubt = undefined
      this.learn(tool, item, seen, asked)
      return
    }
    const doubt = tool.doubt ?? { last: seen, times: 0, strong: 0, asked: new Set() }
    tool.doubt = doubt
    doubt.last = seen
    doubt.times += 1
    if (tool.asked.has(asked)) doubt.strong += 1
    doubt.asked.add(asked)
    const isVaried = tool.asked.size >= inARow && doubt.asked.size >= strongInARow
    if (doubt.strong < strongInARow && !(isVaried && doubt.times >= inARow)) {
      // Of one question only, which was never asked before, nothing can be said: its answers may just be of this form.
      if (doubt.times >= inARow * 4) this.begin(tool, item, seen, asked)
      return
    }
    this.tell(tool, item, changes)
    this.begin(tool, item, seen, asked)
  }

  private learn(tool: WatchedTool, item: Item, seen: SeenShape, asked: number): void {
    if (tool.shape.results === 0) {
      tool.contract = item.contract?.digest
      tool.version = this.parts.versionOf(item.upstream)
    }
    tool.shape.learn(seen)
    if (tool.asked.size < mostArguments) tool.asked.add(asked)
  }

  /** What comes now is what is usual from now on. */
  private begin(tool: WatchedTool, item: Item, seen: SeenShape, asked: number): void {
    tool.shape = new ResultShape()
    tool.asked = new Set()
    tool.doubt = undefined
    this.learn(tool, item, seen, asked)
  }

  private tell(tool: WatchedTool, { upstream, name, contract }: Item, changes: readonly ShapeChange[]): void {
    const version = this.parts.versionOf(upstream)
    this.parts.report.counters.add('suspect', { upstream, reason: 'result_shape' })
    this.parts.report.log('warn', 'The results of a tool have another shape than before', {
      upstream,
      tool: name,
      changes: changes.map(inWords),
      ...(contract?.digest === tool.contract ? {} : { contract: contract?.digest, contractBefore: tool.contract }),
      ...(version === tool.version ? {} : { version, versionBefore: tool.version }),
    })
  }

  private check(tool: WatchedTool, { upstream, name, definition }: Item, structured: Uint8Array): void {
    let validate = this.validators.get(definition)
    if (validate === undefined) {
      const { outputSchema } = contractOf(definition)
      validate = isObject(outputSchema) ? this.parts.compile(outputSchema).validate : () => []
      this.validators.set(definition, validate)
    }
    this.violations = validate(JSON.parse(asBuffer(structured).toString('utf8'))).slice(0, mostViolations)
    const violates = this.violations.length > 0
    if (violates) this.parts.report.counters.add('suspect', { upstream, reason: 'result_schema' })
    if (violates && !tool.violates) {
      this.parts.report.log('warn', 'A result of a tool is not of the schema that it declares', {
        upstream,
        tool: name,
        violations: this.violations.map(
          ({ path, expected, got }) => `${path === '' ? 'the result' : path}: expected ${expected}, got ${got}`,
        ),
      })
    }
    tool.violates = violates
  }
}

function inWords({ path, was, is }: ShapeChange): string {
  const where = path === '' ? 'the result' : path
  return is === undefined ? `${where} is gone, it was ${was}` : `${where} is ${is}, it was ${was}`
}

interface Looked {
  readonly shape: SeenShape
  /** The structured content. */
  readonly structured: Uint8Array | undefined
}

const openBrace = 0x7b
const openBracket = 0x5b
const quote = 0x22

/** Of the structured content, else of the first text: as JSON, where it is any. Undefined where there is nothing to look at. */
function shapeOf(bytes: Uint8Array, mayHaveStructure: boolean): Looked | undefined {
  if (mayHaveStructure) {
    const structured = locate(bytes, ['structuredContent'])
    if (structured !== undefined) return { shape: shapeOfValue(structured, 0), structured }
  }
  const content = locate(bytes, ['content'])
  if (content === undefined || content[0] !== openBracket) return undefined
  const first = skipSpace(content, 1)
  if (content[first] !== openBrace) return undefined
  const block = new MemberWalk(content, first, 'before')
  while (block.next()) {
    if (!block.keyIs('text')) continue
    if (content[block.start] !== quote || block.end - block.start > mostTextBytes) return undefined
    return { shape: shapeOfJsonIn(text(content, block.start, block.end)), structured: undefined }
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

/** A number for the arguments of a call: equal for equal ones. */
function argumentsOf(params: Uint8Array): number {
  const bytes = locate(params, ['arguments'])
  let hash = 0x811c9dc5
  if (bytes !== undefined) {
    for (let i = 0; i < bytes.length && i < mostHashed; i += 1) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
    hash ^= bytes.length
  }
  return hash
}

const mostHashed = 4_096
