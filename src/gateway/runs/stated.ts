// What a client says of its run. Nothing of it is believed beyond its principal, and what is malformed is as if it were not there.
import { isRunId, longestWhy, type RunSource } from '../../core/call/run.ts'
import type { RunHeaders } from '../../core/ports/gateway.ts'
import { baggageValue } from '../../core/protocol/baggage.ts'
import { runBaggage, runMeta } from '../../core/protocol/names.ts'

export interface Stated {
  readonly id: string | undefined
  /** Of the id. */
  readonly source: RunSource
  readonly turn: string | undefined
  readonly why: string | undefined
}

/** Undefined where it says nothing, as most clients do. */
export function statedIn(meta: Readonly<Record<string, unknown>> | undefined, headers: RunHeaders | undefined): Stated | undefined {
  const own = meta !== undefined && saysSomething(meta) ? meta : undefined
  if (own === undefined && headers === undefined) return undefined
  const carried = typeof own?.baggage === 'string' ? own.baggage : undefined
  const of = (key: string, baggageKey: string, header: string | undefined): readonly [string | undefined, RunSource] => {
    const named = own?.[key]
    if (isRunId(named)) return [named, 'meta']
    for (const baggage of [carried, headers?.baggage]) {
      const value = baggage === undefined ? undefined : baggageValue(baggage, baggageKey)
      if (isRunId(value)) return [value, 'baggage']
    }
    return isRunId(header) ? [header, 'header'] : [undefined, 'made']
  }
  const [id, source] = of(runMeta.run, runBaggage.run, headers?.run)
  const [turn] = of(runMeta.turn, runBaggage.turn, headers?.turn)
  const why = whyIn(own?.[runMeta.why])
  return id === undefined && turn === undefined && why === undefined ? undefined : { id, source, turn, why }
}

function saysSomething(meta: Readonly<Record<string, unknown>>): boolean {
  return (
    meta[runMeta.run] !== undefined || meta[runMeta.turn] !== undefined || meta[runMeta.why] !== undefined || meta.baggage !== undefined
  )
}

function whyIn(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  if (value.length <= longestWhy) return value
  // Not within a pair of surrogates: half of one is no text.
  const last = value.charCodeAt(longestWhy - 1)
  return value.slice(0, last >= 0xd800 && last <= 0xdbff ? longestWhy - 1 : longestWhy)
}
