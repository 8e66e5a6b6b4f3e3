// Guards on what comes back of a call: secrets are masked, and what tools give is marked as content of others (docs/guards.md). Texts that a
// server sends on the way, and those of its errors, are guarded as its results are.

import type { RoutedCall, TargetedCall, UpstreamId } from '../../core/call/call.ts'
import { type CallFields, callFields } from '../../core/call/call-fields.ts'
import '../../core/call/facts.ts'
import type { CallEvent, Sink } from '../../core/call/exchange.ts'
import { type Complete, failed, type Outcome } from '../../core/call/outcome.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import type { Pass } from '../../core/call/stage.ts'
import type { ToolSettings } from '../../core/call/tool-settings.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Random } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import type { KnownValues } from '../../core/secrets/known-values.ts'
import type { MaskRule } from '../../core/secrets/token-forms.ts'
import { type Counts, mask } from './mask.ts'
import { markUntrusted } from './untrusted.ts'

export type GuardSettings = Pick<ToolSettings, 'secrets' | 'untrusted'>

export interface GuardParts {
  readonly random: Random
  readonly report: Report
  /** Of what a server has beside tools: prompts, resources, tasks. */
  othersOf(upstream: UpstreamId): GuardSettings
  /** What the gateway keeps towards a server; undefined where that is nothing. */
  keptOf(upstream: UpstreamId): KnownValues | undefined
}

const maskedPath = ['_meta', `${vendorPrefix}masked`]

export function guards(parts: GuardParts): Pass<TargetedCall> {
  return {
    name: 'guards',
    run: (call, exchange, next) => {
      const { item } = call as Partial<RoutedCall>
      const { secrets, untrusted } = item?.kind === 'tool' ? item.settings : parts.othersOf(call.upstream)
      const marks = untrusted === 'mark' && item?.kind === 'tool'
      const kept = parts.keptOf(call.upstream)
      const isMasked = secrets === 'mask' || kept !== undefined
      if (!isMasked && !marks) return next(call, exchange)
      const guard = new Guard(parts, call, secrets === 'mask', kept, exchange.sink)
      return next(call, isMasked ? exchange.with({ sink: guard }) : exchange).then((outcome) => {
        const masked = isMasked ? guard.masked(outcome) : outcome
        // Of the whole call, once: what came on its way too.
        if (guard.counts !== undefined) exchange.note('masked', guard.counts)
        return marks && masked.kind === 'complete' ? guard.marked(masked) : masked
      })
    },
  }
}

/** Stands in the sink's place of one call. */
class Guard implements Sink {
  /** Of the call so far; undefined where nothing was masked. */
  counts: Counts | undefined
  private readonly parts: GuardParts
  private readonly call: TargetedCall
  private readonly patterns: boolean
  private readonly kept: KnownValues | undefined
  private readonly sink: Sink

  constructor(parts: GuardParts, call: TargetedCall, patterns: boolean, kept: KnownValues | undefined, sink: Sink) {
    this.parts = parts
    this.call = call
    this.patterns = patterns
    this.kept = kept
    this.sink = sink
  }

  emit(event: CallEvent): void {
    const isTold = event.kind === 'progress' || event.kind === 'log' || event.kind === 'extension'
    const masked = isTold ? this.without(event.params)?.payload : undefined
    this.sink.emit(isTold && masked !== undefined ? { ...event, params: masked } : event)
  }

  fits(result: Complete): boolean {
    return this.sink.fits?.(result) !== false
  }

  masked(outcome: Outcome): Outcome {
    if (outcome.kind === 'fault') return this.ofFault(outcome.fault) ?? outcome
    const found = this.without(outcome.kind === 'input_required' ? outcome.requests : outcome.result)
    if (found === undefined) return outcome
    const told = found.payload.edit([{ path: maskedPath, value: JSON.stringify(found.counts) }])
    switch (outcome.kind) {
      case 'complete':
        return withResult(outcome, told)
      case 'input_required':
        return { ...outcome, requests: told }
      case 'task':
        return { ...outcome, result: told }
    }
  }

  marked(outcome: Complete): Outcome {
    const { random, report } = this.parts
    const { upstream } = this.call
    const marked = markUntrusted(outcome.result, upstream, random.id().replaceAll('-', ''), outcome.facts.ownBlocks ?? 0)
    if (marked === undefined) return outcome
    if (marked.hidden > 0) report.counters.add('hidden_characters', { upstream }, marked.hidden)
    const { facts } = outcome
    return withResult({ ...outcome, facts: { ...facts, isMarked: true } }, outcome.result.edit(marked.edits))
  }

  private without(value: Payload): { payload: Payload; counts: Counts } | undefined {
    const found = mask(value.bytes, this.patterns, this.kept)
    if (found === undefined) return undefined
    this.note(found.counts)
    return { payload: payload(found.bytes), counts: found.counts }
  }

  /** Its words may be the server's, and its detail has them again. */
  private ofFault(fault: Fault): Outcome | undefined {
    const { message, detail, said, challenge } = fault
    const found = mask(Buffer.from(JSON.stringify({ message, detail, said, challenge })), this.patterns, this.kept)
    if (found === undefined) return undefined
    this.note(found.counts)
    return failed({ ...fault, ...(JSON.parse(found.bytes.toString('utf8')) as Pick<Fault, 'message' | 'detail' | 'said' | 'challenge'>) })
  }

  private note(counts: Counts): void {
    const { upstream } = this.call
    this.counts ??= {}
    const all = this.counts
    for (const [name, count] of Object.entries(counts)) all[name as MaskRule] = (all[name as MaskRule] ?? 0) + count
    tellMasked(this.parts.report, counts, upstream, callFields(this.call))
  }
}

/** `call`: undefined of what belongs to none. */
export function tellMasked({ counters, log }: Report, counts: Counts, upstream: UpstreamId, call?: CallFields): void {
  for (const [rule, count] of Object.entries(counts)) counters.add('masked', { upstream, rule: rule as MaskRule }, count)
  log('debug', 'Secrets in what a server sent were masked', { ...call, upstream, ...counts })
}

function withResult({ kind, facts, annotations }: Complete, result: Payload): Outcome {
  const { bytes } = result
  return { kind, result: payload(bytes), facts: { ...facts, hasMeta: true, bytes: bytes.length }, annotations }
}
