// How long a client says that it waits for the answer.
import { deadlineMeta } from '../../core/protocol/names.ts'

/** In ms; undefined where `_meta` says nothing of it, or nothing that could be. */
export function statedDeadlineMs(meta: Readonly<Record<string, unknown>>): number | undefined {
  const stated = meta[deadlineMeta]
  return typeof stated === 'number' && stated > 0 && Number.isFinite(stated) ? stated : undefined
}
