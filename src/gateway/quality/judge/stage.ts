// The stage that judges results of tools: by themselves, by what is usual of their tool, by the schema that it declares and by the shape that
// was learned of it. What is doubtful is said to the agent, and to people where it goes on. No result is changed but for that, or withheld
// unless configuration says so.
import type { RoutedCall, UpstreamId } from '../../../core/call/call.ts'
import type { Exchange } from '../../../core/call/exchange.ts'
import type { Gate, Held } from '../../../core/call/gates.ts'
import type { Complete, Outcome, ResultFacts } from '../../../core/call/outcome.ts'
import type { SeenResult } from '../../../core/call/record.ts'
import { reportBug } from '../../../core/ports/boundary.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { Report } from '../../../core/ports/report.ts'
import { MemberWalk, skipSpace } from '../../../core/protocol/scan.ts'
import { argumentsHash, classify } from '../classifier/classify.ts'
import { deployWithinMs } from '../history/index.ts'
import type { Alert, Looked, Reason, ResultKind } from '../looked.ts'
import { changeInWords } from '../shape/shape-watch.ts'
import { annotated, withheld, withoutClaim } from './amended.ts'
import { effectsOf } from './effects.ts'
import type { Episodes, FoundBy } from './episodes.ts'
import type { Compile, JudgedServer, JudgedTool } from './judged-tool.ts'
import type { JudgedTools } from './judged-tools.ts'

export interface ResultsParts {
  readonly clock: Clock
  readonly report: Report
  readonly tools: JudgedTools
  readonly episodes: Episodes
  readonly annotate: boolean
  readonly compile: Compile
  /** What the server says of its version. */
  readonly versionOf: (upstream: UpstreamId) => string | undefined
}

export function results(parts: ResultsParts): Gate<RoutedCall> {
  const judge = new Judge(parts)
  return {
    name: 'results',
    enter: (call, exchange) => (call.item.kind === 'tool' ? new Judged(judge, call, exchange, parts.clock.mono()) : nothing),
  }
}

const nothing: Held = { leave: () => undefined }
export const noReasons: readonly Reason[] = []

/** What is judged: the call of a tool, or the question for the result of one. */
export interface Judging {
  reasons: readonly Reason[]
  looked: Pick<Looked, 'kind' | 'excerpt'> | undefined
  /** For the record; undefined of an error. */
  seen: SeenResult | undefined
  readonly call: RoutedCall
  /** Undefined where the time until the answer says nothing of the tool. */
  readonly enteredAt: number | undefined
  readonly server: JudgedServer
  /** When something was last called that may have taken away what the server held, and that is for that. */
  readonly wroteAtMs: number
  readonly removedAtMs: number
}

/** One call under way. */
class Judged implements Held, Judging {
  reasons = noReasons
  looked: Looked | undefined = undefined
  seen: SeenResult | undefined = undefined
  readonly call: RoutedCall
  readonly enteredAt: number
  readonly server: JudgedServer
  /** When something was last called that may have taken away what the server held. */
  readonly wroteAtMs: number
  readonly removedAtMs: number
  private readonly judge: Judge
  private readonly exchange: Exchange

  constructor(judge: Judge, call: RoutedCall, exchange: Exchange, enteredAt: number) {
    this.judge = judge
    this.call = call
    this.exchange = exchange
    this.enteredAt = enteredAt
    this.server = judge.serverOf(call)
    this.wroteAtMs = this.server.wroteAtMs
    this.removedAtMs = this.server.removedAtMs
    if (call.item.traits.destructive) judge.wrote(this)
  }

  leave(outcome: Outcome | undefined): void {
    this.judge.left(this, outcome)
    if (this.seen !== undefined) this.exchange.note('seen', this.seen)
  }

  amend(outcome: Outcome): Outcome {
    if (outcome.kind === 'task') return { ...outcome, asked: argumentsHash(argumentsIn(this.call.params.unedited)) }
    if (outcome.kind !== 'complete') return outcome
    return this.looked === undefined || (this.looked.kind === 'ok' && this.reasons.length === 0)
      ? withoutClaim(outcome)
      : this.judge.amend(outcome, this, this.looked)
  }
}

export class Judge {
  private readonly parts: ResultsParts

  constructor(parts: ResultsParts) {
    this.parts = parts
  }

  serverOf({ item }: RoutedCall): JudgedServer {
    return this.parts.tools.serverOf(item.upstream)
  }

  /** A call may take away what its server holds: from its begin to its end. */
  wrote({ call, server }: Pick<Judging, 'call' | 'server'>, atMs = this.parts.clock.now()): void {
    const { overwrites, removes } = effectsOf(call.item)
    if (overwrites) server.wroteAtMs = atMs
    if (removes) server.removedAtMs = atMs
  }

  left(judged: Judged, outcome: Outcome | undefined): void {
    const { clock, report } = this.parts
    try {
      const atMs = clock.now()
      if (outcome?.kind === 'complete') {
        // As the agent sent them: to apply what is edited since would cost another copy of the parameters.
        const args = argumentsIn(judged.call.params.unedited)
        this.look(judged, outcome, args, argumentsHash(args), atMs)
      }
      if (judged.call.item.traits.destructive) this.wrote(judged, atMs)
    } catch (bug) {
      // A result that cannot be judged is given as it is.
      judged.reasons = noReasons
      reportBug(report, 'quality', bug)
    }
  }

