// Results larger than a client takes in one message become a resource link; the link is read here, in slices. Stands before
// `resolve`, since these resources belong to the gateway and to no upstream, and since here every result has its final size.
import '../../core/call/facts.ts'
import type { Call } from '../../core/call/call.ts'
import type { Exchange } from '../../core/call/exchange.ts'
import { type Complete, complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { Pass } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import type { Clock, Random } from '../../core/ports/clock.ts'
import type { Counters } from '../../core/ports/report.ts'
import { locate } from '../../core/protocol/locate.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer, elements } from '../../core/protocol/scan.ts'
import { keptMs, resultScheme, SpillStore } from './spill.ts'

export { SpillStore } from './spill.ts'

/** What stands in `_meta` with a text of the gateway's own. */
const ownKeys = [`${vendorPrefix}suspect`, `${vendorPrefix}stale`]

/** Largest slice in bytes. As a JSON string it at most doubles. */
const largestSlice = 262_144

export interface SpillParts {
  readonly store: SpillStore
  readonly counters: Counters
  /** `limits.resultBytes`. */
  readonly resultBytes: number
  /** `limits.eventBytes`. */
  readonly eventBytes: number
}

/** A store that outlives a reload; `spills` is `limits.spills`. */
export function createSpillStore(clock: Clock, random: Random, spills: number): SpillStore {
  return new SpillStore(clock, random, { most: spills })
}

export function spill(parts: SpillParts): Pass<Call> {
  const { store, resultBytes, eventBytes } = parts
  const slice = Math.max(1_024, Math.min(largestSlice, Math.floor(Math.min(resultBytes, eventBytes) / 4)))
  // Whatever a door makes of it, an event of so little is within the limit.
  const surelyFits = Math.min(resultBytes, Math.floor(eventBytes / 4))
  return {
    name: 'spill',
    run: (call, exchange, next) => {
      if (call.method === 'resources/read' && call.target?.startsWith(resultScheme) === true) {
        return Promise.resolve(read(store, call, call.target, slice))
      }
      return next(call, exchange).then((outcome) => {
        if (outcome.kind !== 'complete' || outcome.facts.bytes <= surelyFits) return outcome
        if (outcome.result.bytes.length > resultBytes) return replace(outcome, call, exchange, parts, resultBytes)
        return exchange.sink.fits?.(outcome) === false ? replace(outcome, call, exchange, parts, eventBytes) : outcome
      })
    },
  }
}

function replace(outcome: Complete, call: Call, exchange: Exchange, parts: SpillParts, limit: number): Outcome {
  const { bytes } = outcome.result
  const id = call.method === 'tools/call' ? parts.store.keep(call.caller.principal, bytes) : undefined
  if (id === undefined) {
    const detail = { item: call.target ?? call.method, limit, bytes: bytes.length }
    return failed(fault('result_too_large', detail, { sideEffect: call.method === 'tools/call' ? 'unknown' : 'none' }))
  }
  parts.counters.add('spilled_results', { upstream: exchange.fact('route')?.upstream ?? '' })
  // Clients throw on a good result without the structured content that its tool declares, and would lose the link.
  const isError = outcome.facts.isError || outcome.facts.hasStructure
  const result = payloadOf(link(`${resultScheme}${id}`, bytes.length, limit, isError, ownOf(outcome)))
  const { found, suspect } = outcome.facts
  const facts = {
    ...unscanned(result.size, isError, 'complete'),
    ...(found === undefined ? {} : { found }),
    ...(suspect === undefined ? {} : { suspect }),
  }
  return { kind: 'complete', result, facts, annotations: outcome.annotations }
}

interface Own {
  readonly blocks: readonly unknown[]
  readonly meta: Readonly<Record<string, unknown>>
}

/** What the gateway itself says of the result: who reads no more than the link is told that too. */
function ownOf({ result, facts: { ownBlocks = 0 } }: Complete): Own {
  if (ownBlocks === 0) return { blocks: [], meta: {} }
  const content = locate(result.bytes, ['content']) ?? noBlocks
  const blocks = elements(content, 0)
    .slice(-ownBlocks)
    .map(({ start, end }) => parsed(content.subarray(start, end)))
  const meta: Record<string, unknown> = {}
  for (const key of ownKeys) {
    const found = locate(result.bytes, ['_meta', key])
    if (found !== undefined) meta[key] = parsed(found)
  }
  return { blocks, meta }
}

const noBlocks = Buffer.from('[]')

function parsed(bytes: Uint8Array): unknown {
  return JSON.parse(asBuffer(bytes).toString('utf8'))
}

function link(uri: string, size: number, limit: number, isError: boolean, own: Own): Record<string, unknown> {
  const minutes = keptMs / 60_000
  return {
    resultType: 'complete',
    content: [
      {
        type: 'text',
        text: `The tool answered, but its answer has ${size} bytes, more than the ${limit} that fit in one message. It is kept for ${minutes} minutes: read it with resources/read of ${uri} (JSON text in slices; each slice names the next), or ask the tool for less.`,
      },
      { type: 'resource_link', uri, name: 'large-result', title: 'Large result', mimeType: 'application/json', size },
      ...own.blocks,
    ],
    ...(isError ? { isError: true } : {}),
    _meta: {
      [`${vendorPrefix}spilled`]: { uri, bytes: size, limit, keptMs },
      ...own.meta,
    },
  }
}

function read(store: SpillStore, call: Call, uri: string, most: number): Outcome {
  const { id, offset } = parse(uri)
  const slice = store.read(call.caller.principal, id, offset, most)
  if (slice === undefined) {
    const hint = `Large results are kept for ${keptMs / 60_000} minutes, for the caller of the tool only.`
    return failed(fault('unknown_tool', { what: 'result', name: uri, hint, uri }))
  }
  const next = slice.next === undefined ? undefined : `${resultScheme}${id}?offset=${slice.next}`
  const end = slice.next ?? slice.total
  const more = `Bytes ${slice.offset} to ${end} of ${slice.total}. Read on with resources/read of ${next}`
  const result = payloadOf({
    resultType: 'complete',
    contents: [
      { uri, mimeType: 'application/json', text: slice.text },
      ...(next === undefined ? [] : [{ uri: next, mimeType: 'text/plain', text: more }]),
    ],
    ttlMs: store.leftMs(id),
    cacheScope: 'private',
    _meta: { [`${vendorPrefix}slice`]: { offset: slice.offset, end, total: slice.total, ...(next === undefined ? {} : { next }) } },
  })
  return complete(result, unscanned(result.size, false, 'complete'))
}

function parse(uri: string): { id: string; offset: number } {
  const found = /^([0-9a-f-]{1,64})(?:\?offset=(\d{1,12}))?$/.exec(uri.slice(resultScheme.length))
  return { id: found?.[1] ?? '', offset: Number(found?.[2] ?? 0) }
}
