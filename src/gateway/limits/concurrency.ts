// Calls of one tool at once. More of them wait here, before they take a place of their server, so that one tool leaves room for the others.
import { Bulkhead } from '../../core/call/bulkhead.ts'
import type { TargetedCall } from '../../core/call/call.ts'
import type { Gate, Held } from '../../core/call/gates.ts'
import type { Item } from '../../core/call/item.ts'
import { failed } from '../../core/call/outcome.ts'
import { type Waiting, waitForPlace } from '../../core/call/place.ts'
import { overloaded } from '../../core/faults/overloaded.ts'
import type { Report } from '../../core/ports/report.ts'
import { itemOf } from './holders.ts'

interface Places {
  readonly bulkhead: Bulkhead
  readonly place: Held
  readonly most: number
}

const nothing: Held = { leave: () => undefined }

/** `queue`: how many may wait for one tool. */
export function toolConcurrency(queue: number, report: Report): Gate<TargetedCall> {
  const tools = new Map<string, Map<string, Places>>()

  function placesOf(upstream: string, tool: string, most: number): Places {
    let ofServer = tools.get(upstream)
    if (ofServer === undefined) {
      ofServer = new Map()
      tools.set(upstream, ofServer)
    }
    let places = ofServer.get(tool)
    if (places === undefined || places.most !== most) {
      const bulkhead = places?.bulkhead ?? new Bulkhead({ concurrency: most, queue })
      bulkhead.limit({ concurrency: most, queue })
      places = { bulkhead, most, place: { leave: () => leave(upstream, tool, bulkhead) } }
      ofServer.set(tool, places)
    }
    return places
  }

  /** A tool at which nothing is takes no room. */
  function leave(upstream: string, tool: string, bulkhead: Bulkhead): void {
    bulkhead.leave()
    if (bulkhead.inFlight === 0 && bulkhead.queued === 0) tools.get(upstream)?.delete(tool)
  }

  return {
    name: 'toolConcurrency',
    enter: (call, exchange) => {
      const item = itemOf(call)
      const most = item?.settings.concurrency
      if (item === undefined || most === undefined) return nothing
      const { bulkhead, place } = placesOf(item.upstream, item.name, most)
      if (bulkhead.tryEnter()) return place
      return waitForPlace(bulkhead, place, call.upstream, exchange, waitingFor(item, bulkhead, report))
    },
  }
}

function waitingFor({ upstream, visible }: Item, bulkhead: Bulkhead, report: Report): Waiting {
  return {
    refused: () => {
      report.counters.add('limit', { scope: 'tool', kind: 'overloaded' })
      return failed(overloaded(upstream, `${bulkhead.queued} wait for ${visible}, which runs ${bulkhead.inFlight} at once`))
    },
    late: () => failed(overloaded(upstream, `${visible} runs ${bulkhead.inFlight} at once, and no place became free before the deadline`)),
  }
}