  amend(outcome: Complete, { reasons, call }: Judging, { kind, excerpt }: Pick<Looked, 'kind' | 'excerpt'>): Outcome {
    if (reasons.length > 0 && call.item.settings.quality?.onSuspect === 'block') return withheld(call, reasons, excerpt)
    const judged = { ...outcome, facts: { ...outcome.facts, ...factsOf(kind, reasons) } }
    return reasons.length === 0 || !this.parts.annotate ? withoutClaim(judged) : annotated(judged, reasons)
  }

  /** `args`: as bytes; `asked`: equal for equal ones. */
  look(judged: Judging, outcome: Complete, args: Uint8Array | undefined, asked: number, atMs: number): void {
    const { call, server } = judged
    const { item } = call
    const { clock, tools, report } = this.parts
    const tool = tools.toolOf(server, item.upstream, item.name)
    const looked = classify(outcome.result.bytes, outcome.facts, tool.expectedOf(item, this.parts.compile), args, tool.history.learned())
    judged.looked = looked
    server.counts[looked.kind] += 1
    tool.count(looked.kind)
    const monoMs = clock.mono()
    const { reasons, alerts } = tool.history.take(
      {
        looked,
        atMs,
        latencyMs: judged.enteredAt === undefined ? undefined : monoMs - judged.enteredAt,
        asked,
        wroteAtMs: judged.wroteAtMs,
      },
      // Of what is removed since this tool last gave anything it is no surprise that it is gone.
      judged.removedAtMs > 0 && looked.kind === 'empty' && judged.removedAtMs >= tool.filledAtMs ? tool.howEmptied : tool.how,
    )
    judged.reasons = reasons
    if (looked.kind !== 'tool_error') judged.seen = tool.seenOf(looked)
    if (looked.kind === 'ok') tool.filledAtMs = atMs
    const isDoubtful = reasons.length > 0 || looked.kind !== 'ok'
    tool.seen(call.id, atMs, isDoubtful)
    const contract = item.contract?.digest
    if (tool.contract !== contract || isDoubtful || tool.counts.ok % versionEvery === 1) {
      tool.contract = contract
      tool.history.deployed({ contract, version: this.parts.versionOf(item.upstream) }, atMs)
    }
    if (tool.violates || looked.kind === 'schema_violation') this.noteViolation(tool, looked)
    for (const { kind } of reasons) report.counters.add('suspect', { upstream: item.upstream, reason: kind })
    for (const alert of alerts) this.tell(tool, alert, atMs)
    if (looked.kind !== 'tool_error' && tool.shape.isDue(monoMs)) this.compareShape(tool, outcome, asked, monoMs, atMs, reasons)
  }

  /** The log has the first, before there are so many that they are an alert. */
  private noteViolation(tool: JudgedTool, { kind, excerpt }: Looked): void {
    const violates = kind === 'schema_violation'
    if (violates && !tool.violates)
      this.parts.report.log('warn', 'A result of a tool is not of the schema that it declares', {
        upstream: tool.upstream,
        tool: tool.name,
        violation: excerpt ?? 'it has no structured content',
      })
    tool.violates = violates
  }

  private tell(tool: JudgedTool, alert: Alert, atMs: number, by: FoundBy = 'history'): void {
    const { upstream, name } = tool
    const { deploy } = tool.history
    const isNear = deploy !== undefined && deploy.atMs > alert.sinceMs - deployWithinMs
    const about = { upstream, tool: name, firstCall: tool.callAt(alert.sinceMs), deploy: isNear ? deploy : undefined }
    this.parts.episodes.take(alert, about, atMs, by)
  }

  private compareShape(tool: JudgedTool, outcome: Complete, asked: number, monoMs: number, atMs: number, reasons: readonly Reason[]): void {
    const found = tool.shape.look(outcome, asked, monoMs)
    if (found === undefined) return
    const kind = 'result_shape'
    if (found === 'usual') {
      this.tell(tool, { what: 'closed', kind, text: 'the new shape is usual now', results: 0, affected: 0, sinceMs: atMs }, atMs, 'fields')
      return
    }
    // Counted with the reasons of this result, where it is one of them.
    if (!reasons.some((reason) => reason.kind === kind))
      this.parts.report.counters.add('suspect', { upstream: tool.upstream, reason: kind })
    const text = `another shape than before: ${found.map(changeInWords).join(', ')}`
    this.tell(tool, { what: 'opened', kind, text, results: 1, affected: 1, sinceMs: atMs }, atMs, 'fields')
  }
}

/** For the record. */
export function factsOf(kind: ResultKind, reasons: readonly Reason[]): Pick<ResultFacts, 'found' | 'suspect'> {
  const suspect = reasons.length === 0 ? undefined : [...new Set(reasons.map((reason) => reason.kind))]
  return { ...(kind === 'ok' ? {} : { found: kind }), ...(suspect === undefined ? {} : { suspect }) }
}

/** The version is asked for with the first good result, and once in so many. */
const versionEvery = 64

/** Those of a call whose parameters were read before, as it has them. */
function argumentsIn(params: Uint8Array): Uint8Array | undefined {
  const at = skipSpace(params, 0)
  if (params[at] !== openBrace) return undefined
  const walk = new MemberWalk(params, at, 'before')
  while (walk.next()) if (walk.keyIs('arguments')) return params.subarray(walk.start, walk.end)
  return undefined
}

const openBrace = 0x7b
