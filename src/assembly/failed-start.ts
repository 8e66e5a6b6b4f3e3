// The end of a gateway whose start failed: what it has begun (threads, files, processes) is ended before who started it hears why it failed.
import { reportBug } from '../core/ports/boundary.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Report } from '../core/ports/report.ts'

/** How long that may take, in ms. */
const longestMs = 5_000

/** Resolves when `end` is done, or nobody waits for it any more. Never rejects. */
export function endedInTime(end: Promise<void>, clock: Clock, report: Report): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.timer(longestMs, resolve)
    end
      .catch((bug: unknown) => reportBug(report, 'failed_start', bug))
      .finally(() => {
        timer.cancel()
        resolve()
      })
  })
}
