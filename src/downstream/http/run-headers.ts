// What the headers of a request say of the run that it belongs to, and of the versions of tools that it asks for.
import type { IncomingHttpHeaders } from 'node:http'
import type { RunHeaders } from '../../core/ports/gateway.ts'
import { header } from '../../core/protocol/names.ts'

/** Undefined where none does. */
export function runHeaders(headers: IncomingHttpHeaders): RunHeaders | undefined {
  const run = headers[header.run]
  const turn = headers[header.turn]
  const baggage = headers[header.baggage]
  if (run === undefined && turn === undefined && baggage === undefined) return undefined
  return { run: textOf(run), turn: textOf(turn), baggage: textOf(baggage) }
}

/** Lines of one name have been joined by commas. */
export function toolVersions(headers: IncomingHttpHeaders): string | undefined {
  return textOf(headers[header.toolVersions])
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
