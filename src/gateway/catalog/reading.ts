// Reads one list of one server, within its time and its bounds, and says how it ended: what came of a list that did not come whole is served
// all the same.
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import type { Signal } from '../../core/call/signal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { EndlessList, type Upstream, UpstreamFault } from '../../core/ports/upstream.ts'
import { Intake, mostItems } from './intake.ts'

/** Longest time that one list may take, in ms. */
const listMs = 30_000
/** Characters of what a server says of a failure. */
const longestReason = 300

export interface Reading {
  readonly intake: Intake
  /** Undefined where the list came whole. `again`: it failed, and another attempt may bring the rest. */
  readonly incomplete: { readonly reason: string; readonly again: boolean } | undefined
}

export interface ReadingParts {
  readonly upstream: Pick<Upstream, 'items'>
  /** Bytes of all definitions of one kind. */
  readonly listBytes: number
  readonly clock: Clock
}

/** Throws only for a bug. */
export async function readList(parts: ReadingParts, kind: ItemKind, life: Signal): Promise<Reading> {
  const stop = new AbortController()
  const end = (): void => stop.abort('drain')
  life.addEventListener('abort', end)
  const timer = parts.clock.timer(listMs, () => stop.abort('deadline'))
  const intake = new Intake(kind, parts.listBytes)
  const ended = (reason: string, again: boolean): Reading => ({ intake, incomplete: { reason: cut(reason), again } })
  try {
    for await (const definition of parts.upstream.items(kind, stop.signal)) {
      if (intake.take(definition)) continue
      return ended(`more than ${mostItems} items, or far more than ${parts.listBytes} bytes, are listed`, false)
    }
    return stop.signal.aborted ? ended(tooSlow(kind), true) : { intake, incomplete: undefined }
  } catch (error) {
    if (error instanceof EndlessList) return ended(error.message, false)
    if (stop.signal.aborted) return ended(tooSlow(kind), true)
    if (error instanceof UpstreamFault) return ended(String(error.fault.detail.reason ?? error.fault.message), true)
    throw error
  } finally {
    timer.cancel()
    life.removeEventListener('abort', end)
  }
}

/** Whether a server that does not declare a list has one all the same: it lists something. */
export async function answers(upstream: Upstream, kind: ItemKind, signal: Signal): Promise<boolean> {
  try {
    for await (const _ of upstream.items(kind, signal)) return true
    return false
  } catch (error) {
    if (error instanceof UpstreamFault || error instanceof EndlessList) return false
    throw error
  }
}

function tooSlow(kind: ItemKind): string {
  return `${kinds[kind].method} took longer than ${listMs} ms`
}

function cut(text: string): string {
  return text.length > longestReason ? `${text.slice(0, longestReason)}…` : text
}
